//! Sending in `fluent.v1`: who gets what, in which order, and how the two dialects see each other's messages.

use fluent_backend::testing::{TestDevice, TestServer};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::v1::{
    assert_fields, column, conversation, conversations, exchange, history, integer, live, merged, partners, send_frame,
    seq, stopped_clock, two_live, two_users,
};

#[tokio::test]
async fn a_message_reaches_both_sides_with_one_id_seq_and_timestamp() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (mut a2, mut b2) = (live(&alice, "a2").await, live(&bob, "b2").await);
    let stored = a.store(bob.id, "m").await;
    assert_eq!(stored["duplicate"], false, "always present: {stored}");
    let same = json!({
        "id": integer(&stored, "id"),
        "seq": seq(&stored),
        "conversation_id": integer(&stored, "conversation_id"),
        "timestamp": stored["timestamp"].as_str().unwrap(),
    });
    let common = merged(&same, json!({"sender_id": alice.id, "receiver_id": bob.id, "message_type": "text"}));
    let own = a2.expect("message").await;
    assert_fields(&own, &merged(&common, json!({"content": "s:m", "client_id": "m"})));
    for device in [&mut b, &mut b2] {
        let theirs = device.expect("message").await;
        assert_fields(&theirs, &merged(&common, json!({"content": "r:m", "client_id": null})));
        assert_fields(&theirs, &json!({"reply_to": null, "expires_at": null, "ref": null}));
    }
    // The sending socket gets no `message` beside its `stored`.
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    // Nor is anything different in replay and in history.
    for (user, client_id) in [(&alice, json!("m")), (&bob, json!(null))] {
        let (_, missed) = user.live_device("late", Some(&a.cursor(0))).await;
        let replayed = missed.iter().find(|frame| frame["id"] == stored["id"]).expect("it is replayed");
        assert_fields(replayed, &merged(&common, json!({"type": "message", "client_id": client_id})));
        let partner = if user.id == alice.id { bob.id } else { alice.id };
        assert_fields(&history(user, partner).await[0], &merged(&common, json!({"client_id": client_id})));
    }
    server.stop().await;
}

#[tokio::test]
async fn optional_fields_reach_the_receiver() {
    let server = TestServer::start_at(stopped_clock(), |_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (first, _) = exchange(&mut a, &mut b, "first").await;
    let own_key: Value = bob.http.get("/users/me").await.ok().json();
    let more = json!({
        "reply_to": first["id"],
        "expires_in_s": 3600,
        "receiver_key_id": own_key["key_id"],
        "message_type": "sticker.v1",
    });
    let stored = a.ask(&merged(&send_frame(bob.id, "second"), more)).await;
    assert_fields(&stored, &json!({"type": "stored", "duplicate": false}));
    let message = b.expect("message").await;
    assert_fields(&message, &json!({"id": stored["id"], "reply_to": first["id"], "message_type": "sticker.v1"}));
    let at = |frame: &Value, key: &str| frame[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!((at(&message, "expires_at") - at(&message, "timestamp")).get_seconds(), 3600, "{message}");
    for (user, partner) in [(&alice, bob.id), (&bob, alice.id)] {
        let newest = &history(user, partner).await[0];
        assert_fields(newest, &json!({"reply_to": first["id"], "expires_at": message["expires_at"]}));
    }
    server.stop().await;
}

#[tokio::test]
async fn the_dialects_talk_to_each_other() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (mut old_a, mut old_b) = (alice.connect().await, bob.connect().await);
    let five = |frame: &Value| -> Vec<String> { frame.as_object().unwrap().keys().cloned().collect() };
    let keys = ["content", "message_type", "receiver_id", "sender_id", "timestamp"];

    // From the old app: every device of both, in the form it understands.
    old_a.send_message(bob.id, "for bob", "for alice").await;
    let message = b.expect("message").await;
    let people = json!({"sender_id": alice.id, "receiver_id": bob.id, "message_type": "text"});
    assert_fields(&message, &merged(&people, json!({"content": "for bob", "client_id": null})));
    let own = a.expect("message").await;
    assert_fields(&own, &merged(&people, json!({"content": "for alice", "id": message["id"], "seq": message["seq"]})));
    for (socket, content) in [(&mut old_a, "for alice"), (&mut old_b, "for bob")] {
        let frame: Value = serde_json::from_str(&socket.next_text().await).unwrap();
        assert_fields(&frame, &merged(&people, json!({"content": content, "timestamp": message["timestamp"]})));
        assert_eq!(five(&frame), keys, "the app gets five keys and no more");
    }

    // From a new one.
    let stored = a.store(bob.id, "m").await;
    assert_eq!(b.expect("message").await["id"], stored["id"]);
    for (socket, content) in [(&mut old_a, "s:m"), (&mut old_b, "r:m")] {
        let frame: Value = serde_json::from_str(&socket.next_text().await).unwrap();
        assert_fields(&frame, &merged(&people, json!({"content": content, "timestamp": stored["timestamp"]})));
        assert_eq!(five(&frame), keys, "the app gets five keys and no more");
    }
    server.stop().await;
}

/// Other types, receipts, deletions, typing: the app would break on them, or does not know them.
#[tokio::test]
async fn an_old_app_gets_text_messages_and_nothing_else() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let (mut old_a, mut old_b) = (alice.connect().await, bob.connect().await);
    let image = a.ask(&merged(&send_frame(bob.id, "image"), json!({"message_type": "image"}))).await;
    assert_eq!(b.expect("message").await["message_type"], "image");
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": image["id"]})).await;
    a.expect("receipt").await;
    a.ask(&json!({"type": "delete", "id": image["id"], "for": "everyone"})).await;
    b.expect("deleted").await;
    bob.http.put("/users/me/public_key", &json!({"public_key": "BBBB"})).await.ok();
    for device in [&mut a, &mut b] {
        device.expect("key_changed").await;
    }
    a.send(&json!({"type": "typing", "to": bob.id, "active": true})).await;
    b.expect("typing").await;
    exchange(&mut b, &mut a, "text").await;
    assert_eq!(old_a.next_message().await.content, "r:text", "the first frame the app gets");
    assert_eq!(old_b.next_message().await.content, "s:text", "the first frame the app gets");
    server.stop().await;
}

#[tokio::test]
async fn a_message_to_oneself_is_stored_once_without_receipts_or_unread() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let (mut a, mut a2) = (live(&alice, "a").await, live(&alice, "a2").await);
    let stored = a.store(alice.id, "note").await;
    let own = a2.expect("message").await;
    let expected = json!({"content": "s:note", "client_id": "note", "sender_id": alice.id, "receiver_id": alice.id});
    assert_fields(&own, &merged(&expected, json!({"id": stored["id"]})));
    a2.send(&json!({"type": "delivered", "up_to_seq": own["seq"]})).await;
    let next = a.store(alice.id, "next").await;
    assert_eq!(a2.expect("message").await["id"], next["id"], "no receipt came between");
    let notes = history(&alice, alice.id).await;
    assert_eq!(column(&notes, "content"), ["s:next", "s:note"]);
    assert_fields(&conversation(&alice, alice.id).await, &json!({"unread": 0}));
    let (_, missed) = alice.live_device("a3", Some(&a.cursor(0))).await;
    assert_eq!(column(&missed, "id"), [&stored["id"], &next["id"]], "each once, and nothing else");
    server.stop().await;
}

/// More than a socket may have in flight, sent without waiting, some of them wrong.
#[tokio::test(flavor = "multi_thread")]
async fn messages_are_numbered_in_the_order_in_which_a_socket_sent_them() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    for i in 0..300 {
        let to = if i % 10 == 7 { 4711 } else { bob.id };
        a.send(&send_frame(to, &i.to_string())).await;
    }
    let mut stored: Vec<Value> = Vec::new();
    let mut refused = 0;
    while stored.len() + refused < 300 {
        let answer = a.next().await;
        if answer["type"] == "stored" {
            stored.push(answer);
        } else {
            assert_fields(&answer, &json!({"type": "error", "code": "unknown_user"}));
            refused += 1;
        }
    }
    assert_eq!(refused, 30);
    let names: Vec<String> = (0..300).filter(|i| i % 10 != 7).map(|i: i32| i.to_string()).collect();
    assert_eq!(column(&stored, "client_id"), names.iter().map(String::as_str).collect::<Vec<_>>());
    for key in ["seq", "id"] {
        assert!(stored.is_sorted_by(|x, y| integer(x, key) < integer(y, key)), "{key} only grows");
    }
    let mut received = Vec::new();
    while received.len() < stored.len() {
        received.push(b.expect("message").await);
    }
    for key in ["seq", "id", "timestamp"] {
        assert_eq!(column(&received, key), column(&stored, key), "{key} at the receiver");
    }
    let kept = bob.history(alice.id).await;
    assert_eq!(kept.len(), stored.len());
    for (in_history, stored) in kept.iter().rev().zip(&stored) {
        assert_eq!(json!(in_history.timestamp), stored["timestamp"]);
    }
    server.stop().await;
}

/// Frames that come in one piece of TCP, and a socket that goes right after: all of them are stored.
#[tokio::test]
async fn what_was_sent_before_a_close_is_stored() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a: TestDevice = live(&alice, "a").await;
    for i in 0..50 {
        a.send(&send_frame(bob.id, &i.to_string())).await;
    }
    a.socket.send(Message::Close(None)).await.unwrap();
    while let Some(Ok(_)) = a.socket.next().await {}
    let all = async || (history(&bob, alice.id).await.len() == 50).then_some(());
    fluent_backend::testing::eventually("all fifty are stored", all).await;
    server.stop().await;
}

/// The message that is replied to must be in the same conversation: the numbers of other people's messages cannot be
/// probed.
#[tokio::test]
async fn an_answer_is_to_a_message_of_the_same_conversation() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let carol = server.sign_up("carol").await;
    let mut c = live(&carol, "c").await;
    let (first, _) = exchange(&mut a, &mut b, "first").await;
    let (elsewhere, _) = exchange(&mut b, &mut c, "elsewhere").await;
    let note = a.store(alice.id, "note").await;
    let reply = |to: i32, name: &str, id: &Value| merged(&send_frame(to, name), json!({"reply_to": id}));
    // To those one has written with, and to others: an error that leaves no conversation behind.
    for (to, id) in [
        (bob.id, &elsewhere["id"]),
        (bob.id, &note["id"]),
        (bob.id, &json!(4_711_000)),
        (carol.id, &first["id"]),
        (alice.id, &first["id"]),
    ] {
        let error = a.ask(&reply(to, "wrong", id)).await;
        assert_fields(&error, &json!({"type": "error", "code": "not_found", "retryable": false, "client_id": "wrong"}));
        let answer = alice.http.post("/chat/messages", &reply(to, "wrong", id)).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{id}");
    }
    assert_eq!(conversations(&alice).await.len(), 2, "with bob, and the notes");
    // Both sides may answer it, also in one batch with what is refused, and the name is not used up.
    a.send(&reply(bob.id, "right", &first["id"])).await;
    a.send(&reply(bob.id, "still wrong", &elsewhere["id"])).await;
    a.send(&send_frame(bob.id, "plain")).await;
    let stored = a.expect("stored").await;
    assert_fields(&a.expect("error").await, &json!({"code": "not_found", "client_id": "still-wrong"}));
    a.expect("stored").await;
    assert_fields(&b.expect("message").await, &json!({"id": stored["id"], "reply_to": first["id"]}));
    b.expect("message").await;
    assert_fields(&a.ask(&reply(bob.id, "wrong", &first["id"])).await, &json!({"type": "stored", "duplicate": false}));
    b.expect("message").await;
    assert_fields(&b.ask(&reply(alice.id, "his", &first["id"])).await, &json!({"type": "stored", "duplicate": false}));
    a.expect("message").await;
    // What is gone may have been answered before anybody knew.
    a.ask(&json!({"type": "delete", "id": first["id"], "for": "everyone"})).await;
    b.expect("deleted").await;
    assert_fields(&b.ask(&reply(alice.id, "late", &first["id"])).await, &json!({"type": "stored", "duplicate": false}));
    // A resend is looked up first, whatever has become of the message that it replies to.
    assert_fields(&a.expect("message").await, &json!({"client_id": null}));
    assert_fields(&a.ask(&reply(bob.id, "right", &first["id"])).await, &json!({"duplicate": true, "id": stored["id"]}));
    let conflict = a.ask(&reply(bob.id, "right", &json!(4_711_000))).await;
    assert_fields(&conflict, &json!({"type": "error", "code": "conflict", "id": stored["id"]}));
    server.stop().await;
}

//! Deleting messages, for oneself and for everyone; their expiry; and what lists show afterwards.

use fluent_backend::testing::TestServer;
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::v1::{
    assert_fields, chat_list, column, conversation, conversations, exchange, history, integer, live, log_in_again,
    merged, send_frame, seq, stopped_clock, two_live,
};

fn delete(id: &Value, scope: &str) -> Value {
    json!({"type": "delete", "id": id, "for": scope, "ref": "d"})
}

#[tokio::test]
async fn deleted_for_me_is_gone_on_all_own_devices_and_stays_with_the_partner() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (stored, _) = exchange(&mut a, &mut b, "m").await;
    let mut b2 = live(&bob, "b2").await;
    let deleted = b.ask(&delete(&stored["id"], "me")).await;
    let expected = json!({
        "type": "deleted", "id": stored["id"], "conversation_id": stored["conversation_id"], "partner_id": alice.id,
        "for": "me", "by": bob.id, "reason": "user",
    });
    assert_fields(&deleted, &merged(&expected, json!({"ref": "d", "duplicate": null})));
    assert!(seq(&deleted) > seq(&stored), "{deleted}");
    assert_fields(&b2.expect("deleted").await, &merged(&expected, json!({"seq": deleted["seq"], "ref": null})));
    // Again: the first one, for the asking socket alone.
    let repeated = b2.ask(&delete(&stored["id"], "me")).await;
    assert_fields(&repeated, &merged(&expected, json!({"seq": deleted["seq"], "duplicate": true, "ref": "d"})));
    assert_eq!(b.so_far().await, Vec::<Value>::new());
    assert_eq!(a.so_far().await, Vec::<Value>::new(), "the sender hears nothing of it");
    assert_eq!(history(&bob, alice.id).await, Vec::<Value>::new());
    assert_eq!(column(&history(&alice, bob.id).await, "content"), ["s:m"]);
    // Replay: the one side has the message, the other only that it is gone.
    let (_, missed) = alice.live_device("late", Some(&a.cursor(0))).await;
    assert!(column(&missed, "id").contains(&&stored["id"]), "{missed:?}");
    let (_, missed) = bob.live_device("late", Some(&a.cursor(0))).await;
    let about: Vec<&Value> = missed.iter().filter(|frame| frame["id"] == stored["id"]).collect();
    assert_eq!(about.len(), 1, "{missed:?}");
    assert_fields(about[0], &merged(&expected, json!({"seq": deleted["seq"]})));
    server.stop().await;
}

#[tokio::test]
async fn deleted_for_everyone_is_gone_on_both_sides() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (stored, _) = exchange(&mut a, &mut b, "m").await;
    let mut a2 = live(&alice, "a2").await;
    let deleted = a.ask(&delete(&stored["id"], "everyone")).await;
    let expected = json!({
        "type": "deleted", "id": stored["id"], "seq": seq(&deleted), "conversation_id": stored["conversation_id"],
        "for": "everyone", "by": alice.id, "reason": "user",
    });
    assert_fields(&deleted, &merged(&expected, json!({"partner_id": bob.id, "ref": "d", "duplicate": null})));
    assert_fields(&a2.expect("deleted").await, &merged(&expected, json!({"partner_id": bob.id})));
    assert_fields(&b.expect("deleted").await, &merged(&expected, json!({"partner_id": alice.id})));
    let repeated = a2.ask(&delete(&stored["id"], "everyone")).await;
    assert_fields(&repeated, &merged(&expected, json!({"duplicate": true, "ref": "d"})));
    for device in [&mut a, &mut b] {
        assert_eq!(device.so_far().await, Vec::<Value>::new());
    }
    for (user, partner) in [(&alice, bob.id), (&bob, alice.id)] {
        assert_eq!(history(user, partner).await, Vec::<Value>::new());
        let (_, missed) = user.live_device("late", Some(&a.cursor(0))).await;
        let about: Vec<&Value> = missed.iter().filter(|frame| frame["id"] == stored["id"]).collect();
        assert_eq!(about.len(), 1, "only that it is gone: {missed:?}");
        assert_fields(about[0], &merged(&expected, json!({"partner_id": partner})));
    }
    server.stop().await;
}

#[tokio::test]
async fn for_everyone_after_for_me_is_a_new_deletion() {
    let server = TestServer::start().await;
    let (_, _, mut a, mut b) = two_live(&server).await;
    let (stored, _) = exchange(&mut a, &mut b, "m").await;
    let mine = a.ask(&delete(&stored["id"], "me")).await;
    let all = a.ask(&delete(&stored["id"], "everyone")).await;
    assert_fields(&all, &json!({"type": "deleted", "for": "everyone", "duplicate": null}));
    assert!(seq(&all) > seq(&mine), "{all}");
    assert_fields(&b.expect("deleted").await, &json!({"seq": all["seq"], "for": "everyone"}));
    server.stop().await;
}

#[tokio::test]
async fn only_the_sender_deletes_for_everyone_and_only_for_a_day() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (in_time, _) = exchange(&mut a, &mut b, "in time").await;
    clock.advance_secs(86_399);
    assert_fields(&a.ask(&delete(&in_time["id"], "everyone")).await, &json!({"type": "deleted", "for": "everyone"}));
    b.expect("deleted").await;
    let (stored, _) = exchange(&mut a, &mut b, "too late").await;
    assert_fields(
        &b.ask(&delete(&stored["id"], "everyone")).await,
        &json!({"type": "error", "code": "forbidden", "ref": "d"}),
    );
    clock.advance_secs(86_401);
    assert_fields(&a.ask(&delete(&stored["id"], "everyone")).await, &json!({"type": "error", "code": "forbidden"}));
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    let rest = alice.http.delete(&format!("/chat/messages/{}?for=everyone", stored["id"])).await;
    assert_eq!(rest.problem(), (403, "forbidden".to_owned()));
    assert_eq!(column(&history(&bob, alice.id).await, "id"), [&stored["id"]], "nothing of it was done");
    // For oneself there is no term.
    assert_fields(&a.ask(&delete(&stored["id"], "me")).await, &json!({"type": "deleted", "for": "me"}));
    server.stop().await;
}

#[tokio::test]
async fn history_fills_its_pages_and_a_chat_without_messages_leaves_the_chat_list() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let mut stored = Vec::new();
    for i in 0..12 {
        stored.push(exchange(&mut a, &mut b, &i.to_string()).await.0);
    }
    for i in [11, 10, 8, 3] {
        a.ask(&delete(&stored[i]["id"], "everyone")).await;
        b.expect("deleted").await;
    }
    let page: Vec<Value> =
        bob.http.get(&format!("/chat/all_messages?partnerID={}&limit=5", alice.id)).await.ok().json();
    assert_eq!(column(&page, "content"), ["r:9", "r:7", "r:6", "r:5", "r:4"], "five are there, so five come");
    for (user, partner, content) in [(&alice, bob.id, "s:9"), (&bob, alice.id, "r:9")] {
        let chats = chat_list(user).await;
        assert_eq!((chats.len(), &chats[0]["message"]["content"]), (1, &json!(content)), "{chats:?}");
        let chat = conversation(user, partner).await;
        assert_fields(&chat["last_message"], &json!({"id": stored[9]["id"], "content": content}));
        assert_eq!(chat["seq"], stored[11]["seq"], "of the newest message, tombstones counted: {chat}");
    }
    for i in [9, 7, 6, 5, 4, 2, 1, 0] {
        b.ask(&delete(&stored[i]["id"], "me")).await;
    }
    assert_eq!(chat_list(&bob).await, Vec::<Value>::new(), "all gone");
    let all = conversations(&bob).await;
    assert_eq!(all.len(), 1, "but the conversation is there");
    assert_fields(&all[0], &json!({"last_message": null, "seq": stored[11]["seq"]}));
    assert_eq!(all[0]["partner"]["id"], alice.id);
    assert_eq!(chat_list(&alice).await[0]["message"]["content"], "s:9", "hers are untouched");
    server.stop().await;
}

#[tokio::test]
async fn an_expired_message_is_left_out_at_once_and_then_deleted_for_both() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (first, _) = exchange(&mut a, &mut b, "stays").await;
    let mut expiring = Vec::new();
    for name in ["expires", "expires, deleted by bob"] {
        let frame = merged(&send_frame(bob.id, name), json!({"expires_in_s": 60}));
        expiring.push(a.ask(&frame).await);
        b.expect("message").await;
    }
    b.ask(&delete(&expiring[1]["id"], "me")).await;
    clock.advance_secs(59);
    assert_eq!(history(&alice, bob.id).await.len(), 3);
    clock.advance_secs(2);
    for (user, partner) in [(&alice, bob.id), (&bob, alice.id)] {
        assert_eq!(
            column(&history(user, partner).await, "id"),
            [&first["id"]],
            "from that moment every read leaves it out"
        );
        let chats = chat_list(user).await;
        assert_eq!((chats.len(), &chats[0]["message"]["timestamp"]), (1, &first["timestamp"]));
        let last = conversation(user, partner).await["last_message"].clone();
        assert_eq!(last["id"], first["id"]);
        let (_, missed) = user.live_device("late", Some(&a.cursor(0))).await;
        let shown: Vec<&Value> = missed.iter().filter(|frame| frame["type"] == "message").collect();
        assert!(shown.iter().all(|frame| frame["id"] == first["id"]), "replay leaves it out: {shown:?}");
    }
    let expected = json!({"for": "everyone", "by": null, "reason": "expired"});
    let mut gone = [a.expect("deleted").await, a.expect("deleted").await];
    gone.sort_by_key(|deleted| integer(deleted, "id"));
    assert_eq!(column(&gone, "id"), column(&expiring, "id"));
    let one = &gone[0];
    assert_fields(one, &merged(&expected, json!({"partner_id": bob.id})));
    let his = b.expect("deleted").await;
    assert_fields(
        &his,
        &merged(&expected, json!({"id": expiring[0]["id"], "partner_id": alice.id, "seq": one["seq"]})),
    );
    assert_eq!(b.so_far().await, Vec::<Value>::new(), "none for who has one already");
    // Deleting what has expired finds what has been done.
    let repeated = a.ask(&delete(&expiring[0]["id"], "everyone")).await;
    assert_fields(&repeated, &merged(&expected, json!({"type": "deleted", "seq": one["seq"], "duplicate": true})));
    server.stop().await;
}

#[tokio::test]
async fn deleting_by_rest_is_the_same_event() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (stored, _) = exchange(&mut a, &mut b, "m").await;
    let path = format!("/chat/messages/{}", stored["id"]);
    for bad in [path.clone(), format!("{path}?for=nobody"), "/chat/messages/x?for=me".to_owned()] {
        let status = alice.http.delete(&bad).await.status.as_u16();
        assert!(status == 422 || status == 404 && bad.contains("/x?"), "{bad}: {status}");
    }
    assert_eq!(server.http().delete(&format!("{path}?for=me")).await.problem(), (401, "unauthorized".to_owned()));
    for id in ["4711", "9007199254740993"] {
        let refused = alice.http.delete(&format!("/chat/messages/{id}?for=me")).await.problem();
        assert_eq!(refused, (404, "not_found".to_owned()));
    }
    let refused = bob.http.delete(&format!("{path}?for=everyone")).await.problem();
    assert_eq!(refused, (403, "forbidden".to_owned()));
    let eve = server.sign_up("eve").await;
    assert_eq!(eve.http.delete(&format!("{path}?for=me")).await.problem(), (404, "not_found".to_owned()));

    let answer: Value = alice.http.delete(&format!("{path}?for=everyone")).await.ok().json();
    assert_fields(
        &answer,
        &json!({"type": "deleted", "id": stored["id"], "for": "everyone", "by": alice.id, "duplicate": null}),
    );
    for device in [&mut a, &mut b] {
        assert_fields(&device.expect("deleted").await, &json!({"seq": answer["seq"], "id": stored["id"]}));
    }
    let answer: Value = alice.http.delete(&format!("{path}?for=everyone")).await.ok().json();
    assert_fields(&answer, &json!({"duplicate": true}));
    server.stop().await;
}

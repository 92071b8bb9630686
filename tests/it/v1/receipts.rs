//! `delivered` and `read`: who learns of them, how far they reach, and that they never go back.

use fluent_backend::testing::{TestClient, TestDevice, TestServer};
use serde_json::{Value, json};

use crate::support::v1::{
    assert_fields, conversation, conversations, exchange, integer, live, merged, partners, send_frame, seq, two_live,
};

async fn read(device: &mut TestDevice, partner: i32, up_to: &Value) -> Value {
    device.ask(&json!({"type": "read", "partner_id": partner, "up_to_id": up_to, "ref": "r"})).await
}

/// The `seq` of a user's newest message.
async fn newest(user: &TestClient) -> i64 {
    seq(&conversations(user).await[0])
}

async fn delivered(device: &mut TestDevice, up_to: i64) {
    device.send(&json!({"type": "delivered", "up_to_seq": up_to})).await;
}

#[tokio::test]
async fn what_a_device_keeps_is_told_to_the_partner_alone() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let (mut a2, mut b2) = (live(&alice, "a2").await, live(&bob, "b2").await);
    let mut ids = Vec::new();
    for i in 0..3 {
        let (stored, _) = exchange(&mut a, &mut b, &i.to_string()).await;
        a2.expect("message").await;
        b2.expect("message").await;
        ids.push(stored);
    }
    delivered(&mut b, seq(&ids[1])).await;
    let receipt = a.expect("receipt").await;
    let expected = json!({
        "kind": "delivered", "conversation_id": ids[0]["conversation_id"], "user_id": bob.id, "partner_id": alice.id,
        "up_to_id": ids[1]["id"], "ref": null,
    });
    assert_fields(&receipt, &expected);
    assert!(receipt["timestamp"].is_string() && seq(&receipt) > seq(&ids[2]), "{receipt}");
    assert_fields(&a2.expect("receipt").await, &merged(&expected, json!({"seq": receipt["seq"]})));
    // Never back, not again, and nothing for the other devices of the one who received.
    for up_to in [seq(&ids[1]), seq(&ids[0]), 0] {
        delivered(&mut b, up_to).await;
    }
    for device in [&mut b, &mut b2] {
        let so_far = device.so_far().await;
        assert!(so_far.iter().all(|frame| frame["type"] == "message"), "own notes at most: {so_far:?}");
    }
    // The other device is behind; only what is new counts. Beyond the end it is the newest message.
    delivered(&mut b2, seq(&ids[0])).await;
    delivered(&mut b2, seq(&ids[2]) + 1_000_000).await;
    let receipt = a.expect("receipt").await;
    assert_fields(&receipt, &merged(&expected, json!({"up_to_id": ids[2]["id"]})));
    delivered(&mut b2, seq(&ids[2])).await;
    assert_eq!(b.so_far().await.len(), 1, "the other device's note");
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    assert_fields(&conversation(&alice, bob.id).await, &json!({"partner_delivered_up_to_id": ids[2]["id"]}));
    server.stop().await;
}

/// One `delivered` is for all conversations.
#[tokio::test]
async fn one_cursor_is_a_receipt_in_every_conversation() {
    let server = TestServer::start().await;
    let (_, bob, mut a, mut b) = partners(&server).await;
    let carol = server.sign_up("carol").await;
    let mut c = live(&carol, "c").await;
    exchange(&mut b, &mut c, "hello carol").await;
    let (first, _) = exchange(&mut a, &mut b, "from alice").await;
    let (second, _) = exchange(&mut c, &mut b, "from carol").await;
    let (third, _) = exchange(&mut a, &mut b, "from alice again").await;
    // An own message is no message of the partner's.
    let own = b.store(carol.id, "from bob").await;
    c.expect("message").await;
    delivered(&mut b, seq(&second)).await;
    for (device, message) in [(&mut a, &first), (&mut c, &second)] {
        let receipt = device.expect("receipt").await;
        assert_fields(&receipt, &json!({"kind": "delivered", "user_id": bob.id, "up_to_id": message["id"]}));
    }
    delivered(&mut b, seq(&own)).await;
    assert_fields(&a.expect("receipt").await, &json!({"up_to_id": third["id"]}));
    assert_eq!(c.so_far().await, Vec::<Value>::new(), "nothing of carol's was new");
    server.stop().await;
}

#[tokio::test]
async fn what_a_person_has_read_is_told_to_both_sides() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let mut ids = Vec::new();
    for i in 0..3 {
        ids.push(exchange(&mut a, &mut b, &i.to_string()).await.0);
    }
    let own = b.store(alice.id, "an answer").await;
    a.expect("message").await;
    let (mut a2, mut b2) = (live(&alice, "a2").await, live(&bob, "b2").await);
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 3, "read_up_to_id": null}));

    let receipt = read(&mut b, alice.id, &ids[1]["id"]).await;
    let expected = json!({
        "type": "receipt", "kind": "read", "conversation_id": ids[0]["conversation_id"], "user_id": bob.id,
        "partner_id": alice.id, "up_to_id": ids[1]["id"], "seq": seq(&receipt), "timestamp": receipt["timestamp"],
    });
    assert_fields(&receipt, &merged(&expected, json!({"ref": "r", "duplicate": null})));
    for device in [&mut a, &mut a2, &mut b2] {
        assert_fields(&device.expect("receipt").await, &merged(&expected, json!({"ref": null})));
    }
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 1, "read_up_to_id": ids[1]["id"]}));
    let hers = json!({"partner_read_up_to_id": ids[1]["id"], "partner_delivered_up_to_id": ids[1]["id"], "unread": 1});
    assert_fields(&conversation(&alice, bob.id).await, &hers);

    // Again and further back: the standing one, for the asking socket alone.
    for up_to in [&ids[1]["id"], &ids[0]["id"], &json!(0)] {
        let answer = read(&mut b, alice.id, up_to).await;
        assert_fields(&answer, &merged(&expected, json!({"ref": "r", "duplicate": true})));
    }
    // It was delivered, then.
    delivered(&mut b, seq(&ids[1])).await;
    // Beyond the end: the partner's newest message, not the own one after it.
    let receipt = read(&mut b, alice.id, &json!(integer(&own, "id") + 1000)).await;
    assert_fields(&receipt, &json!({"up_to_id": ids[2]["id"], "duplicate": null}));
    for device in [&mut a, &mut a2, &mut b2] {
        let next = device.expect("receipt").await;
        assert_fields(&next, &json!({"kind": "read", "up_to_id": ids[2]["id"], "seq": receipt["seq"]}));
    }
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 0}));
    server.stop().await;
}

#[tokio::test]
async fn every_read_is_answered_also_where_there_is_nothing_to_read() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let stranger = server.sign_up("stranger").await;
    for partner in [stranger.id, 4711] {
        let answer = read(&mut a, partner, &json!(1)).await;
        assert_fields(&answer, &json!({"type": "error", "code": "not_found", "ref": "r"}));
    }
    // A conversation in which the partner has written nothing.
    let (stored, _) = exchange(&mut a, &mut b, "m").await;
    let answer = read(&mut a, bob.id, &stored["id"]).await;
    assert_fields(
        &answer,
        &json!({
            "type": "receipt", "kind": "read", "user_id": alice.id, "partner_id": bob.id, "up_to_id": 0, "seq": null,
            "conversation_id": stored["conversation_id"], "duplicate": true, "ref": "r",
        }),
    );
    assert_eq!(b.so_far().await, Vec::<Value>::new());
    server.stop().await;
}

/// A person scrolls: a thousand reads without waiting. Each is answered, the partner gets a few.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reads_are_merged_and_each_is_answered() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let mut ids = Vec::new();
    for i in 0..1000 {
        a.send(&send_frame(bob.id, &i.to_string())).await;
    }
    for _ in 0..1000 {
        ids.push(integer(&a.expect("stored").await, "id"));
        b.expect("message").await;
    }
    for (i, id) in ids.iter().enumerate() {
        b.send(&json!({"type": "read", "partner_id": alice.id, "up_to_id": id, "ref": i})).await;
    }
    let (mut answered, mut newest, mut up_to) = (vec![false; 1000], 0, 0);
    for _ in 0..1000 {
        let answer = b.expect("receipt").await;
        let reference = usize::try_from(integer(&answer, "ref")).unwrap();
        assert!(!std::mem::replace(&mut answered[reference], true), "answered twice: {answer}");
        assert!(integer(&answer, "up_to_id") >= ids[reference], "it holds for what was asked: {answer}");
        if answer["duplicate"] == true {
            continue;
        }
        assert!(seq(&answer) > newest && integer(&answer, "up_to_id") > up_to, "{answer} after {newest}");
        (newest, up_to) = (seq(&answer), integer(&answer, "up_to_id"));
    }
    assert_eq!(up_to, ids[999]);
    let mut receipts = vec![a.expect("receipt").await];
    while receipts.last().unwrap()["up_to_id"] != ids[999] {
        receipts.push(a.expect("receipt").await);
    }
    assert_eq!(seq(receipts.last().unwrap()), newest, "the same event on both sides");
    let grows = |x: &Value, y: &Value| seq(x) < seq(y) && integer(x, "up_to_id") < integer(y, "up_to_id");
    assert!(receipts.is_sorted_by(grows), "they never go back");
    assert!(receipts.len() < 1000, "{} receipts for 1000 reads: none were merged", receipts.len());
    // Of all these only the newest is left to who comes later.
    let (_, missed) = alice.live_device("late", Some(&a.cursor(0))).await;
    let replayed: Vec<&Value> = missed.iter().filter(|frame| frame["type"] == "receipt").collect();
    assert_eq!(replayed.len(), 1, "{replayed:?}");
    assert_fields(replayed[0], &json!({"kind": "read", "seq": newest, "up_to_id": ids[999]}));
    server.stop().await;
}

/// Superseded by one of the same kind only: `delivered` and `read` of both sides are replayed beside each other.
#[tokio::test]
async fn replay_has_the_newest_receipt_of_each_kind_in_its_place() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let since = a.cursor(newest(&alice).await);
    let first = exchange(&mut a, &mut b, "1").await.0;
    delivered(&mut b, seq(&first)).await;
    a.expect("receipt").await;
    let read_first = read(&mut b, alice.id, &first["id"]).await;
    a.expect("receipt").await;
    let second = exchange(&mut a, &mut b, "2").await.0;
    let third = exchange(&mut b, &mut a, "3").await.0;
    delivered(&mut b, seq(&second)).await;
    let delivered_second = a.expect("receipt").await;
    let read_third = read(&mut a, bob.id, &third["id"]).await;
    b.expect("receipt").await;
    let kept: Vec<i64> = [&first, &read_first, &second, &third, &delivered_second, &read_third].map(seq).to_vec();
    let (_, missed) = alice.live_device("late", Some(&since)).await;
    assert_eq!(missed.iter().map(seq).collect::<Vec<_>>(), kept, "{missed:?}");
    let (_, missed) = bob.live_device("late", Some(&since)).await;
    let his = kept.iter().copied().filter(|&number| number != seq(&delivered_second)).collect::<Vec<_>>();
    assert_eq!(missed.iter().map(seq).collect::<Vec<_>>(), his, "`delivered` is for the partner only: {missed:?}");
    server.stop().await;
}

/// A stranger may write, but learns nothing of the phone that receives it, nor of the person: also not by a message
/// that the app would not show.
#[tokio::test]
async fn a_stranger_is_told_nothing_until_they_are_partners() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let odd = json!({"message_type": "x-probe", "expires_in_s": 3600});
    let first = a.ask(&merged(&send_frame(bob.id, "first"), odd)).await;
    b.expect("message").await;
    delivered(&mut b, seq(&first)).await;
    bob.http.post("/chat/receipts", &json!({"delivered": {"up_to_seq": first["seq"]}})).await.ok();
    let mut b2 = live(&bob, "b2").await;
    let own = read(&mut b, alice.id, &first["id"]).await;
    assert_fields(&own, &json!({"kind": "read", "up_to_id": first["id"], "duplicate": null}));
    assert_fields(&b2.expect("receipt").await, &json!({"kind": "read", "seq": own["seq"]}));
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    let nothing = json!({"partner_read_up_to_id": null, "partner_delivered_up_to_id": null});
    assert_fields(&conversation(&alice, bob.id).await, &nothing);
    let (_, missed) = alice.live_device("late", Some(&a.cursor(0))).await;
    assert!(missed.iter().all(|frame| frame["type"] == "message"), "{missed:?}");
    // An own read is no word to the other either: only a message is.
    let second = exchange(&mut a, &mut b, "second").await.0;
    delivered(&mut b, seq(&second)).await;
    b.so_far().await;
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    // He writes back, and from then on his devices' receipts are told, which were told to no one before.
    let answer = exchange(&mut b, &mut a, "answer").await.0;
    assert_eq!(a.so_far().await, Vec::<Value>::new(), "nothing by itself");
    delivered(&mut b, seq(&answer)).await;
    let expected = json!({"kind": "delivered", "user_id": bob.id, "up_to_id": second["id"]});
    assert_fields(&a.expect("receipt").await, &expected);
    read(&mut b, alice.id, &second["id"]).await;
    assert_fields(&a.expect("receipt").await, &merged(&expected, json!({"kind": "read"})));
    server.stop().await;
}

/// A user who reads before writing back does not tell that it was read, even when both come at once.
#[tokio::test]
async fn what_was_read_before_the_first_answer_is_not_told() {
    let server = TestServer::start().await;
    let (alice, _, mut a, mut b) = two_live(&server).await;
    let first = exchange(&mut a, &mut b, "first").await.0;
    b.send(&json!({"type": "read", "partner_id": alice.id, "up_to_id": first["id"]})).await;
    b.send(&json!({"type": "delivered", "up_to_seq": first["seq"]})).await;
    b.send(&send_frame(alice.id, "answer")).await;
    b.expect("receipt").await;
    let answer = b.expect("stored").await;
    let (before, message) = a.read_until("message").await;
    assert_eq!((before, &message["id"]), (Vec::new(), &answer["id"]));
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    server.stop().await;
}

/// Replay without a `read`: what arrived is told again, in its place.
#[tokio::test]
async fn a_replay_that_knows_only_delivered_tells_it() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let since = a.cursor(newest(&alice).await);
    let first = exchange(&mut a, &mut b, "first").await.0;
    delivered(&mut b, seq(&first)).await;
    let receipt = a.expect("receipt").await;
    let second = exchange(&mut a, &mut b, "second").await.0;
    let (_, missed) = alice.live_device("late", Some(&since)).await;
    let told: Vec<i64> = missed.iter().map(seq).collect();
    assert_eq!(told, [&first, &receipt, &second].map(seq));
    assert_eq!(missed[1], receipt);
    assert_fields(&receipt, &json!({"kind": "delivered", "user_id": bob.id, "up_to_id": first["id"]}));
    // Superseded by one of the same kind: the newest keeps its place.
    delivered(&mut b, seq(&second)).await;
    let newer = a.expect("receipt").await;
    let (_, missed) = alice.live_device("later", Some(&since)).await;
    assert_eq!(missed.iter().map(seq).collect::<Vec<_>>(), [&first, &second, &newer].map(seq));
    server.stop().await;
}

//! Blocking and settings: what stops, for whom, and what stays.

use fluent_backend::testing::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::support::v1::{
    assert_fields, column, conversation, exchange, history, integer, live, merged, partners, send_frame, seq,
    two_users, without,
};

#[tokio::test]
async fn neither_side_of_a_block_can_write_to_the_other() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let mut b2 = live(&bob, "b2").await;
    let path = format!("/users/{}/block", alice.id);
    assert_eq!(bob.http.put(&path, &json!({})).await.status, 204);
    let event = b.expect("block").await;
    assert_fields(&event, &json!({"user_id": alice.id, "blocked": true}));
    assert_fields(&b2.expect("block").await, &json!({"user_id": alice.id, "blocked": true, "seq": event["seq"]}));
    for (device, to) in [(&mut a, bob.id), (&mut b, alice.id)] {
        let error = device.ask(&merged(&send_frame(to, "m"), json!({"ref": "r"}))).await;
        let expected = json!({"type": "error", "code": "blocked", "retryable": false, "client_id": "m", "ref": "r"});
        assert_fields(&error, &expected);
    }
    for (user, to) in [(&alice, bob.id), (&bob, alice.id)] {
        assert_eq!(user.http.post("/chat/messages", &send_frame(to, "n")).await.problem(), (403, "blocked".to_owned()));
        let mut legacy = user.connect().await;
        legacy.send_message(to, "r", "s").await;
        assert_eq!(legacy.next_error().await["code"], "blocked");
        assert_eq!(history(user, to).await.len(), 2, "nothing new is stored, and what was there stays");
    }
    assert_fields(&conversation(&bob, alice.id).await, &json!({"blocked": true}));
    assert_fields(&conversation(&alice, bob.id).await, &json!({"blocked": false}));
    assert_eq!(a.so_far().await, Vec::<Value>::new(), "who is blocked is not told");

    // Repeatable, as an event only once, and undone by DELETE.
    assert_eq!(bob.http.put(&path, &json!({})).await.status, 204);
    assert_eq!(bob.http.delete(&path).await.status, 204);
    let (before, undone) = b2.read_until("block").await;
    assert_fields(&undone, &json!({"user_id": alice.id, "blocked": false}));
    assert_eq!((before.len(), seq(&undone) > seq(&event)), (0, true), "{before:?} {undone}");
    b.expect("block").await;
    assert_eq!(bob.http.delete(&path).await.status, 204);
    assert_fields(&conversation(&bob, alice.id).await, &json!({"blocked": false}));
    // The refused name was not used up.
    exchange(&mut a, &mut b, "m").await;
    exchange(&mut b, &mut a, "n").await;
    server.stop().await;
}

#[tokio::test]
async fn the_list_of_the_blocked_and_whom_one_cannot_block() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let blocked = async || -> Vec<Value> { alice.http.get("/users/blocked").await.ok().json() };
    assert_eq!(blocked().await, Vec::<Value>::new());
    alice.http.put(&format!("/users/{}/block", bob.id), &json!({})).await.ok();
    let users: Vec<Value> = alice.http.get(&format!("/users?ids={}", bob.id)).await.ok().json();
    assert_eq!(blocked().await, users, "in the form of `/users?ids=`");
    for method in [http::Method::PUT, http::Method::DELETE] {
        let ask = async |id: &str| {
            let path = format!("/users/{id}/block");
            alice.http.with_body(method.clone(), &path, &json!({})).await.problem()
        };
        assert_eq!(ask("4711").await, (404, "not_found".to_owned()), "{method}");
        assert_eq!(ask(&alice.id.to_string()).await, (422, "bad_frame".to_owned()), "{method} oneself");
    }
    assert_eq!(server.http().get("/users/blocked").await.problem().0, 401);
    alice.http.delete(&format!("/users/{}/block", bob.id)).await.ok();
    assert_eq!(blocked().await, Vec::<Value>::new());
    server.stop().await;
}

#[tokio::test]
async fn receipts_stop_where_one_has_blocked_the_other() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let (stored, _) = exchange(&mut a, &mut b, "unread").await;
    alice.http.put(&format!("/users/{}/block", bob.id), &json!({})).await.ok();
    a.expect("block").await;
    b.send(&json!({"type": "delivered", "up_to_seq": stored["seq"]})).await;
    let receipt = b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored["id"], "ref": 1})).await;
    assert_fields(&receipt, &json!({"type": "receipt", "kind": "read", "up_to_id": stored["id"], "ref": 1}));
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 0, "read_up_to_id": stored["id"]}));
    server.stop().await;
}

#[tokio::test]
async fn read_receipts_switched_off_are_off_both_ways() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let mut b2 = live(&bob, "b2").await;
    let settings: Value = bob.http.put("/users/me/settings", &json!({"read_receipts": false})).await.ok().json();
    assert_eq!(settings, json!({"presence": true, "read_receipts": false}));
    let (hers, _) = exchange(&mut a, &mut b, "hers").await;
    b2.expect("message").await;
    let (his, _) = exchange(&mut b, &mut a, "his").await;
    b2.expect("message").await;

    // He reads: his own sockets learn of it, she that it was delivered.
    let receipt = b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": hers["id"]})).await;
    assert_fields(&receipt, &json!({"type": "receipt", "kind": "read", "up_to_id": hers["id"], "duplicate": null}));
    assert_fields(&b2.expect("receipt").await, &json!({"kind": "read", "seq": receipt["seq"]}));
    assert_fields(&a.expect("receipt").await, &json!({"kind": "delivered", "user_id": bob.id, "up_to_id": hers["id"]}));
    assert_fields(&conversation(&bob, alice.id).await, &json!({"unread": 0, "read_up_to_id": hers["id"]}));
    let seen = conversation(&alice, bob.id).await;
    assert_fields(&seen, &json!({"partner_delivered_up_to_id": hers["id"]}));
    assert_ne!(seen["partner_read_up_to_id"], hers["id"], "{seen}");

    // She reads: he has switched it off, so he learns no more either.
    let receipt = a.ask(&json!({"type": "read", "partner_id": bob.id, "up_to_id": his["id"]})).await;
    assert_fields(&receipt, &json!({"kind": "read", "up_to_id": his["id"]}));
    for device in [&mut b, &mut b2] {
        assert_fields(
            &device.expect("receipt").await,
            &json!({"kind": "delivered", "user_id": alice.id, "up_to_id": his["id"]}),
        );
    }
    assert_ne!(conversation(&bob, alice.id).await["partner_read_up_to_id"], his["id"]);
    // Replay says the same as was said live.
    for (user, other) in [(&alice, &bob), (&bob, &alice)] {
        let (_, missed) = user.live_device("late", Some(&a.cursor(0))).await;
        let of_other: Vec<&Value> =
            missed.iter().filter(|frame| frame["type"] == "receipt" && frame["user_id"] == other.id).collect();
        assert!(of_other.iter().all(|frame| frame["kind"] == "delivered"), "{of_other:?}");
    }

    // Switched on again, nothing is made up for; the next read is told.
    bob.http.put("/users/me/settings", &json!({"read_receipts": true})).await.ok();
    assert_eq!(a.so_far().await, Vec::<Value>::new());
    let (next, _) = exchange(&mut a, &mut b, "next").await;
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": next["id"]})).await;
    assert_fields(&a.expect("receipt").await, &json!({"kind": "read", "up_to_id": next["id"]}));
    server.stop().await;
}

#[tokio::test]
async fn a_replaced_key_is_told_to_those_who_use_it() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let mut b2 = live(&bob, "b2").await;
    let stranger = server.sign_up("stranger").await;
    let mut s = live(&stranger, "s").await;
    let old: Value = bob.http.get("/users/me").await.ok().json();
    let answer: Value = bob.http.put("/users/me/public_key", &json!({"public_key": "BBBB"})).await.ok().json();
    // The first 16 hex digits of the SHA-256 of `BBBB`.
    let key_id = "4a8d8134f29b0b7b";
    assert_eq!(answer, json!({"key_id": key_id}));
    let event = a.expect("key_changed").await;
    assert_fields(&event, &json!({"user_id": bob.id, "key_id": key_id, "seq": integer(&event, "seq")}));
    for device in [&mut b, &mut b2] {
        assert_fields(&device.expect("key_changed").await, &without(&event, "ref"));
    }
    assert_eq!(s.so_far().await, Vec::<Value>::new(), "strangers have nothing to encrypt");
    let users: Vec<Value> = alice.http.get(&format!("/users?ids={}", bob.id)).await.ok().json();
    assert_eq!((column(&users, "key_id"), column(&users, "public_key")), (vec![&json!(key_id)], vec![&json!("BBBB")]));

    let frame = send_frame(bob.id, "m");
    let error = a.ask(&merged(&frame, json!({"receiver_key_id": old["key_id"]}))).await;
    assert_fields(
        &error,
        &json!({"type": "error", "code": "stale_key", "key_id": key_id, "client_id": "m", "retryable": false}),
    );
    let by_post = alice.http.post("/chat/messages", &merged(&frame, json!({"receiver_key_id": old["key_id"]}))).await;
    assert_eq!(by_post.problem(), (409, "stale_key".to_owned()));
    let stored = a.ask(&merged(&frame, json!({"receiver_key_id": key_id}))).await;
    assert_fields(&stored, &json!({"type": "stored", "duplicate": false}));
    // Who names no key is not stopped.
    a.store(bob.id, "n").await;
    server.stop().await;
}

/// Only the one who has blocked has it in a list, and nothing else goes either way: typing and receipts neither.
#[tokio::test]
async fn a_block_of_one_side_stops_both_ways() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let (hers, _) = exchange(&mut a, &mut b, "hers").await;
    let (his, _) = exchange(&mut b, &mut a, "his").await;
    alice.http.put(&format!("/users/{}/block", bob.id), &json!({})).await.ok();
    a.expect("block").await;
    for (device, partner, up_to) in [(&mut a, bob.id, &his), (&mut b, alice.id, &hers)] {
        assert_fields(&device.ask(&send_frame(partner, "refused")).await, &json!({"type": "error", "code": "blocked"}));
        device.send(&json!({"type": "delivered", "up_to_seq": up_to["seq"]})).await;
        let own = device.ask(&json!({"type": "read", "partner_id": partner, "up_to_id": up_to["id"]})).await;
        assert_fields(&own, &json!({"type": "receipt", "kind": "read", "duplicate": null}));
    }
    for (device, user, partner) in [(&mut a, &alice, bob.id), (&mut b, &bob, alice.id)] {
        assert_eq!(device.so_far().await, Vec::<Value>::new(), "nothing of the other");
        let seen = conversation(user, partner).await;
        assert_fields(&seen, &json!({"unread": 0, "partner_read_up_to_id": null, "partner_delivered_up_to_id": null}));
    }
    let lists = async |user: &TestClient| user.http.get("/users/blocked").await.ok().json::<Vec<Value>>();
    assert_eq!(lists(&alice).await.len(), 1);
    assert_eq!(lists(&bob).await, Vec::<Value>::new());
    server.stop().await;
}

/// Each has blocked the other: one that no longer does changes nothing, only the second one does.
#[tokio::test]
async fn a_mutual_block_holds_until_both_are_undone() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    for (user, other) in [(&alice, &bob), (&bob, &alice)] {
        user.http.put(&format!("/users/{}/block", other.id), &json!({})).await.ok();
    }
    for (user, other, device) in [(&alice, &bob, &mut a), (&bob, &alice, &mut b)] {
        device.expect("block").await;
        assert_eq!(user.http.post("/chat/messages", &send_frame(other.id, "m")).await.problem().0, 403);
    }
    alice.http.delete(&format!("/users/{}/block", bob.id)).await.ok();
    assert_fields(&a.expect("block").await, &json!({"blocked": false}));
    for (device, partner) in [(&mut a, bob.id), (&mut b, alice.id)] {
        assert_fields(&device.ask(&send_frame(partner, "still")).await, &json!({"type": "error", "code": "blocked"}));
    }
    assert_fields(&conversation(&alice, bob.id).await, &json!({"blocked": false}));
    assert_fields(&conversation(&bob, alice.id).await, &json!({"blocked": true}));
    bob.http.delete(&format!("/users/{}/block", alice.id)).await.ok();
    b.expect("block").await;
    exchange(&mut a, &mut b, "m").await;
    exchange(&mut b, &mut a, "still").await;
    server.stop().await;
}

//! Sending and receiving by REST, for an app without a socket.

use fluent_backend::testing::{TestClient, TestServer};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::support::v1::{
    assert_fields, column, exchange, live, merged, partners, send_frame, seq, two_live, two_users, without,
};

#[tokio::test]
async fn a_posted_message_reaches_all_sockets_of_both() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (mut old_a, mut old_b) = (alice.connect().await, bob.connect().await);
    let answer = alice.http.post("/chat/messages", &without(&send_frame(bob.id, "m"), "type")).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let stored: Value = answer.json();
    assert_fields(&stored, &json!({"type": "stored", "client_id": "m", "duplicate": false}));
    let common = json!({
        "id": stored["id"], "seq": stored["seq"], "timestamp": stored["timestamp"],
        "conversation_id": stored["conversation_id"], "sender_id": alice.id, "receiver_id": bob.id,
    });
    assert_fields(&a.expect("message").await, &merged(&common, json!({"content": "s:m", "client_id": "m"})));
    assert_fields(&b.expect("message").await, &merged(&common, json!({"content": "r:m", "client_id": null})));
    assert_eq!(old_a.next_message().await.content, "s:m");
    assert_eq!(old_b.next_message().await.content, "r:m");
    server.stop().await;
}

/// The app loads the history about when it opens its socket: what is in the one must not come by the other.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_not_shown_again_on_a_socket_that_is_opened_then() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    for round in 0..100 {
        let posted = send_frame(bob.id, &format!("posted {round}"));
        assert_eq!(alice.http.post("/chat/messages", &without(&posted, "type")).await.status, 201);
        let mut socket = alice.connect().await;
        socket.send_message(bob.id, "r", &format!("first {round}")).await;
        assert_eq!(socket.next_message().await.content, format!("first {round}"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_post_that_is_refused_says_why_by_its_status() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let good = send_frame(bob.id, "good");
    let large = "x".repeat(98_305);
    for (change, status, code) in [
        (json!({"to": 4711}), 404, "unknown_user"),
        (json!({"to": "2"}), 422, "bad_frame"),
        (json!({"to": null}), 422, "bad_frame"),
        (json!({"client_id": "a b"}), 422, "bad_frame"),
        (json!({"client_id": null}), 422, "bad_frame"),
        (json!({"message_type": "Ä"}), 422, "bad_frame"),
        (json!({"expires_in_s": 0}), 422, "bad_frame"),
        (json!({"receiver_encrypted": ""}), 422, "bad_frame"),
        (json!({"sender_encrypted": large}), 413, "too_large"),
        (json!({"receiver_key_id": "0123456789abcdef"}), 409, "stale_key"),
        (json!({"receiver_key_id": "0123456789abcdeg"}), 422, "bad_frame"),
        (json!({"attachment_ids": ["a"]}), 404, "not_found"),
    ] {
        let answer = alice.http.post("/chat/messages", &merged(&good, change.clone())).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{change}");
    }
    assert_eq!(server.http().post("/chat/messages", &good).await.problem(), (401, "unauthorized".to_owned()));
    let raw = async |body: String| alice.http.send(Method::POST, "/chat/messages", HeaderMap::new(), body.into()).await;
    for body in ["not json", "[]", ""] {
        let (status, code) = raw(body.to_owned()).await.problem();
        assert!(matches!(status, 400 | 422) && code.starts_with("bad_"), "{body:?}: {status} {code}");
    }
    assert_eq!(raw(format!("\"{}\"", "x".repeat(300_000))).await.status, 413);
    assert!(bob.history(alice.id).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_idempotency_key_is_the_client_id() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let post = async |key: &str, body: &Value| {
        let headers: HeaderMap = [("idempotency-key".parse().unwrap(), key.parse().unwrap())].into_iter().collect();
        alice.http.send(Method::POST, "/chat/messages", headers, body.to_string().into()).await
    };
    let nameless = without(&send_frame(bob.id, "m"), "client_id");
    let first = post("m", &nameless).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_fields(&first.json(), &json!({"client_id": "m", "duplicate": false}));
    assert_eq!(post("m", &nameless).await.status, 200);
    assert_eq!(post("m", &send_frame(bob.id, "m")).await.status, 200, "both and the same");
    assert_eq!(
        post("n", &send_frame(bob.id, "m")).await.problem(),
        (422, "bad_frame".to_owned()),
        "both and different"
    );
    assert_eq!(post("a b", &nameless).await.problem(), (422, "bad_frame".to_owned()));
    assert_eq!(alice.http.post("/chat/messages", &nameless).await.problem(), (422, "bad_frame".to_owned()), "none");
    let mut a = live(&alice, "a").await;
    assert_fields(&a.ask(&send_frame(bob.id, "m")).await, &json!({"type": "stored", "duplicate": true}));
    assert_eq!(bob.history(alice.id).await.len(), 1);
    server.stop().await;
}

async fn sync(user: &TestClient, query: &str) -> Value {
    user.http.get(&format!("/chat/sync{query}")).await.ok().json()
}

#[tokio::test]
async fn sync_gives_the_frames_of_the_socket_page_by_page() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let empty = sync(&bob, "").await;
    assert_fields(&empty, &json!({"events": [], "more": false, "cursor": b.hello["cursor"]}));
    let mut stored = Vec::new();
    for i in 0..25 {
        stored.push(exchange(&mut a, &mut b, &i.to_string()).await.0);
    }
    exchange(&mut b, &mut a, "answer").await;
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored[9]["id"]})).await;
    a.expect("receipt").await;
    a.ask(&json!({"type": "delete", "id": stored[3]["id"], "for": "everyone"})).await;
    b.expect("deleted").await;
    for user in [&alice, &bob] {
        let (device, missed) = user.live_device("late", Some(&a.cursor(0))).await;
        for limit in [1, 7, 100, 1000] {
            let (mut events, mut cursor) = (Vec::new(), device.cursor(0));
            loop {
                let page = sync(user, &format!("?since={cursor}&limit={limit}")).await;
                let found = page["events"].as_array().unwrap();
                assert!(found.len() <= limit, "{} events for limit={limit}", found.len());
                events.extend(found.iter().cloned());
                cursor = page["cursor"].as_str().unwrap().to_owned();
                if page["more"] == false {
                    break;
                }
                assert!(!found.is_empty(), "there is more, but nothing came: {page}");
            }
            assert_eq!(events, missed, "the same frames, limit={limit}");
            let end = sync(user, &format!("?since={cursor}")).await;
            assert_fields(&end, &json!({"events": [], "more": false}));
        }
    }
    // The head is a cursor that the socket honours as well.
    let head = sync(&bob, "").await["cursor"].as_str().unwrap().to_owned();
    let late = a.store(bob.id, "late").await;
    let (_, missed) = bob.live_device("late", Some(&head)).await;
    assert_eq!(column(&missed, "id"), [&late["id"]]);
    server.stop().await;
}

#[tokio::test]
async fn sync_that_cannot_go_on_is_one_reset_and_bad_limits_are_422() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, _b) = two_live(&server).await;
    let stored = a.store(bob.id, "m").await;
    let beyond = a.cursor(seq(&stored) + 1_000_000);
    for (since, reason) in [("rubbish", "epoch"), ("other:0", "epoch"), ("other:7", "epoch"), (&beyond, "future")] {
        let answer = sync(&bob, &format!("?since={since}")).await;
        let events = answer["events"].as_array().unwrap();
        assert_eq!(events.len(), 1, "{answer}");
        assert_fields(&events[0], &json!({"type": "reset", "reason": reason}));
        for cursor in [&answer["cursor"], &events[0]["cursor"]] {
            let next = sync(&bob, &format!("?since={}", cursor.as_str().unwrap())).await;
            assert_fields(&next, &json!({"events": [], "more": false}));
        }
    }
    for path in ["/chat/sync?", "/chat/conversations?", &format!("/chat/all_messages?partnerID={}&", bob.id)] {
        for limit in ["0", "-1", "many", ""] {
            let answer = alice.http.get(&format!("{path}limit={limit}")).await;
            assert_eq!(answer.problem(), (422, "bad_frame".to_owned()), "{path}limit={limit}");
        }
        assert_eq!(server.http().get(path).await.problem(), (401, "unauthorized".to_owned()), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn receipts_can_be_posted() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let first = exchange(&mut a, &mut b, "first").await.0;
    let second = exchange(&mut a, &mut b, "second").await.0;
    let post = async |body: Value| bob.http.post("/chat/receipts", &body).await;
    assert_eq!(post(json!({"delivered": {"up_to_seq": first["seq"]}})).await.status, 204);
    let expected = json!({"kind": "delivered", "user_id": bob.id, "up_to_id": first["id"]});
    assert_fields(&a.expect("receipt").await, &expected);
    let read = json!([{"partner_id": 4711, "up_to_id": 1}, {"partner_id": alice.id, "up_to_id": first["id"]}]);
    assert_eq!(post(json!({"read": read})).await.status, 204, "unknown partners are skipped");
    assert_fields(&a.expect("receipt").await, &merged(&expected, json!({"kind": "read"})));
    assert_fields(&b.expect("receipt").await, &merged(&expected, json!({"kind": "read"})));
    let both = json!({
        "delivered": {"up_to_seq": second["seq"]}, "read": [{"partner_id": alice.id, "up_to_id": second["id"]}],
    });
    for _ in 0..2 {
        assert_eq!(post(both.clone()).await.status, 204);
    }
    assert_eq!(post(json!({})).await.status, 204, "both keys are optional");
    let (mut last, mut kinds) = (json!(null), Vec::new());
    while last["kind"] != "read" {
        last = a.expect("receipt").await;
        assert_eq!(last["up_to_id"], second["id"], "{last}");
        kinds.push(last["kind"].clone());
    }
    assert!(kinds.len() <= 2, "{kinds:?}");
    assert_eq!(a.so_far().await, Vec::<Value>::new(), "the second time nothing moved");
    for bad in [json!({"delivered": 1}), json!({"read": {}}), json!([]), json!({"read": [{"partner_id": alice.id}]})] {
        assert_eq!(post(bad.clone()).await.problem(), (422, "bad_frame".to_owned()), "{bad}");
    }
    assert_eq!(server.http().post("/chat/receipts", &json!({})).await.problem().0, 401);
    server.stop().await;
}

//! Frames of `fluent.v1` and their direct replies: `ref`, every error code, and what closes a socket.

use fluent_backend::testing::{TestDevice, TestServer};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::v1::{assert_fields, integer, live, merged, send_frame, two_live, two_users, without};

#[tokio::test]
async fn every_direct_answer_echoes_the_ref_and_nothing_else_does() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let longest = "x".repeat(64);
    for reference in [json!("one"), json!(""), json!(7), json!(-1), json!(9_007_199_254_740_991_i64), json!(longest)] {
        let pong = a.ask(&json!({"type": "ping", "ref": reference})).await;
        assert_fields(&pong, &json!({"type": "pong", "ref": reference}));
    }
    let pong = a.ask(&json!({"type": "ping"})).await;
    assert!(pong["type"] == "pong" && pong["ref"].is_null(), "{pong}");

    let stored = a.ask(&merged(&send_frame(bob.id, "m"), json!({"ref": "r1"}))).await;
    assert_fields(&stored, &json!({"type": "stored", "client_id": "m", "ref": "r1", "duplicate": false}));
    let message = b.expect("message").await;
    b.store(alice.id, "partners").await;
    a.expect("message").await;
    let receipt = b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": message["id"], "ref": 2})).await;
    assert_fields(&receipt, &json!({"type": "receipt", "kind": "read", "ref": 2}));
    let seen = a.expect("receipt").await;
    let deleted = a.ask(&json!({"type": "delete", "id": stored["id"], "for": "everyone", "ref": "r3"})).await;
    assert_fields(&deleted, &json!({"type": "deleted", "ref": "r3"}));
    let gone = b.expect("deleted").await;
    for event in [message, seen, gone] {
        assert!(event["ref"].is_null(), "only the answer has it: {event}");
    }
    for frame in [
        json!({"type": "nonsense", "ref": "r4"}),
        json!({"type": "send", "ref": "r4"}),
        json!({"type": "delete", "id": 4711, "for": "me", "ref": "r4"}),
        merged(&send_frame(4711, "n"), json!({"ref": "r4"})),
    ] {
        assert_fields(&a.ask(&frame).await, &json!({"type": "error", "ref": "r4"}));
    }
    // Refs of another form are wrong, and are not thrown back.
    for reference in [json!("x".repeat(65)), json!({}), json!([1]), json!(1.5), json!(true)] {
        let error = a.ask(&json!({"type": "ping", "ref": reference})).await;
        assert_fields(&error, &json!({"type": "error", "code": "bad_frame", "ref": null}));
    }
    server.stop().await;
}

/// Each frame is refused with this code, at once, and the socket stays open.
async fn refused(device: &mut TestDevice, cases: Vec<(Value, &str)>) {
    assert!(cases.len() <= 60, "more would close the socket");
    for (frame, code) in cases {
        let error = device.ask(&frame).await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{error} for {frame}");
        assert!(error["message"].is_string() && error["retryable"] == false, "{error}");
        let client_id = frame["client_id"].as_str().filter(|_| frame["type"] == "send" && code != "bad_frame");
        if client_id.is_some() {
            assert_eq!(error["client_id"].as_str(), client_id, "the sender must know which message: {error}");
        }
        for key in ["sender_id", "receiver_id", "content", "timestamp"] {
            assert!(error[key].is_null() || code == "conflict", "{error}");
        }
    }
    assert_fields(
        &device.ask(&json!({"type": "ping", "ref": "alive"})).await,
        &json!({"type": "pong", "ref": "alive"}),
    );
}

#[tokio::test]
async fn a_send_of_the_wrong_form_is_refused() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let good = send_frame(bob.id, "good");
    let mut cases = Vec::new();
    for key in ["client_id", "to", "receiver_encrypted", "sender_encrypted", "message_type"] {
        cases.push((without(&good, key), "bad_frame"));
        cases.push((merged(&good, json!({key: null})), "bad_frame"));
        cases.push((merged(&good, json!({key: ["x"]})), "bad_frame"));
    }
    let long = "x".repeat(65);
    for client_id in ["", "a b", "ä", "a/b", "a\u{0}", long.as_str()] {
        cases.push((merged(&good, json!({"client_id": client_id})), "bad_frame"));
    }
    let long = "x".repeat(33);
    for kind in ["", "Text", "-text", ".text", "te xt", "ä", long.as_str()] {
        cases.push((merged(&good, json!({"message_type": kind})), "bad_frame"));
    }
    for seconds in [json!(0), json!(-1), json!(31_536_001), json!(1.5), json!("60"), json!(i64::MAX)] {
        cases.push((merged(&good, json!({"expires_in_s": seconds})), "bad_frame"));
    }
    for (key, value) in [
        ("to", json!("2")),
        ("to", json!(1.5)),
        ("receiver_encrypted", json!("")),
        ("sender_encrypted", json!("")),
        ("receiver_key_id", json!(1)),
        ("receiver_key_id", json!("")),
        ("receiver_key_id", json!("0123456789abcde")),
        ("receiver_key_id", json!("0123456789abcdef0")),
        ("receiver_key_id", json!("0123456789ABCDEF")),
        ("receiver_key_id", json!("0123456789abcdeg")),
        ("reply_to", json!("1")),
        ("attachment_ids", json!("x")),
    ] {
        cases.push((merged(&good, json!({key: value})), "bad_frame"));
    }
    refused(&mut a, cases).await;
    // What is longest and oddest still goes, and nothing of the above was stored.
    let longest = format!("aZ0._:-{}", "x".repeat(57));
    let kind = format!("0a._-{}", "x".repeat(27));
    let odd = merged(
        &send_frame(bob.id, &longest),
        json!({"message_type": kind, "expires_in_s": 31_536_000, "new_field": {}}),
    );
    assert_fields(&a.ask(&odd).await, &json!({"type": "stored", "client_id": longest}));
    let history = crate::support::v1::history(&bob, alice.id).await;
    assert_eq!((history.len(), &history[0]["message_type"]), (1, &json!(kind)));
    server.stop().await;
}

#[tokio::test]
async fn other_frames_of_the_wrong_form_are_refused() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    for (text, code) in [
        ("not json", "bad_json"),
        ("", "bad_json"),
        ("{\"type\":\"ping\"", "bad_json"),
        ("[]", "bad_frame"),
        ("7", "bad_frame"),
        ("null", "bad_frame"),
        ("\"ping\"", "bad_frame"),
    ] {
        a.socket.send_text(text).await;
        let error = a.expect("error").await;
        assert_fields(&error, &json!({"code": code, "retryable": false}));
    }
    a.socket.send(Message::binary(b"{\"type\":\"ping\"}".to_vec())).await.unwrap();
    assert_fields(&a.expect("error").await, &json!({"code": "bad_frame"}));
    let many: Vec<i32> = (1..=257).collect();
    let cases = vec![
        (json!({}), "bad_frame"),
        (json!({"type": null}), "bad_frame"),
        (json!({"type": 5}), "bad_frame"),
        (json!({"type": "nonsense"}), "unknown_type"),
        (json!({"type": "Ping"}), "unknown_type"),
        (json!({"type": "stored"}), "unknown_type"),
        (json!({"type": "delivered"}), "bad_frame"),
        (json!({"type": "delivered", "up_to_seq": "1"}), "bad_frame"),
        (json!({"type": "read", "partner_id": bob.id}), "bad_frame"),
        (json!({"type": "read", "up_to_id": 1}), "bad_frame"),
        (json!({"type": "read", "partner_id": bob.id, "up_to_id": "1"}), "bad_frame"),
        (json!({"type": "delete", "id": 1}), "bad_frame"),
        (json!({"type": "delete", "id": 1, "for": "nobody"}), "bad_frame"),
        (json!({"type": "delete", "id": "1", "for": "me"}), "bad_frame"),
        (json!({"type": "typing", "to": bob.id}), "bad_frame"),
        (json!({"type": "typing", "to": bob.id, "active": "yes"}), "bad_frame"),
        (json!({"type": "presence"}), "bad_frame"),
        (json!({"type": "presence", "watch": [true]}), "bad_frame"),
        (json!({"type": "presence", "watch": many}), "bad_frame"),
    ];
    refused(&mut a, cases).await;
    server.stop().await;
}

#[tokio::test]
async fn a_frame_in_order_is_refused_for_what_it_asks() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let theirs = b.store(bob.id, "a note by bob").await["id"].clone();
    let message = b.store(alice.id, "to alice").await["id"].clone();
    a.expect("message").await;
    let good = send_frame(bob.id, "good");
    let large = "x".repeat(98_305);
    let wide = "ü".repeat(49_153);
    refused(
        &mut a,
        vec![
            (merged(&good, json!({"to": 4711})), "unknown_user"),
            (merged(&good, json!({"to": 1_i64 << 40})), "unknown_user"),
            (merged(&good, json!({"receiver_encrypted": large})), "too_large"),
            (merged(&good, json!({"sender_encrypted": large})), "too_large"),
            (merged(&good, json!({"sender_encrypted": wide})), "too_large"),
            (merged(&good, json!({"attachment_ids": ["a"]})), "not_found"),
            (merged(&good, json!({"receiver_key_id": "0123456789abcdef"})), "stale_key"),
            (json!({"type": "delete", "id": 4711, "for": "me"}), "not_found"),
            (json!({"type": "delete", "id": theirs, "for": "me"}), "not_found"),
            (json!({"type": "delete", "id": theirs, "for": "everyone"}), "not_found"),
            (json!({"type": "delete", "id": message, "for": "everyone"}), "forbidden"),
            (json!({"type": "read", "partner_id": 4711, "up_to_id": 1}), "not_found"),
        ],
    )
    .await;
    let wide = "ü".repeat(49_152);
    let largest = merged(&good, json!({"receiver_encrypted": "x".repeat(98_304), "sender_encrypted": wide}));
    assert_fields(&a.ask(&largest).await, &json!({"type": "stored", "duplicate": false}));
    let message = b.expect("message").await;
    assert_eq!(message["content"].as_str().map(str::len), Some(98_304));
    // What belongs to others and what is not there cannot be told apart.
    let about = async |a: &mut TestDevice, id: Value| {
        let mut error = a.ask(&json!({"type": "delete", "id": id, "for": "me"})).await;
        error["id"] = Value::Null;
        error
    };
    assert_eq!(about(&mut a, theirs).await, about(&mut a, json!(4711)).await);
    server.stop().await;
}

#[tokio::test]
async fn sixty_bad_frames_a_minute_are_answered_and_one_more_closes_1008() {
    let server = TestServer::start().await;
    let mut a = live(&server.sign_up("alice").await, "a").await;
    for _ in 0..60 {
        a.socket.send_text("rubbish").await;
        assert_fields(&a.expect("error").await, &json!({"code": "bad_json"}));
    }
    assert_fields(&a.ask(&json!({"type": "ping"})).await, &json!({"type": "pong"}));
    a.socket.send_text("rubbish").await;
    assert_eq!(a.socket.close_code().await, 1008);
    server.stop().await;
}

#[tokio::test]
async fn a_frame_above_the_limit_closes_1009() {
    let server = TestServer::start().await;
    let mut a = live(&server.sign_up("alice").await, "a").await;
    let limit = usize::try_from(integer(&a.hello["limits"], "frame_bytes")).unwrap();
    let padding = |bytes: usize| json!({"type": "ping", "pad": "x".repeat(bytes)});
    let frame = limit - padding(0).to_string().len();
    assert_fields(&a.ask(&padding(frame)).await, &json!({"type": "pong"}));
    // The server may stop reading in the middle of it.
    let _ = a.socket.send(Message::text(padding(frame + 1).to_string())).await;
    assert_eq!(a.socket.close_code().await, 1009);
    server.stop().await;
}

/// The writer dies between two commits: senders that wait are told to try again, and a resend is stored once.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_writer_dies_the_sender_is_told_and_a_resend_is_stored_once() {
    let mut server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    server.expect_failures(1);
    server.server().actors().persistence.crash();
    for i in 0..50 {
        let frame = send_frame(bob.id, &format!("m{i}"));
        loop {
            let answer = a.ask(&frame).await;
            if answer["type"] == "stored" {
                break;
            }
            assert_fields(
                &answer,
                &json!({"type": "error", "code": "unavailable", "retryable": true, "client_id": frame["client_id"]}),
            );
            assert!(answer["retry_after_ms"].is_u64(), "{answer}");
        }
    }
    for i in 0..50 {
        assert_eq!(b.expect("message").await["content"], format!("r:m{i}"));
    }
    assert_eq!(crate::support::v1::history(&bob, alice.id).await.len(), 50);
    server.stop().await;
}

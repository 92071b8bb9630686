//! A resend after a lost reply never makes a second message, on whatever way and whenever it comes.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestClient, TestDevice, TestServer};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::v1::{
    assert_fields, column, exchange, history, live, log_in_again, merged, send_frame, stopped_clock, two_live,
    two_users, without,
};

/// What a resend must be answered with.
fn the_same(stored: &Value) -> Value {
    merged(&without(stored, "ref"), json!({"type": "stored", "duplicate": true}))
}

/// Sends the frame again; it must be answered as a duplicate of the first.
async fn resend(device: &mut TestDevice, frame: &Value, first: &Value) {
    assert_fields(&device.ask(frame).await, &the_same(first));
}

#[tokio::test]
async fn a_resend_is_answered_with_the_first_message_on_any_socket() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let frame = send_frame(bob.id, "m");
    let stored = a.ask(&frame).await;
    assert_fields(&stored, &json!({"type": "stored", "duplicate": false}));
    resend(&mut a, &frame, &stored).await;
    let mut other = live(&alice, "other").await;
    resend(&mut other, &frame, &stored).await;
    drop(a.socket.into_stream());
    let mut a = live(&alice, "a").await;
    resend(&mut a, &frame, &stored).await;
    let tablet = TestClient::log_in(server.http(), "alice", alice.id).await;
    resend(&mut live(&tablet, "tablet").await, &frame, &stored).await;
    // No other device has heard of it.
    assert_eq!(b.expect("message").await["id"], stored["id"]);
    let last = a.store(bob.id, "last").await;
    assert_eq!(b.expect("message").await["id"], last["id"]);
    assert_eq!(other.expect("message").await["id"], last["id"], "the answers went to the asking sockets alone");
    assert_eq!(history(&bob, alice.id).await.len(), 2);
    // The same name is free for everybody else.
    assert_fields(&b.ask(&send_frame(alice.id, "m")).await, &json!({"type": "stored", "duplicate": false}));
    server.stop().await;
}

#[tokio::test]
async fn the_same_name_with_other_content_is_a_conflict() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let eve = server.sign_up("eve").await;
    let (first, _) = exchange(&mut a, &mut b, "first").await;
    let key: Value = bob.http.get("/users/me").await.ok().json();
    let frame = merged(
        &send_frame(bob.id, "m"),
        json!({"reply_to": first["id"], "expires_in_s": 600, "receiver_key_id": key["key_id"]}),
    );
    let stored = a.ask(&frame).await;
    assert_fields(&stored, &json!({"type": "stored", "duplicate": false}));
    let large = "x".repeat(98_305);
    for change in [
        json!({"to": eve.id}),
        json!({"receiver_encrypted": "other"}),
        json!({"sender_encrypted": "other"}),
        json!({"message_type": "image"}),
        json!({"receiver_key_id": null}),
        json!({"receiver_key_id": "0123456789abcdef"}),
        json!({"reply_to": null}),
        json!({"reply_to": stored["id"]}),
        json!({"expires_in_s": null}),
        json!({"expires_in_s": 601}),
        json!({"attachment_ids": ["a"]}),
        // The name is looked up before the rest is looked at.
        json!({"sender_encrypted": large}),
        json!({"to": 4711}),
    ] {
        let error = a.ask(&merged(&frame, merged(&change, json!({"ref": "r"})))).await;
        assert_fields(
            &error,
            &json!({"type": "error", "code": "conflict", "retryable": false, "client_id": "m", "ref": "r"}),
        );
        assert_fields(&error, &json!({"id": stored["id"], "seq": stored["seq"], "timestamp": stored["timestamp"]}));
    }
    // But the form comes first.
    assert_fields(&a.ask(&without(&frame, "to")).await, &json!({"type": "error", "code": "bad_frame"}));
    assert_fields(
        &a.ask(&merged(&frame, json!({"expires_in_s": 0}))).await,
        &json!({"type": "error", "code": "bad_frame"}),
    );
    assert_eq!(history(&bob, alice.id).await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn absent_null_and_empty_are_the_same_and_unknown_fields_do_not_count() {
    let server = TestServer::start().await;
    let (_, bob, mut a, _b) = two_live(&server).await;
    let frame = send_frame(bob.id, "m");
    let stored = a.ask(&frame).await;
    for change in [
        json!({"reply_to": null, "expires_in_s": null, "receiver_key_id": null, "attachment_ids": null}),
        json!({"attachment_ids": []}),
        json!({"ref": "another"}),
        json!({"a_new_field": {"x": 1}}),
    ] {
        let answer = a.ask(&merged(&frame, change.clone())).await;
        assert_fields(&answer, &merged(&the_same(&stored), json!({"ref": change["ref"]})));
    }
    // Nor does the way JSON writes a text.
    a.socket.send_text(&frame.to_string().replace("r:m", "\\u0072:m")).await;
    assert_fields(&a.next().await, &the_same(&stored));
    server.stop().await;
}

/// Two sockets, later ten, send the same at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_exactly_one_is_no_duplicate() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    for (sockets, rounds) in [(2, 50), (10, 20)] {
        let mut devices = Vec::new();
        for i in 0..sockets {
            devices.push(live(&alice, &format!("d{i}")).await);
        }
        for round in 0..rounds {
            let frame = send_frame(bob.id, &format!("{sockets}-{round}"));
            join_all(devices.iter_mut().map(|device| device.send(&frame))).await;
            let answers = join_all(devices.iter_mut().map(async |device| device.read_until("stored").await.1)).await;
            let first = answers.iter().filter(|answer| answer["duplicate"] == false).count();
            assert_eq!(first, 1, "exactly one `duplicate:false`: {answers:?}");
            let ids = column(&answers, "id");
            assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        }
        for device in devices {
            device.socket.close().await;
        }
    }
    assert_eq!(history(&bob, alice.id).await.len(), 70);
    server.stop().await;
}

#[tokio::test]
async fn a_resend_by_the_other_way_or_after_a_restart_is_a_duplicate() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let (by_socket, by_post) = (send_frame(bob.id, "by socket"), send_frame(bob.id, "by post"));
    let first = a.ask(&by_socket).await;
    let answer = alice.http.post("/chat/messages", &by_socket).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_fields(&answer.json(), &the_same(&first));
    let answer = alice.http.post("/chat/messages", &by_post).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let second: Value = answer.json();
    assert_fields(&second, &json!({"type": "stored", "client_id": "by-post", "duplicate": false}));
    assert_eq!(a.expect("message").await["id"], second["id"], "all own sockets get it");
    resend(&mut a, &by_post, &second).await;
    let other = merged(&by_post, json!({"sender_encrypted": "other"}));
    assert_eq!(alice.http.post("/chat/messages", &other).await.problem(), (409, "conflict".to_owned()));
    assert_fields(&a.ask(&other).await, &json!({"type": "error", "code": "conflict", "id": second["id"]}));

    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let alice = log_in_again(&server, &alice).await;
    let mut a = live(&alice, "a").await;
    resend(&mut a, &by_socket, &first).await;
    resend(&mut a, &by_post, &second).await;
    assert_eq!(alice.http.post("/chat/messages", &by_post).await.status, 200);
    assert_fields(&a.ask(&other).await, &json!({"type": "error", "code": "conflict", "id": second["id"]}));
    assert_eq!(history(&log_in_again(&server, &bob).await, alice.id).await.len(), 2);
    server.stop().await;
}

/// Whatever has become of the message or of the receiver, its sender learns that it was stored.
#[tokio::test]
async fn a_resend_finds_what_has_gone_since() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), crate::support::config::fast_janitor).await;
    let (_alice, bob, mut a, _b) = two_live(&server).await;
    let (eve, leaver) = (server.sign_up("eve").await, server.sign_up("leaver").await);
    let mut sent = Vec::new();
    for (to, client_id) in [
        (bob.id, "deleted-for-me"),
        (bob.id, "deleted-for-everyone"),
        (bob.id, "expired"),
        (eve.id, "to-who-blocked"),
        (leaver.id, "to-who-left"),
    ] {
        let seconds = if client_id == "expired" { json!(60) } else { json!(null) };
        let frame = merged(&send_frame(to, client_id), json!({"expires_in_s": seconds}));
        let stored = a.ask(&frame).await;
        assert_fields(&stored, &json!({"type": "stored", "duplicate": false}));
        sent.push((frame, stored));
    }
    for (i, scope) in [(0, "me"), (1, "everyone")] {
        a.ask(&json!({"type": "delete", "id": sent[i].1["id"], "for": scope})).await;
    }
    let blocking = format!("/users/{}/block", a.hello["user_id"]);
    assert_eq!(eve.http.put(&blocking, &json!({})).await.status, 204);
    let password = json!({"password": TestClient::PASSWORD});
    leaver.http.with_body(http::Method::DELETE, "/users/me", &password).await.ok();
    a.read_until("user_deleted").await;
    clock.advance_secs(61);
    let (_, expired) = a.read_until("deleted").await;
    assert_eq!(expired["id"], sent[2].1["id"], "{expired}");
    for (frame, stored) in &sent {
        resend(&mut a, frame, stored).await;
        let other = merged(frame, json!({"sender_encrypted": "other"}));
        assert_fields(&a.ask(&other).await, &json!({"type": "error", "code": "conflict", "id": stored["id"]}));
    }
    server.stop().await;
}

//! Limits on rates over the socket: what is refused, what waits, what is merged, and what is never refused.

use std::time::{Duration, Instant};

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::testing::{TestClient, TestDevice, TestServer, send_frame};
use http::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::support::v1::{assert_fields, exchange, live, stopped_clock, two_live, two_users};

/// One server whose limits are on, with a clock that stands still.
async fn limited(change: impl FnOnce(&mut Config)) -> (TestServer, Clock) {
    let (clock, data) = (stopped_clock(), fluent_backend::testing::TestData::of_one().await);
    let server = TestServer::start_on(data, clock.clone(), |config| {
        config.limits.enabled = true;
        change(config);
    })
    .await;
    (server, clock)
}

fn refused(frame: &Value, limiter: &str, wait_ms: u64, client_id: Option<&str>) {
    assert_fields(
        frame,
        &json!({
            "type": "error", "code": "rate_limited", "retryable": true, "limiter": limiter, "retry_after_ms": wait_ms,
        }),
    );
    assert_eq!(frame["client_id"].as_str(), client_id, "{frame}");
    assert!(frame["message"].as_str().unwrap().starts_with("error: "), "{frame}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_one_receiver_are_refused_beyond_a_rate_and_retries_never() {
    let (server, clock) = limited(|config| config.limits.send.pair.burst = 3).await;
    let (_, bob, mut a, mut b) = two_live(&server).await;
    let carol = server.sign_up("carol").await;
    let mut first = Value::Null;
    for n in 0..3 {
        let stored = a.store(bob.id, &format!("{n}")).await;
        if n == 0 {
            first = stored;
        }
        b.expect("message").await;
    }
    let one_more = a.ask(&send_frame(bob.id, "one more")).await;
    refused(&one_more, "send.pair", 1000, Some("one-more"));
    // A message that is stored is confirmed again, whatever the limits say.
    for _ in 0..5 {
        let again = a.ask(&send_frame(bob.id, "0")).await;
        assert_fields(&again, &json!({"type": "stored", "id": first["id"], "duplicate": true}));
    }
    // And one whose content differs is told so.
    let mut other = send_frame(bob.id, "0");
    other["sender_encrypted"] = "another".into();
    assert_fields(&a.ask(&other).await, &json!({"type": "error", "code": "conflict"}));
    a.store(carol.id, "to another").await;
    clock.advance_secs(1);
    a.store(bob.id, "one more").await;
    assert_eq!(b.expect("message").await["content"], "r:one more", "nothing of what was refused came");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_limits_hold_for_messages_by_rest() {
    let (server, clock) = limited(|config| config.limits.send.user.burst = 2).await;
    let (alice, bob) = two_users(&server).await;
    let send = async |name: &str| alice.http.post("/chat/messages", &send_frame(bob.id, name)).await;
    assert_eq!((send("1").await.status, send("2").await.status), (StatusCode::CREATED, StatusCode::CREATED));
    let refused = send("3").await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    let problem: Value = refused.json();
    assert_eq!((&problem["limiter"], &problem["retry_after_ms"]), (&json!("send.user"), &json!(100)));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(send("1").await.status, StatusCode::OK, "a duplicate");
    clock.advance_secs(1);
    assert_eq!(send("3").await.status, StatusCode::CREATED);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_conversations_and_bytes_of_strangers_have_limits_of_their_own() {
    let (server, clock) = limited(|config| {
        config.limits.contact.user.burst = 2;
        (config.limits.inbound.strangers.burst, config.limits.inbound.strangers.per_s) = (196_608, 1000);
    })
    .await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (carol, dora) = (server.sign_up("carol").await, server.sign_up("dora").await);
    a.store(bob.id, "hello").await;
    b.expect("message").await;
    a.store(carol.id, "hello carol").await;
    refused(&a.ask(&send_frame(dora.id, "hello dora")).await, "contact.user", 60_000, Some("hello-dora"));
    a.store(bob.id, "in a conversation that is there").await;
    b.expect("message").await;

    // Bob has never written to Alice: her bytes count with those of all strangers.
    let large = "x".repeat(90_000);
    a.send_message(bob.id, "large", &large, &large).await;
    a.expect("stored").await;
    b.expect("message").await;
    let mut c = live(&carol, "c").await;
    c.send_message(bob.id, "from-carol", &large, &large).await;
    let error = c.next().await;
    assert_fields(&error, &json!({"code": "rate_limited", "limiter": "inbound.strangers", "client_id": "from-carol"}));
    // A retry of what is stored is not refused for it.
    a.send_message(bob.id, "large", &large, &large).await;
    assert_fields(&a.next().await, &json!({"type": "stored", "duplicate": true}));
    // Once he has written to her she is a partner, whom strangers cannot shut out.
    b.store(alice.id, "hello alice").await;
    a.expect("message").await;
    a.send_message(bob.id, "large-2", &large, &large).await;
    a.expect("stored").await;
    b.expect("message").await;
    clock.advance_secs(180);
    c.send_message(bob.id, "from-carol", &large, &large).await;
    c.expect("stored").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_bytes_of_a_day_are_limited() {
    let (server, clock) = limited(|config| config.quota.send_bytes_per_day = 400_000).await;
    let (_, bob, mut a, _b) = two_live(&server).await;
    let large = "x".repeat(90_000);
    for n in 0..2 {
        a.send_message(bob.id, &format!("{n}"), &large, &large).await;
        a.expect("stored").await;
    }
    a.send_message(bob.id, "3", &large, &large).await;
    let error = a.next().await;
    assert_fields(&error, &json!({"code": "rate_limited", "limiter": "quota.send", "retryable": true}));
    clock.advance_secs(i64::try_from(error["retry_after_ms"].as_u64().unwrap() / 1000 + 1).unwrap());
    a.send_message(bob.id, "3", &large, &large).await;
    a.expect("stored").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_deletions_and_presence_requests_are_refused_beyond_a_rate() {
    let (server, clock) = limited(|config| config.limits.event.user.burst = 3).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let stored = a.store(bob.id, "hello").await;
    b.expect("message").await;
    let read = json!({"type": "read", "partner_id": alice.id, "up_to_id": stored["id"], "ref": 7});
    for _ in 0..3 {
        b.send(&read).await;
        b.expect("receipt").await;
    }
    for frame in [
        &read,
        &json!({"type": "presence", "watch": [], "ref": 7}),
        &json!({"type": "delete", "id": stored["id"], "for": "me", "ref": 7}),
    ] {
        let error = b.ask(frame).await;
        refused(&error, "event.user", 100, None);
        assert_eq!(error["ref"], 7);
    }
    // However many: they are no bad frames.
    for _ in 0..70 {
        assert_eq!(b.ask(&read).await["code"], "rate_limited");
    }
    clock.advance_secs(1);
    b.send(&read).await;
    b.expect("receipt").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_delivery_are_merged_and_none_is_lost() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        config.limits.receipt.pair.every_ms = 1500;
    })
    .await;
    let (_, bob, mut a, mut b) = two_live(&server).await;
    exchange(&mut a, &mut b, "hello").await;
    let alice = i32::try_from(a.hello["user_id"].as_i64().unwrap()).unwrap();
    exchange(&mut b, &mut a, "hello back").await;
    let mut last = Value::Null;
    let mut told = Vec::new();
    for n in 0..5 {
        a.send(&send_frame(bob.id, &format!("{n}"))).await;
        told.extend(a.read_until("stored").await.0);
        last = b.expect("message").await;
        b.send(&json!({"type": "delivered", "up_to_seq": last["seq"]})).await;
    }
    // The first at once, then one with the newest of all.
    while told.last().is_none_or(|receipt| receipt["up_to_id"] != last["id"]) {
        told.push(a.expect("receipt").await);
    }
    for receipt in &told {
        assert_fields(receipt, &json!({"kind": "delivered", "user_id": bob.id, "partner_id": alice}));
    }
    assert!(told.len() <= 3, "{told:?}");
    // What is held is told when the socket ends before its time.
    a.send(&send_frame(bob.id, "the last")).await;
    a.read_until("stored").await;
    last = b.expect("message").await;
    b.send(&json!({"type": "delivered", "up_to_seq": last["seq"]})).await;
    b.socket.close().await;
    assert_eq!(a.expect("receipt").await["up_to_id"], last["id"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_frames_reading_waits_and_nothing_is_refused() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        (config.limits.frames.socket.burst, config.limits.frames.socket.every_ms) = (5, 50);
    })
    .await;
    let alice = server.sign_up("alice").await;
    let mut a = live(&alice, "a").await;
    let begun = Instant::now();
    for n in 0..25 {
        a.send(&json!({"type": "ping", "ref": n})).await;
    }
    for n in 0..25 {
        assert_eq!(a.expect("pong").await["ref"], n);
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(900), "25 frames of which 5 pass at once, then one in 50 ms, took {took:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_is_read_later_and_told_of_a_wait_that_is_too_long() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        (config.limits.send.pair.burst, config.limits.send.pair.every_ms) = (2, 200);
        (config.limits.send.user.burst, config.limits.send.user.every_ms) = (6, 3_600_000);
        config.limits.legacy_delay_ms = 2000;
    })
    .await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    let begun = Instant::now();
    for n in 0..7 {
        a.send_message(bob.id, &format!("{n}"), "s").await;
    }
    for n in 0..6 {
        assert_eq!(b.next_message().await.content, format!("{n}"), "in their order");
        a.next_message().await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(700), "four have waited");
    let error: Value = serde_json::from_str(&a.next_text().await).unwrap();
    assert!(error.get("message_type").is_none() && error.to_string().contains("too many messages"), "{error}");
    server.stop().await;
}

/// The limits that depend on what two users are to each other, which only the writer sees of a v1 message.
#[tokio::test(flavor = "multi_thread")]
async fn the_app_waits_for_room_at_its_receiver_and_for_new_conversations() {
    const BYTES: u32 = 1000;
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        config.socket.max_ciphertext_bytes = 1024;
        let strangers = &mut config.limits.inbound.strangers;
        (strangers.burst, strangers.per_s) = (20 * BYTES, 40 * u64::from(BYTES));
        (config.limits.contact.user.burst, config.limits.contact.user.every_ms) = (4, 50);
        config.limits.legacy_delay_ms = 60_000;
    })
    .await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    let copy = "x".repeat(usize::try_from(BYTES).unwrap() / 2 - 2);
    for n in 10..70 {
        a.send_message(bob.id, &format!("{n}{copy}"), &format!("{n}{copy}")).await;
    }
    for n in 10..70 {
        assert_eq!(b.next_message().await.content, format!("{n}{copy}"), "in their order, none refused");
        assert_eq!(a.next_message().await.content, format!("{n}{copy}"));
    }
    let mut others = Vec::new();
    for n in 0..12 {
        others.push(server.sign_up(&format!("other{n}")).await);
    }
    for other in &others {
        a.send_message(other.id, "hello", "hello").await;
    }
    for other in &others {
        assert_eq!(a.next_message().await.receiver_id, other.id);
    }
    server.stop().await;
    // A wait that is too long is told.
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        (config.limits.contact.user.burst, config.limits.contact.user.every_ms) = (1, 3_600_000);
        config.limits.legacy_delay_ms = 1000;
    })
    .await;
    let (alice, bob) = two_users(&server).await;
    let carol = server.sign_up("carol").await;
    let mut a = alice.connect().await;
    a.send_message(bob.id, "r", "s").await;
    a.next_message().await;
    a.send_message(carol.id, "r", "s").await;
    let error: Value = serde_json::from_str(&a.next_text().await).unwrap();
    assert!(error.to_string().contains("too many new conversations"), "{error}");
    a.send_message(bob.id, "again", "again").await;
    assert_eq!(a.next_message().await.content, "again");
    server.stop().await;
}

/// The status and the body of a refused handshake.
fn refusal(error: &Error) -> (u16, Value) {
    let Error::Http(response) = error else { panic!("{error}") };
    let body = response.body().as_ref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    (response.status().as_u16(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_are_limited_but_for_those_with_a_token_that_has_only_expired() {
    let (server, clock) = limited(|config| {
        config.limits.handshake.address.burst = 2;
        config.limits.rest.address.burst = 20;
        config.limits.handshake.user.burst = 3;
        config.auth.access_token_s = 60;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let addr = server.http().addr();
    let expired = alice.tokens.access_token.clone();
    clock.advance_secs(120);
    let open = async |token: &str| match TestDevice::open(addr, token, "device_id=d").await {
        Ok(device) => Ok(device),
        Err(error) => Err(refusal(&error)),
    };
    // Every phone behind an address may come with one at the same moment, by REST too.
    for n in 0..100 {
        assert_eq!(open(&expired).await.unwrap_err().0, 401, "{n}");
        assert_eq!(alice.http.get("/users/me").await.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    assert_eq!(open("forged").await.unwrap_err().0, 401);
    assert_eq!(open("forged").await.unwrap_err().0, 401);
    let (status, body) = open("forged").await.unwrap_err();
    assert_eq!((status, &body["limiter"]), (429, &json!("handshake.address")), "{body}");
    assert_eq!(open(&expired).await.unwrap_err().0, 401, "neither is it refused then");
    // Who is signed in is counted apart.
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(open(&alice.tokens.access_token).await.unwrap());
    }
    let (status, body) = open(&alice.tokens.access_token).await.unwrap_err();
    assert_eq!((status, &body["limiter"], &body["retry_after_ms"]), (429, &json!("handshake.user"), &json!(3000)));
    // A script in a browser does not see that: the ticket, which it asks for first, is refused as well.
    let refused = alice.http.post("/auth/ws_ticket", &json!({})).await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.headers["retry-after"], "3");
    clock.advance_secs(3);
    // The ticket itself does not count.
    alice.http.post("/auth/ws_ticket", &json!({})).await.ok();
    open(&alice.tokens.access_token).await.unwrap();
    server.stop().await;
}

//! A server that stops: every socket gets `going_away`, frames that were read get replies, and new handshakes are
//! refused.

use std::collections::HashSet;

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestClient, TestDevice, TestServer, TestSocket};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::v1::{assert_fields, column, history, live, log_in_again, send_frame, two_users};

/// Everything up to the close, and its code.
async fn to_the_end(device: &mut TestDevice) -> (Vec<Value>, u16) {
    let mut frames = Vec::new();
    loop {
        match device.socket.next().await {
            Some(Ok(Message::Text(text))) => frames.push(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => return (frames, frame.map_or(1005, |frame| frame.code.into())),
            other => panic!("no close frame: {other:?} after {frames:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_is_told_then_closed_and_what_was_read_is_answered() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut legacy = bob.connect().await;
    for i in 0..200 {
        a.send(&send_frame(bob.id, &i.to_string())).await;
    }
    let first = a.expect("stored").await;
    let stopping = tokio::spawn(server.stop_keeping_data());
    let (frames, code) = to_the_end(&mut a).await;
    assert_eq!(code, 1012);
    let going: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == "going_away").collect();
    assert_eq!(going.len(), 1, "told once: {frames:?}");
    assert!(going[0]["reconnect_after_ms"].is_u64() && going[0]["seq"].is_null(), "{}", going[0]);
    let stored: Vec<Value> =
        std::iter::once(first).chain(frames.into_iter().filter(|f| f["type"] == "stored")).collect();
    let (frames, code) = to_the_end(&mut b).await;
    assert_eq!(code, 1012);
    assert_eq!(frames.iter().filter(|frame| frame["type"] == "going_away").count(), 1, "{frames:?}");
    assert_eq!(legacy.close_code().await, 1012);
    let received: Vec<Value> = frames.into_iter().filter(|frame| frame["type"] == "message").collect();

    // Answered is stored and stored is answered; what the receiver missed, it gets now.
    let data = stopping.await.unwrap();
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    let kept: Vec<String> = alice.history(bob.id).await.into_iter().rev().map(|message| message.content).collect();
    let answered: Vec<String> =
        stored.iter().map(|frame| format!("s:{}", frame["client_id"].as_str().unwrap())).collect();
    assert_eq!(kept, answered);
    let since = received.last().map_or_else(|| a.cursor(0), |message| a.cursor(message["seq"].as_i64().unwrap()));
    let (_, missed) = bob.live_device("b", Some(&since)).await;
    let all: Vec<Value> = received.into_iter().chain(missed).collect();
    assert_eq!(column(&all, "id"), column(&stored, "id"), "no gap and no duplicate over the restart");
    server.stop().await;
}

/// The closes are spread over the window, so that clients do not all come back at once; meanwhile new handshakes are
/// refused.
#[tokio::test(flavor = "multi_thread")]
async fn while_it_drains_new_handshakes_are_refused_with_503() {
    let server = TestServer::start_with(|config| {
        config.server.drain_window_s = 10;
        config.socket.max_per_user = 100;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let mut devices = Vec::new();
    for i in 0..30 {
        devices.push(live(&alice, &format!("d{i}")).await);
    }
    let addr = server.addr();
    let stopping = tokio::spawn(server.drain());
    let going = futures_util::future::select_all(
        devices.iter_mut().map(|device| Box::pin(async { device.expect("going_away").await })),
    )
    .await
    .0;
    assert!(going["reconnect_after_ms"].is_u64(), "{going}");
    let bearer = format!("Bearer {}", alice.tokens.access_token);
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "fluent.v1")];
    match TestSocket::open_with(addr, "/chat/ws", &headers).await.map_err(|error| *error) {
        Err(Error::Http(answer)) => {
            assert_eq!(answer.status().as_u16(), 503);
            let after = answer.headers().get("retry-after").expect("`Retry-After`").to_str().unwrap();
            assert!(after.parse::<u64>().is_ok(), "{after}");
        }
        // All thirty had gone in the meantime.
        Err(Error::Io(_)) => {}
        other => panic!("let in while it drains: {other:?}"),
    }
    let mut delays = HashSet::new();
    delays.insert(going["reconnect_after_ms"].to_string());
    for device in &mut devices {
        let (frames, code) = to_the_end(device).await;
        assert_eq!(code, 1012, "{frames:?}");
        delays.extend(frames.iter().map(|frame| frame["reconnect_after_ms"].to_string()));
    }
    assert!(delays.len() > 3, "jittered: {delays:?}");
    stopping.await.unwrap();
}

/// Sent after `going_away`: not read, so not stored, so sent again elsewhere without harm.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_too_late_is_sent_again_and_stored_once() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let stopping = tokio::spawn(server.stop_keeping_data());
    a.expect("going_away").await;
    let late = send_frame(bob.id, "late");
    let _ = a.socket.send(Message::text(late.to_string())).await;
    let code = a.socket.close_code().await;
    assert!(code == 1012 || code == 1006, "{code}");
    let data = stopping.await.unwrap();
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    let mut a = live(&alice, "a").await;
    assert_fields(&a.ask(&late).await, &json!({"type": "stored", "client_id": "late"}));
    assert_eq!(column(&history(&alice, bob.id).await, "content"), ["s:late"]);
    server.stop().await;
}

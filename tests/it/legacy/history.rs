//! History, paging, the chat list, and the rights to read them.

use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{MessageFrame, TestClient, TestServer, TestSocket};
use http::StatusCode;
use serde_json::Value;

async fn send(socket: &mut TestSocket, to: i32, texts: impl Iterator<Item = String>) -> Vec<MessageFrame> {
    let mut echoes = Vec::new();
    for text in texts {
        socket.send_message(to, &format!("{text}-r"), &format!("{text}-s")).await;
        echoes.push(socket.next_message().await);
    }
    echoes
}

async fn page(user: &TestClient, query: &str) -> Vec<MessageFrame> {
    user.http.get(&format!("/chat/all_messages?{query}")).await.ok().json()
}

#[tokio::test]
async fn pages_are_exact_even_when_the_clock_stands_still_or_steps_back() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000));
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut socket = alice.connect().await;
    let mut sent = send(&mut socket, bob.id, (0..30).map(|i| i.to_string())).await;
    clock.advance_secs(-3600);
    sent.extend(send(&mut socket, bob.id, (30..45).map(|i| i.to_string())).await);
    sent.reverse();
    assert!(sent.is_sorted_by(|newer, older| newer.timestamp > older.timestamp));

    let id = bob.id;
    assert_eq!(page(&alice, &format!("partnerID={id}")).await, sent[..20]);
    assert_eq!(page(&alice, &format!("partnerID={id}&limit=1000")).await, sent[..]);
    let mut paged = Vec::new();
    while paged.len() < sent.len() {
        let before = paged.last().map(|m: &MessageFrame| format!("&before={}", m.timestamp)).unwrap_or_default();
        let next = page(&alice, &format!("partnerID={id}&limit=7{before}")).await;
        assert!(!next.is_empty());
        paged.extend(next);
    }
    assert_eq!(paged, sent);

    // The same moment with an offset and nine decimals, URL-encoded.
    let oldest = &sent[10].timestamp;
    let with_offset = oldest.replace('Z', "000%2B00:00");
    assert_eq!(page(&alice, &format!("partnerID={id}&before={with_offset}")).await[0], sent[11]);
    let beginning = format!("partnerID={id}&before=1970-01-01T00:00:00Z");
    assert!(page(&alice, &beginning).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn timestamps_keep_their_order_over_a_restart_with_the_clock_behind() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000));
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut before = send(&mut alice.connect().await, bob.id, (0..3).map(|i| i.to_string())).await;
    let data = server.stop_keeping_data().await;
    clock.advance_secs(-86_400);
    let server = TestServer::start_on(data, clock, |_| {}).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    before.extend(send(&mut alice.connect().await, bob.id, (3..6).map(|i| i.to_string())).await);
    before.reverse();
    assert_eq!(alice.history(bob.id).await, before);
    assert!(before.is_sorted_by(|newer, older| newer.timestamp > older.timestamp));
    server.stop().await;
}

#[tokio::test]
async fn bad_parameters_and_strangers() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let id = bob.id;
    for query in [
        String::new(),
        "partnerID=".to_owned(),
        "partnerID=bob".to_owned(),
        "partnerID=99999999999".to_owned(),
        format!("partnerID={id}&partnerID={id}"),
        format!("partnerID={id}&limit=0"),
        format!("partnerID={id}&limit=-3"),
        format!("partnerID={id}&limit=many"),
        format!("partnerID={id}&before=yesterday"),
        format!("partnerID={id}&before=2026-01-01T00:00:00"),
    ] {
        let answer = alice.http.get(&format!("/chat/all_messages?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    for path in ["/chat/all_messages?partnerID=4711", "/chat/partnerinfo?partnerID=4711"] {
        assert_eq!(alice.http.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(page(&alice, &format!("partnerID={id}")).await.is_empty(), "known, but nothing written");
    server.stop().await;
}

#[tokio::test]
async fn nobody_reads_the_conversations_of_others() {
    let server = TestServer::start().await;
    let (alice, bob, eve) = (server.sign_up("alice").await, server.sign_up("bob").await, server.sign_up("eve").await);
    send(&mut alice.connect().await, bob.id, ["secret".to_owned()].into_iter()).await;
    for partner in [alice.id, bob.id, eve.id] {
        assert!(eve.history(partner).await.is_empty());
    }
    assert!(eve.http.get("/chat/chat_list").await.ok().json::<Vec<Value>>().is_empty());
    assert_eq!(bob.history(alice.id).await[0].content, "secret-r");
    server.stop().await;
}

#[tokio::test]
async fn the_chat_list_has_each_partner_once_newest_first() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let mut partners = Vec::new();
    for i in 0..5 {
        partners.push(server.sign_up(&format!("partner{i}")).await);
    }
    let mut socket = alice.connect().await;
    for round in 0..3 {
        for partner in &partners {
            send(&mut socket, partner.id, [format!("{round}")].into_iter()).await;
        }
    }
    // An answer moves a conversation to the top, with the copy for the one who asks.
    send(&mut partners[2].connect().await, alice.id, ["answer".to_owned()].into_iter()).await;
    let list: Vec<Value> = alice.http.get("/chat/chat_list").await.ok().json();
    let ids: Vec<i64> = list.iter().map(|chat| chat["partner"]["id"].as_i64().unwrap()).collect();
    let expected = [2, 4, 3, 1, 0].map(|i: usize| i64::from(partners[i].id));
    assert_eq!(ids, expected);
    assert_eq!(list[0]["message"]["content"], "answer-r");
    assert_eq!(list[1]["message"]["content"], "2-s");
    server.stop().await;
}

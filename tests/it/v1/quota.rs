//! The quota of messages that a user may have here.

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::testing::{TestClient, TestData, TestServer, eventually, send_frame};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::v1::{assert_fields, live, two_live, two_users};

async fn with_quota(data: std::sync::Arc<TestData>, most: u64) -> TestServer {
    let change = |config: &mut Config| {
        fast_janitor(config);
        config.quota.messages_stored = most;
    };
    TestServer::start_on(data, Clock::system(), change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_many_is_refused_until_one_is_gone_for_both() {
    let server = with_quota(TestData::of_one().await, 3).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let mut stored = Vec::new();
    for n in 0..3 {
        stored.push(a.store(bob.id, &format!("{n}")).await);
        b.expect("message").await;
    }
    let refused = a.ask(&send_frame(bob.id, "one more")).await;
    assert_fields(&refused, &json!({"type": "error", "code": "quota", "retryable": false, "client_id": "one-more"}));
    let answer = alice.http.post("/chat/messages", &send_frame(bob.id, "one more")).await;
    assert_eq!(answer.problem(), (403, "quota".to_owned()));
    // A note to oneself is a message, too.
    assert_eq!(a.ask(&send_frame(alice.id, "a note")).await["code"], "quota");
    // What is stored is confirmed again, and others have room of their own.
    let again = a.ask(&send_frame(bob.id, "0")).await;
    assert_fields(&again, &json!({"type": "stored", "id": stored[0]["id"], "duplicate": true}));
    b.store(alice.id, "hello").await;
    a.expect("message").await;

    // One side alone makes no room; the other, too, does.
    let delete = |n: usize, scope: &str| json!({"type": "delete", "id": stored[n]["id"], "for": scope});
    assert_eq!(a.ask(&delete(0, "me")).await["type"], "deleted");
    assert_eq!(a.ask(&send_frame(bob.id, "one more")).await["code"], "quota");
    assert_eq!(b.ask(&delete(0, "me")).await["type"], "deleted");
    a.store(bob.id, "one more").await;
    b.expect("message").await;
    assert_eq!(a.ask(&send_frame(bob.id, "and another")).await["code"], "quota");
    a.send(&delete(1, "everyone")).await;
    a.expect("deleted").await;
    b.expect("deleted").await;
    a.store(bob.id, "and another").await;
    b.expect("message").await;
    // So does the end of a message's time.
    a.send(&delete(2, "everyone")).await;
    a.expect("deleted").await;
    let mut short = send_frame(bob.id, "short");
    short["expires_in_s"] = 1.into();
    assert_eq!(a.ask(&short).await["type"], "stored");
    assert_eq!(a.ask(&send_frame(bob.id, "after it")).await["code"], "quota");
    a.expect("deleted").await;
    a.store(bob.id, "after it").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_messages_at_once_as_many_are_stored_as_there_is_room() {
    let server = with_quota(TestData::of_one().await, 10).await;
    let (_, bob, mut a, _b) = two_live(&server).await;
    for n in 0..30 {
        a.send(&send_frame(bob.id, &format!("{n}"))).await;
    }
    let (mut stored, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let answer = a.next().await;
        let of = if answer["type"] == "stored" { &mut stored } else { &mut refused };
        of.push(answer["client_id"].as_str().unwrap().parse::<u32>().unwrap());
    }
    assert_eq!((stored, refused), ((0..10).collect(), (10..30).collect()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_counts_when_a_quota_is_set_and_accounts_that_end_make_room() {
    let server = with_quota(TestData::of_one().await, 0).await;
    let (alice, bob) = two_users(&server).await;
    let carol = server.sign_up("carol").await;
    for n in 0..4 {
        let to = if n < 3 { bob.id } else { carol.id };
        alice.http.post("/chat/messages", &send_frame(to, &format!("{n}"))).await.ok();
    }
    let send = async |server: &TestServer, name: &str| {
        let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
        alice.http.post("/chat/messages", &send_frame(carol.id, name)).await.status
    };
    let data = server.stop_keeping_data().await;
    for (most, expected) in [(4, StatusCode::FORBIDDEN), (0, StatusCode::CREATED), (5, StatusCode::FORBIDDEN)] {
        let server = with_quota(data.clone(), most).await;
        assert_eq!(send(&server, &format!("at {most}")).await, expected, "{most}");
        drop(server.stop_keeping_data().await);
    }
    // The messages to Bob go with his account.
    let server = with_quota(data, 5).await;
    let bob = TestClient::log_in(server.http(), "bob", bob.id).await;
    bob.http.with_body(Method::DELETE, "/users/me", &json!({"password": TestClient::PASSWORD})).await.ok();
    let has_room = async || (send(&server, "later").await == StatusCode::CREATED).then_some(());
    eventually("there is room", has_room).await;
    for n in 0..2 {
        assert_eq!(send(&server, &format!("more {n}")).await, StatusCode::CREATED);
    }
    assert_eq!(send(&server, "too many").await, StatusCode::FORBIDDEN);
    let mut a = live(&TestClient::log_in(server.http(), "alice", alice.id).await, "a").await;
    let refused: Value = a.ask(&send_frame(carol.id, "too many")).await;
    assert_eq!(refused["code"], "quota");
    server.stop().await;
}

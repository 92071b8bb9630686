//! Actors that fail: which clients notice, and which do not.

use fluent_backend::domain::UserId;
use fluent_backend::testing::{TestClient, TestServer, eventually};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::Value;

#[tokio::test]
async fn a_session_that_panics_closes_its_own_sockets_only() {
    let mut server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a1, mut a2, mut b) = (alice.connect().await, alice.connect().await, bob.connect().await);
    server.expect_failures(1);
    server.server().actors().registry.crash_session(UserId(alice.id));
    assert_eq!((a1.close_code().await, a2.close_code().await), (1011, 1011));

    b.send_message(alice.id, "for alice", "mine").await;
    assert_eq!(b.next_message().await.content, "mine");
    let mut a = alice.connect().await;
    b.send_message(alice.id, "again", "mine").await;
    assert_eq!(a.next_message().await.content, "again");
    assert_eq!(alice.history(bob.id).await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_writer_that_dies_is_replaced_and_its_senders_can_try_again() {
    let mut server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    server.expect_failures(1);
    server.server().actors().persistence.crash();
    // Each message is echoed or refused as retryable; no sender waits for ever.
    let mut echoed = 0;
    let mut refused = 0;
    while echoed == 0 {
        a.send_message(bob.id, "r", "s").await;
        let frame: Value = serde_json::from_str(&a.next_text().await).unwrap();
        if frame["type"] == "error" {
            assert_eq!((frame["code"].as_str(), frame["retryable"].as_bool()), (Some("unavailable"), Some(true)));
            assert!(frame["retry_after_ms"].as_u64().is_some());
            refused += 1;
        } else {
            echoed += 1;
        }
        assert!(refused < 100_000, "the writer does not come back");
    }
    assert_eq!(b.next_message().await.content, "r");
    assert_eq!(alice.history(bob.id).await.len(), 1);
    let ready = async || (server.http().get("/readyz").await.status == StatusCode::OK).then_some(());
    eventually("ready again", ready).await;
    server.stop().await;
}

#[tokio::test]
async fn a_registry_that_dies_is_replaced_and_clients_come_back() {
    let mut server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    server.expect_failures(1);
    server.server().actors().registry.crash();
    assert_eq!((a.close_code().await, b.close_code().await), (1011, 1011));
    let ready = async || (server.http().get("/readyz").await.status == StatusCode::OK).then_some(());
    eventually("ready again", ready).await;
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    a.send_message(bob.id, "r", "s").await;
    assert_eq!((a.next_message().await.content, b.next_message().await.content), ("s".to_owned(), "r".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn an_actor_that_keeps_failing_ends_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = TestServer::config();
    config.server.data_dir = dir.path().to_owned();
    let mut server = fluent_backend::Server::start(config).await.unwrap();
    let error = {
        let persistence = server.actors().persistence.clone();
        let crashing = async {
            loop {
                persistence.crash();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            error = fluent_backend::testing::soon("the server gives up", server.failed()) => error,
            () = crashing => unreachable!("it crashes for ever"),
        }
    };
    assert!(error.to_string().contains("persistence"), "{error}");
    assert!(server.health().failures() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_with_their_last_socket() {
    let server = TestServer::start().await;
    let users = join_all((0..10).map(|i| {
        let server = &server;
        async move { server.sign_up(&format!("user{i}")).await }
    }))
    .await;
    for _ in 0..5 {
        for socket in join_all(users.iter().map(TestClient::connect)).await {
            socket.close().await;
        }
    }
    // Opening and closing over and over must not leave a user without a session that is registered.
    let mut sockets = join_all(users.iter().map(TestClient::connect)).await;
    for (user, socket) in users.iter().zip(&mut sockets) {
        socket.send_message(user.id, "r", "s").await;
        assert_eq!(socket.next_message().await.content, "s");
    }
    server.stop().await;
}

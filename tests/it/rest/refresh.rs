//! Refresh tokens: rotation, the same successor again, and theft.

use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{Answer, TestClient, TestServer, TokenPair};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;

fn clock() -> Clock {
    Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000))
}

async fn refresh(server: &TestServer, token: &str) -> Answer {
    server.http().post("/auth/refresh", &json!({"refresh_token": token})).await
}

async fn refreshed(server: &TestServer, token: &str) -> TokenPair {
    refresh(server, token).await.ok().json()
}

async fn works(server: &TestServer, access: &str) -> bool {
    let http = server.http().with_authorization(format!("Bearer {access}"));
    http.get("/chat/chat_list").await.status == StatusCode::OK
}

#[tokio::test]
async fn many_refreshes_at_once_get_the_same_successor() {
    let server = TestServer::start().await;
    let user = server.sign_up("alice").await;
    let old = &user.tokens.refresh_token;
    let pairs = join_all((0..8).map(|_| refreshed(&server, old))).await;
    for pair in &pairs {
        assert_eq!(pair.refresh_token, pairs[0].refresh_token);
        assert_ne!(&pair.refresh_token, old);
        assert!(works(&server, &pair.access_token).await);
    }
    refreshed(&server, &pairs[7].refresh_token).await;
    server.stop().await;
}

#[tokio::test]
async fn within_the_grace_time_even_a_used_successor_comes_again() {
    let clock = clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let user = server.sign_up("alice").await;
    let second = refreshed(&server, &user.tokens.refresh_token).await;
    refreshed(&server, &second.refresh_token).await;
    clock.advance_secs(30);
    assert_eq!(refreshed(&server, &user.tokens.refresh_token).await.refresh_token, second.refresh_token);
    server.stop().await;
}

#[tokio::test]
async fn a_lost_answer_can_be_fetched_any_time() {
    let clock = clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let user = server.sign_up("alice").await;
    let lost = refreshed(&server, &user.tokens.refresh_token).await;
    clock.advance_secs(7 * 24 * 3600);
    let again = refreshed(&server, &user.tokens.refresh_token).await;
    assert_eq!(again.refresh_token, lost.refresh_token);
    assert!(works(&server, &again.access_token).await);
    server.stop().await;
}

#[tokio::test]
async fn reuse_ends_the_login_its_sockets_and_no_other() {
    let clock = clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let user = server.sign_up("alice").await;
    let other = TestClient::log_in(server.http(), "alice", user.id).await;
    let (mut socket, mut bystander) = (user.connect().await, other.connect().await);
    let second = refreshed(&server, &user.tokens.refresh_token).await;
    let third = refreshed(&server, &second.refresh_token).await;
    clock.advance_secs(31);

    assert_eq!(refresh(&server, &user.tokens.refresh_token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(socket.close_code().await, 4001);
    assert_eq!(refresh(&server, &third.refresh_token).await.status, StatusCode::UNAUTHORIZED);
    assert!(!works(&server, &third.access_token).await, "the access tokens of the chain end with it");

    refreshed(&server, &other.tokens.refresh_token).await;
    bystander.send_message(user.id, "r", "still here").await;
    assert_eq!(bystander.next_message().await.content, "still here");
    server.stop().await;
}

#[tokio::test]
async fn an_ended_login_stays_ended_after_a_restart() {
    let clock = clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let user = server.sign_up("alice").await;
    let second = refreshed(&server, &user.tokens.refresh_token).await;
    let third = refreshed(&server, &second.refresh_token).await;
    clock.advance_secs(31);
    assert_eq!(refresh(&server, &user.tokens.refresh_token).await.status, StatusCode::UNAUTHORIZED);

    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, clock, |_| {}).await;
    assert!(!works(&server, &third.access_token).await);
    assert_eq!(refresh(&server, &third.refresh_token).await.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test]
async fn refresh_tokens_expire_and_access_tokens_are_none() {
    let clock = clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let user = server.sign_up("alice").await;
    for wrong in [user.tokens.access_token.as_str(), "", "AAAA", &"A".repeat(43), "ä"] {
        assert_eq!(refresh(&server, wrong).await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    clock.advance_secs(30 * 24 * 3600 - 1);
    let pair = refreshed(&server, &user.tokens.refresh_token).await;
    clock.advance_secs(1);
    assert_eq!(refresh(&server, &user.tokens.refresh_token).await.status, StatusCode::UNAUTHORIZED);
    refreshed(&server, &pair.refresh_token).await;
    server.stop().await;
}

#[tokio::test]
async fn the_apps_retry_with_a_doubled_header_works_and_different_tokens_do_not() {
    let clock = clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let user = server.sign_up("alice").await;
    let token = &user.tokens.access_token;
    // Tokens of one second are the same text.
    clock.advance_secs(1);
    let second = refreshed(&server, &user.tokens.refresh_token).await.access_token;
    let status = async |value: String| server.http().with_authorization(value).get("/chat/chat_list").await.status;
    assert_eq!(status(format!("Bearer {token},Bearer {token}")).await, StatusCode::OK);
    assert_eq!(status(format!("Bearer {token}, Bearer x")).await, StatusCode::UNAUTHORIZED);
    assert_ne!(second, *token);
    assert_eq!(status(format!("Bearer {second}")).await, StatusCode::OK, "each is good by itself");
    for both in [format!("Bearer {token},Bearer {second}"), format!("Bearer {second},Bearer {token}")] {
        assert_eq!(status(both).await, StatusCode::UNAUTHORIZED);
    }
    server.stop().await;
}

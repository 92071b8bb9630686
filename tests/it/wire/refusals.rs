//! Refusals before any work: hosts, methods, bodies, types, credentials.

use fluent_backend::testing::TestServer;
use serde_json::json;

use super::person::{Person, json_body};
use super::recording::Recording;
use crate::support::v1::stopped_clock;

#[tokio::test]
async fn refusals_are_byte_by_byte_the_recorded_ones() {
    let server = TestServer::start_at(stopped_clock(), |_| {}).await;
    let mut recording = Recording::of(&server, "refusals", &[]);
    let alice = Person::sign_up(&mut recording, "alice", "QWxpY2U=").await;

    recording.part("Paths, methods and preflights");
    for line in ["GET /nowhere", "DELETE /auth/login", "HEAD /healthz", "PUT /users/me", "GET /metrics", "GET /docs"] {
        recording.request(line, &[], "").await;
    }
    let origin = "Origin: https://app.example.org".to_owned();
    let wanted = "Access-Control-Request-Method: POST".to_owned();
    recording.request("OPTIONS /chat/messages", &[origin.clone(), wanted], "").await;
    recording.request("GET /healthz", std::slice::from_ref(&origin), "").await;

    recording.part("Hosts");
    recording.request("GET /healthz", &["Host: other.example.org".to_owned()], "").await;

    recording.part("Bodies");
    let login = json!({"username": "alice", "password": Person::PASSWORD}).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        recording.request("POST /auth/login", &[format!("Content-Type: {kind}")], &login).await;
    }
    recording.request("POST /auth/login", &[origin], &login).await;
    let compressed = ["Content-Encoding: gzip".to_owned(), json_body().remove(0)];
    recording.request("POST /auth/login", &compressed, &login).await;
    for body in ["no JSON", "[]", "{}", r#"{"username":7,"password":"x"}"#] {
        recording.request("POST /auth/login", &json_body(), body).await;
    }
    let too_large = [json_body().remove(0), "Content-Length: 300000".to_owned()];
    recording.request("POST /auth/login", &too_large, "").await;

    recording.part("Credentials");
    for value in ["Basic YWxpY2U6eA==", "Bearer", "Bearer wrong", &format!("Bearer {}", alice.refresh)] {
        recording.request("GET /users/me", &[format!("Authorization: {value}")], "").await;
    }
    let lower = format!("authorization: bearer {}", alice.access);
    recording.request("GET /users/me", &[lower], "").await;
    recording.finish();
    server.stop().await;
}

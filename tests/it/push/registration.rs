//! Registration: by whom, for how long, and what is shown of it.

use fluent_backend::clock::Clock;
use fluent_backend::domain::PushOutcome;
use fluent_backend::testing::{TestClient, TestServer};
use serde_json::{Value, json};

use super::double::{Answer, Provider, pushing, register, send, targets};

#[tokio::test]
async fn a_device_registers_is_listed_without_its_token_and_leaves() {
    let provider = Provider::new();
    let server = pushing(&provider, Clock::system()).await;
    let alice = server.sign_up("alice").await;
    let config: Value = alice.http.get("/push/config").await.ok().json();
    assert_eq!(config, json!({"fcm": {"project_id": "test"}}));
    let body = json!({"provider": "fcm", "token": "secret-marker"});
    let first = alice.http.put("/push/targets/pixel", &body).await;
    assert_eq!(first.status, 201);
    let shown: Value = first.json();
    assert_eq!(
        (&shown["device_id"], &shown["provider"], &shown["state"]),
        (&json!("pixel"), &json!("fcm"), &json!("active"))
    );
    assert_eq!(alice.http.put("/push/targets/pixel", &body).await.status, 200);
    let listed = alice.http.get("/push/targets").await.ok();
    assert!(!listed.text().contains("secret-marker") && !first.text().contains("secret-marker"));
    assert_eq!(targets(&alice).await.len(), 1);
    for _ in 0..2 {
        assert_eq!(alice.http.delete("/push/targets/pixel").await.status, 204);
    }
    assert_eq!(targets(&alice).await, Vec::<Value>::new());
    for bad in
        [json!({"provider": "apns", "token": "ab".repeat(32), "topic": "x", "environment": "sandbox"}), json!({})]
    {
        assert_eq!(alice.http.put("/push/targets/pixel", &bad).await.status, 422, "{bad}");
    }
    assert_eq!(alice.http.put("/push/targets/a.b", &body).await.status, 422);
    server.stop().await;
}

#[tokio::test]
async fn a_registration_ends_with_its_login_and_moves_with_its_token() {
    let provider = Provider::new();
    let server = pushing(&provider, Clock::system()).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    register(&alice, "phone").await;
    register(&bob, "phone").await;
    assert_eq!((targets(&alice).await.len(), targets(&bob).await.len()), (0, 1), "the phone has changed hands");
    let elsewhere = TestClient::log_in(server.http(), "bob", bob.id).await;
    bob.http.post("/auth/logout", &json!({})).await.ok();
    assert_eq!(targets(&elsewhere).await.len(), 0);
    for n in 0..21 {
        register(&elsewhere, &format!("d{n}")).await;
    }
    let names: Vec<Value> = targets(&elsewhere).await.into_iter().map(|target| target["device_id"].clone()).collect();
    assert_eq!(names.len(), 20);
    assert!(!names.contains(&json!("d0")), "the oldest gives way");
    elsewhere.http.post("/auth/logout_all", &json!({})).await.ok();
    let again = TestClient::log_in(server.http(), "bob", bob.id).await;
    assert_eq!(targets(&again).await.len(), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_test_tells_what_the_provider_says() {
    let provider = Provider::new();
    let server = pushing(&provider, Clock::system()).await;
    let alice = server.sign_up("alice").await;
    register(&alice, "pixel").await;
    let test = async || alice.http.post("/push/targets/pixel/test", &Value::Null).await;
    let answer: Value = test().await.ok().json();
    assert_eq!((&answer["outcome"], &answer["provider_status"]), (&json!("accepted"), &json!(200)));
    assert_eq!(targets(&alice).await[0]["last_wake_outcome"], "accepted");
    assert_eq!(alice.http.post("/push/targets/tablet/test", &Value::Null).await.status, 404);
    provider.answers(Answer::Is(PushOutcome::Config));
    assert_eq!(test().await.ok().json::<Value>()["outcome"], "config");
    let target = targets(&alice).await.remove(0);
    assert_eq!((&target["state"], &target["reason"]), (&json!("suspended"), &json!("as the test says")));
    register(&alice, "pixel").await;
    assert_eq!(targets(&alice).await[0]["state"], "active");
    provider.answers(Answer::Is(PushOutcome::Dead));
    assert_eq!(test().await.ok().json::<Value>()["outcome"], "dead");
    assert_eq!(targets(&alice).await, Vec::<Value>::new(), "the provider knows it no more");
    server.stop().await;
}

#[tokio::test]
async fn without_a_provider_nothing_can_be_registered_and_nothing_is_owed() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    assert_eq!(alice.http.get("/push/config").await.ok().json::<Value>(), json!({}));
    let body = json!({"provider": "fcm", "token": "x"});
    assert_eq!(alice.http.put("/push/targets/pixel", &body).await.status, 422);
    send(&bob, alice.id, "hello", None).await;
    assert_eq!(targets(&alice).await, Vec::<Value>::new());
    server.stop().await;
}

//! The audit log: what is recorded, by whom, and what is left of a deleted account.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestClient, TestServer, eventually};
use http::Method;
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::local::Operator;

/// Waits until so many entries are there, and returns them, oldest first.
async fn entries(operator: &mut Operator, query: &str, count: usize) -> Vec<Value> {
    let operator = tokio::sync::Mutex::new(operator);
    eventually("the entries are stored", async || {
        let list = operator.lock().await.get(&format!("/admin/api/audit?after=0&limit=200{query}")).await;
        let entries = list["entries"].as_array().unwrap().clone();
        (entries.len() >= count).then_some(entries)
    })
    .await
}

fn events(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_life_of_an_account_is_recorded() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut operator = Operator::of(&server).await;
    let alice = server.sign_up("alice").await;
    let wrong = json!({"username": "alice", "password": "wrong wrong wrong"});
    for _ in 0..3 {
        assert_eq!(server.http().post("/auth/login", &wrong).await.status, 401);
    }
    let other = TestClient::log_in(server.http(), "alice", alice.id).await;
    other.http.post("/auth/logout", &json!({})).await.ok();
    let change = json!({"old_password": TestClient::PASSWORD, "new_password": "another good password"});
    alice.http.put("/auth/password", &change).await.ok();
    let found = entries(&mut operator, &format!("&user={}", alice.id), 5).await;
    assert_eq!(events(&found), ["registered", "login", "login", "logout", "password_changed"]);
    for entry in &found {
        assert_eq!((&entry["actor_kind"], &entry["actor_id"]), (&json!("user"), &json!(alice.id)), "{entry}");
        assert_eq!((&entry["subject_id"], &entry["network"]), (&json!(alice.id), &json!("127.0.0.0/24")), "{entry}");
    }
    let only = entries(&mut operator, "&event=logout", 1).await;
    assert_eq!(events(&only), ["logout"]);
    let (status, _) = operator.ask(Method::GET, "/admin/api/audit?event=log", None).await;
    assert_eq!(status, 422);

    // Failed logins are one entry a minute, at the latest at the stop.
    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let mut operator = Operator::of(&server).await;
    let failed = entries(&mut operator, "&event=login_failed", 1).await;
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["detail"], &failed[0]["subject_id"]), (&json!({"count": 3}), &json!(alice.id)));

    // A deleted account is not named any more.
    let login = json!({"username": "alice", "password": "another good password"});
    let tokens: Value = server.http().post("/auth/login", &login).await.ok().json();
    let http = server.http().with_authorization(format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    http.with_body(Method::DELETE, "/users/me", &json!({"password": "another good password"})).await.ok();
    let all = entries(&mut operator, "", 8).await;
    assert_eq!(events(&all).last(), Some(&"account_deleted"));
    for entry in &all {
        assert!(entry["actor_id"].is_null() && entry["subject_id"].is_null(), "{entry}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_an_operator_changes_is_recorded_before_the_answer() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut operator = Operator::of(&server).await;
    operator.put("/admin/api/registration", json!({"mode": "invite"})).await;
    let invite = operator.post("/admin/api/invites", json!({"bound_to": "bob@example.org"})).await;
    operator.delete(&format!("/admin/api/invites/{}", invite["id"])).await;
    let list = operator.get("/admin/api/audit").await;
    let newest = list["entries"].as_array().unwrap();
    assert_eq!(events(newest), ["invite_revoked", "invite_created", "config_changed"]);
    for entry in newest {
        assert_eq!(entry["actor_kind"], "admin");
        assert!(entry["detail"]["by"]["local_user"].is_u64(), "{entry}");
    }
    assert!(!list.to_string().contains("bob"), "{list}");
    let before = operator.get(&format!("/admin/api/audit?before={}&limit=1", newest[0]["id"])).await;
    assert_eq!(before["entries"], json!([newest[1]]));
    server.stop().await;
}

#[tokio::test]
async fn entries_are_dropped_by_age_and_by_number() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_at(clock.clone(), |config| {
        fast_janitor(config);
        (config.audit.keep_days, config.audit.keep_entries) = (30, 3);
    })
    .await;
    let mut operator = Operator::of(&server).await;
    for mode in ["invite", "closed", "open", "invite", "closed"] {
        operator.put("/admin/api/registration", json!({"mode": mode})).await;
    }
    let operator = tokio::sync::Mutex::new(operator);
    let count = async || operator.lock().await.get("/admin/api/audit").await["entries"].as_array().unwrap().len();
    eventually("the newest are kept", async || (count().await == 3).then_some(())).await;
    clock.advance_secs(31 * 24 * 3600);
    eventually("old ones are dropped", async || (count().await == 0).then_some(())).await;
    server.stop().await;
}

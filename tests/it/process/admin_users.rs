//! `fluent-backend admin user`: disabling accounts, and resetting what their owners sign in with.

use fluent_backend::testing::{TestClient, TestData};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run_on};

async fn admin(data: &TestData, args: &[&str]) -> (Option<i32>, Value) {
    let output = run_on(data, &[&["admin", "--json", "user"], args].concat(), &[]).await;
    let printed = if output.status.success() { &output.stdout } else { &output.stderr };
    let json = serde_json::from_slice(printed);
    (output.status.code(), json.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(printed))))
}

async fn log_in(server: &ServerProcess, password: &str) -> u16 {
    let body = json!({"username": "alice", "password": password});
    server.http().post("/auth/login", &body).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_as_one_with_another_password_until_it_is_enabled() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let (mut device, _) = alice.live_device("a", None).await;
    let (code, state) = admin(&data, &["disable", "ALICE"]).await;
    assert_eq!((code, &state["id"], state["disabled_at"].is_string()), (Some(0), &json!(alice.id), true));
    assert_eq!(device.socket.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(alice.http.get("/users/me").await.status, 401);
    let refresh = json!({"refresh_token": alice.tokens.refresh_token});
    assert_eq!(server.http().post("/auth/refresh", &refresh).await.status, 401);
    let problem = async |password: &str| {
        let body = json!({"username": "alice", "password": password});
        let answer = server.http().post("/auth/login", &body).await;
        assert_eq!(answer.status, 401);
        answer.text()
    };
    assert_eq!(problem(TestClient::PASSWORD).await, problem("not my password").await);
    // What is written to it meanwhile is kept.
    let frame = fluent_backend::testing::send_frame(alice.id, "for later");
    bob.http.post("/chat/messages", &frame).await.ok();
    server.stop().await;

    // By its id, and without a server.
    let (code, state) = admin(&data, &["enable", &alice.id.to_string()]).await;
    assert_eq!((code, &state["disabled_at"]), (Some(0), &Value::Null));
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    let path = format!("/chat/all_messages?partnerID={}", bob.id);
    let messages: Vec<Value> = alice.http.get(&path).await.ok().json();
    assert_eq!(messages.len(), 1);
    let (code, problem) = admin(&data, &["disable", "nobody"]).await;
    assert_eq!((code, &problem["code"]), (Some(1), &json!("not_found")));
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_password_is_printed_once_and_ends_all_logins() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let (mut device, _) = alice.live_device("a", None).await;
    let (code, answer) = admin(&data, &["reset-password", "alice"]).await;
    let password = answer["password"].as_str().unwrap();
    assert_eq!((code, password.len()), (Some(0), 16));
    assert_eq!(device.socket.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(alice.http.get("/users/me").await.status, 401);
    assert_eq!((log_in(&server, TestClient::PASSWORD).await, log_in(&server, password).await), (401, 200));
    assert!(!server.log().contains(password));
    let output = run_on(&data, &["admin", "audit", "export"], &[]).await;
    let lines = String::from_utf8(output.stdout).unwrap();
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_admin: Vec<Value> = entries.filter(|entry| entry["event"] == "password_changed").collect();
    assert_eq!(of_admin.len(), 1, "{lines}");
    assert!(!lines.contains(password));
    assert!(server.stop().await.success());
}

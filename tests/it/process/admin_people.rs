//! `fluent-backend admin`: finding a person, ending sessions, deleting an account, and filling buckets.

use fluent_backend::testing::{TestClient, TestData};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run, run_on};

/// Runs a command, and returns its exit code and what it prints.
async fn admin(data: &TestData, args: &[&str]) -> (Option<i32>, String) {
    let output = run_on(data, &[&["admin"], args].concat(), &[]).await;
    let printed = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(printed).unwrap().trim().to_owned())
}

async fn json_of(data: &TestData, args: &[&str]) -> Value {
    let (code, printed) = admin(data, &[&["--json"], args].concat()).await;
    assert_eq!(code, Some(0), "{args:?}: {printed}");
    serde_json::from_str(&printed).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_signed_out_and_deleted_while_the_server_runs_and_while_it_does_not() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let (mut device, _) = alice.live_device("phone", None).await;
    let (code, list) = admin(&data, &["user", "list", "ali"]).await;
    assert!(code == Some(0) && list.starts_with("ID ") && list.contains("alice") && !list.contains("bob"), "{list}");
    let shown = json_of(&data, &["user", "show", "alice"]).await;
    assert_eq!((&shown["id"], &shown["sockets"], shown.get("email")), (&json!(alice.id), &json!(1), None));
    let (_, text) = admin(&data, &["user", "show", "alice", "--reveal"]).await;
    assert!(text.contains("E-MAIL") && text.contains('@') && text.contains("no device is registered"), "{text}");
    let sessions = json_of(&data, &["user", "sessions", "alice"]).await;
    assert_eq!(sessions["sessions"][0]["device_ids"], json!(["phone"]));

    // Over the network, with a token.
    let made = json_of(&data, &["token", "create", "--name", "desk", "--scope", "write"]).await;
    let (elsewhere, url) = (tempfile::tempdir().unwrap(), format!("http://{}", server.admin()));
    let args = ["admin", "--url", &url, "user", "logout", "alice"];
    let output = run(elsewhere.path(), &args, &[("FLUENT_ADMIN_TOKEN", made["secret"].as_str().unwrap())]).await;
    let said = format!("1 sessions of account {} have ended", alice.id);
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), said);
    assert_eq!(device.socket.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(alice.http.get("/users/me").await.status, 401);
    bob.http.get("/users/me").await.ok();
    let session = json_of(&data, &["user", "sessions", "bob"]).await["sessions"][0]["id"].to_string();
    assert_eq!(admin(&data, &["user", "logout", "bob", "--session", &session]).await.0, Some(0));
    assert_eq!(admin(&data, &["user", "logout", "bob", "--session", &session]).await.0, Some(1));
    assert_eq!(bob.http.get("/users/me").await.status, 401);
    assert!(server.stop().await.success());

    // And without a server.
    assert_eq!(json_of(&data, &["user", "list"]).await["users"].as_array().unwrap().len(), 2);
    assert_eq!(admin(&data, &["user", "sessions", "bob"]).await, (Some(0), "nobody is signed in".to_owned()));
    let limits = format!("user {} has the limits of all", alice.id);
    assert_eq!(admin(&data, &["user", "limits", "alice"]).await, (Some(0), limits));
    let (code, said) = admin(&data, &["user", "delete", "alice"]).await;
    assert!(code == Some(2) && said.contains("--yes"), "{said}");
    let (code, said) = admin(&data, &["user", "delete", "alice", "--yes"]).await;
    assert_eq!((code, said), (Some(0), format!("account {} is deleted", alice.id)));
    let (code, said) = admin(&data, &["user", "show", "alice"]).await;
    assert_eq!((code, said.as_str()), (Some(1), "fluent-backend: no account signs in with this name"));
    let server = ServerProcess::start_on(&data, &[]).await;
    let body = json!({"username": "alice", "password": TestClient::PASSWORD});
    assert_eq!(server.http().post("/auth/login", &body).await.status, 401);
    assert_eq!(admin(&data, &["user", "delete", "bob", "--yes"]).await.0, Some(0));
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_seen_and_filled_at_a_running_server_alone() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[("FLUENT__LIMITS__ENABLED", "true")]).await;
    let body = json!({"username": "nobody", "password": "wrong wrong wrong"});
    let log_in = async || server.http().post("/auth/login", &body).await.status.as_u16();
    while log_in().await != 429 {}
    let (_, top) = admin(&data, &["limiter", "top", "login.account"]).await;
    assert!(top.starts_with("LIMITER") && top.contains("name #"), "{top}");
    let (_, list) = admin(&data, &["limiter", "list"]).await;
    assert!(list.contains("login.account") && list.contains("COUNTS BY"), "{list}");
    let filled = admin(&data, &["limiter", "refill", "login.account", "Nobody"]).await;
    assert_eq!(filled, (Some(0), "the bucket of login.account for Nobody is full".to_owned()));
    assert_eq!(log_in().await, 401);
    assert_eq!(admin(&data, &["limiter", "refill", "login.account", ""]).await.0, Some(1));
    assert!(server.stop().await.success());

    assert_eq!(admin(&data, &["limiter", "list"]).await.0, Some(0));
    for args in [&["limiter", "top"][..], &["limiter", "refill", "login.account", "nobody"]] {
        let (code, said) = admin(&data, args).await;
        assert!(code == Some(3) && said.contains("no server runs"), "{args:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_looked_at_while_the_server_runs_and_while_it_does_not() {
    let data = TestData::of_one().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    TestClient::sign_up(server.http(), "alice").await;
    let made = json_of(&data, &["token", "create", "--name", "desk", "--scope", "write"]).await;
    let (elsewhere, url) = (tempfile::tempdir().unwrap(), format!("http://{}", server.admin()));
    let remote = async |args: &[&str]| {
        let args = [&["admin", "--url", &url], args].concat();
        let output = run(elsewhere.path(), &args, &[("FLUENT_ADMIN_TOKEN", made["secret"].as_str().unwrap())]).await;
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, tables) = remote(&["database", "tables"]).await;
    assert!(code == Some(0) && tables.contains("users") && tables.contains("as long as the account"), "{tables}");
    assert_eq!(remote(&["media", "reconcile", "--dry-run"]).await.0, Some(0));
    let (_, status) = remote(&["media", "status"]).await;
    assert!(status.contains("bytes: 0") && status.contains("compared at"), "{status}");
    let (code, said) = admin(&data, &["push", "test", "alice", "pixel"]).await;
    assert_eq!((code, said.as_str()), (Some(1), "fluent-backend: this device is not registered"));
    assert!(server.stop().await.success());

    let users = json_of(&data, &["database", "tables"]).await["tables"].as_array().unwrap().clone();
    assert!(users.iter().any(|table| table["table"] == "users" && table["rows"] == 1), "{users:?}");
    assert_eq!(json_of(&data, &["media", "status"]).await["last_reconcile"], Value::Null);
    assert_eq!(admin(&data, &["media", "reconcile"]).await.0, Some(0));
    let (code, said) = admin(&data, &["push", "test", "alice", "pixel"]).await;
    assert!(code == Some(3) && said.contains("no server runs"), "{said}");
}

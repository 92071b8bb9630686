//! `fluent-backend admin`: the same commands at a running server and at a stopped one's store.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use fluent_backend::testing::{TestClient, TestData};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run, run_on};

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// Runs a command that must succeed, and returns the JSON that it prints.
async fn shown(data: &TestData, args: &[&str]) -> Value {
    let output = run_on(data, &[&["admin", "--json"], args].concat(), &[]).await;
    assert!(output.status.success(), "{args:?}: {} {}", out(&output), err(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn commands_work_at_a_running_server_and_at_the_store_of_a_stopped_one() {
    let data = TestData::new().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    assert_eq!(shown(&data, &["registration"]).await["mode"], "open");
    shown(&data, &["registration", "invite"]).await;
    let answer = server.http().get("/registration").await.ok().json::<Value>();
    assert_eq!(answer, json!({"mode": "invite"}), "the server obeys at once");
    let invite = shown(&data, &["invite", "create", "--uses", "2", "--expires", "2h", "--note", "two"]).await;
    let account = json!({
        "username": "alice", "email": "a@example.org", "password": TestClient::PASSWORD, "public_key": "AAAA",
        "invite": invite["code"],
    });
    server.http().post("/auth/register", &account).await.ok();
    server.stop().await;

    // The store has kept it, and is changed without a server.
    let list = shown(&data, &["invite", "list"]).await;
    assert_eq!((&list["invites"][0]["uses_left"], &list["invites"][0]["note"]), (&json!(1), &json!("two")));
    let id = list["invites"][0]["id"].to_string();
    assert_eq!(shown(&data, &["invite", "revoke", &id]).await, json!({}));
    shown(&data, &["registration", "closed"]).await;
    let exported = run_on(&data, &["admin", "audit", "export", "--since", "1h"], &[]).await;
    let lines = out(&exported);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let expected =
        ["config_changed", "invite_created", "registered", "invite_used", "invite_revoked", "config_changed"];
    assert_eq!(events, expected);
    let server = ServerProcess::start_on(&data, &[]).await;
    assert_eq!(server.http().get("/registration").await.ok().json::<Value>(), json!({"mode": "closed"}));
    assert_eq!(shown(&data, &["invite", "list"]).await["invites"][0]["state"], "revoked");
    server.kill().await;
    // The socket of a server that was killed is still there, and nobody answers.
    assert_eq!(shown(&data, &["registration"]).await["mode"], "closed");
}

#[tokio::test]
async fn people_read_tables_and_scripts_read_codes() {
    let dir = tempfile::tempdir().unwrap();
    let none = run(dir.path(), &["admin", "invite", "list"], &[]).await;
    assert_eq!(none.status.code(), Some(3), "there is no store: {}", err(&none));
    let server = ServerProcess::start(dir.path(), &[]).await;
    let socket = dir.path().join("data/admin.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

    let admin = async |args: &[&str]| run(dir.path(), &[&["admin"], args].concat(), &[]).await;
    assert_eq!(out(&admin(&["invite", "list"]).await), "there are no invites");
    let created = admin(&["invite", "create", "--for", "bob@example.org"]).await;
    assert!(out(&created).contains("good for bob@example.org alone, with or without the code"), "{}", out(&created));
    let list = out(&admin(&["invite", "list"]).await);
    assert!(list.starts_with("ID ") && list.contains("bob@example.org") && list.contains("open"), "{list}");
    for (args, code, said) in [
        (&["invite", "revoke", "77"][..], 1, "there is no such invite"),
        (&["invite", "create", "--uses", "0"], 1, "uses: must be 1 to 10000"),
        (&["invite", "create", "--expires", "soon"], 2, "no span of time"),
        (&["invite", "make"], 2, "unrecognized subcommand"),
    ] {
        let output = admin(args).await;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{args:?}: {}", err(&output));
    }
    let refused = admin(&["--json", "invite", "revoke", "77"]).await;
    let problem: Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(404), &json!("not_found")));

    // While the server runs but does not answer at its socket, the store is not touched.
    std::fs::remove_file(&socket).unwrap();
    let locked = admin(&["registration"]).await;
    assert_eq!(locked.status.code(), Some(3));
    assert!(err(&locked).contains("is in use by another fluent-backend"), "{}", err(&locked));
    server.stop().await;
}

/// The address is another machine's way, and a token its right.
#[tokio::test]
async fn a_token_is_made_while_the_server_is_stopped_and_used_by_its_address() {
    let data = TestData::new().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    server.stop().await;
    let made = shown(&data, &["token", "create", "--name", "laptop", "--scope", "read"]).await;
    let server = ServerProcess::start_on(&data, &[]).await;

    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("http://{}", server.admin());
    let admin = async |args: &[&str], token: &str| {
        let args = [&["admin", "--url", &url], args].concat();
        run(elsewhere.path(), &args, &[("FLUENT_ADMIN_TOKEN", token)]).await
    };
    let secret = made["secret"].as_str().unwrap();
    assert!(out(&admin(&["registration"], secret).await).starts_with("registration is open"));
    let narrow = admin(&["registration", "closed"], secret).await;
    assert_eq!((narrow.status.code(), err(&narrow).contains("scope")), (Some(4), true), "{}", err(&narrow));
    let wrong = admin(&["registration"], "fla_x").await;
    assert_eq!(wrong.status.code(), Some(4), "{}", err(&wrong));
    let none = run(elsewhere.path(), &["admin", "--url", &url, "registration"], &[]).await;
    assert!(none.status.code() == Some(4) && err(&none).contains("FLUENT_ADMIN_TOKEN"), "{}", err(&none));
    let args = ["admin", "--url", "http://127.0.0.1:1", "registration"];
    let nobody = run(elsewhere.path(), &args, &[("FLUENT_ADMIN_TOKEN", secret)]).await;
    assert_eq!(nobody.status.code(), Some(3));
    let id = made["id"].as_str().unwrap();
    shown(&data, &["token", "revoke", id]).await;
    assert_eq!(admin(&["registration"], secret).await.status.code(), Some(4));
    server.stop().await;
}

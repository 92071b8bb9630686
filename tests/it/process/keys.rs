//! The `keys` commands, beside a server that runs.

use fluent_backend::testing::{TestClient, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::binary::{ServerProcess, run};

const EDDSA: [(&str, &str); 1] = [("FLUENT__AUTH__TOKEN_ALGORITHM", "EdDSA")];

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_rotated_and_revoked_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["keys", "rotate"], &EDDSA).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("there are no keys"), "{error}");

    let server = ServerProcess::start(dir.path(), &EDDSA).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let list = async || {
        let output = run(dir.path(), &["keys", "list", "--json"], &EDDSA).await;
        let keys: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        keys.into_iter().filter(|key| key["alg"] == "EdDSA").collect::<Vec<_>>()
    };
    let before = list().await;
    let states = |keys: &[Value]| keys.iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(states(&before), ["current", "next"]);

    assert!(run(dir.path(), &["keys", "rotate"], &EDDSA).await.status.success());
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    let was_loaded = async || server.log().contains("the keys of access tokens have changed").then_some(());
    eventually("the keys are loaded", was_loaded).await;
    let after = list().await;
    assert_eq!(states(&after), ["previous", "current", "next"]);
    assert_eq!(after[1]["kid"], before[1]["kid"]);
    assert!(after[0]["accepted_until"].is_string() && after[1].get("accepted_until").is_none());
    alice.http.get("/users/me").await.ok();

    let first = before[0]["kid"].as_str().unwrap();
    assert!(run(dir.path(), &["keys", "revoke", first], &EDDSA).await.status.success());
    let is_refused = async || (alice.http.get("/users/me").await.status == 401).then_some(());
    eventually("it notices by itself", is_refused).await;
    assert_eq!(states(&list().await), ["current", "next"]);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn with_a_secret_keys_are_not_rotated_by_command() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let output = run(dir.path(), &["keys", "rotate"], &[]).await;
    assert!(String::from_utf8(output.stderr).unwrap().contains("HS256"));
    let output = run(dir.path(), &["keys", "list"], &[]).await;
    let listed = String::from_utf8(output.stdout).unwrap();
    let columns: Vec<&str> = listed.trim_end().split('\t').collect();
    assert_eq!(columns[1..], ["HS256", "current", "-"], "{listed}");
    let output = run(dir.path(), &["keys", "revoke", columns[0]], &[]).await;
    assert!(String::from_utf8(output.stderr).unwrap().contains("secret.key"));
    assert!(server.stop().await.success());
}

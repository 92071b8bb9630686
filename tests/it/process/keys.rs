//! The `keys` commands, beside a server that runs.

use fluent_backend::testing::TestClient;
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
    let after = list().await;
    assert_eq!(states(&after), ["previous", "current", "next"]);
    assert_eq!(after[1]["kid"], before[1]["kid"]);
    assert!(after[0]["accepted_until"].is_string() && after[1].get("accepted_until").is_none());
    alice.http.get("/users/me").await.ok();

    let first = before[0]["kid"].as_str().unwrap();
    let output = run(dir.path(), &["keys", "revoke", first], &EDDSA).await;
    assert!(output.status.success(), "{first}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(alice.http.get("/users/me").await.status, 401, "at once");
    assert_eq!(states(&list().await), ["current", "next"]);
    assert!(server.stop().await.success());

    // Without a server, too; each change is in the audit log.
    let present = list().await[0]["kid"].clone();
    let output = run(dir.path(), &["keys", "revoke", present.as_str().unwrap()], &EDDSA).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = run(dir.path(), &["keys", "revoke", "nothing"], &EDDSA).await;
    assert!(String::from_utf8(output.stderr).unwrap().contains("there is no key nothing"));
    let exported = run(dir.path(), &["admin", "audit", "export"], &EDDSA).await.stdout;
    let entries = String::from_utf8(exported).unwrap();
    let entries: Vec<Value> = entries.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_keys = entries.iter().filter(|entry| entry["event"].as_str().unwrap().starts_with("key_"));
    let of_keys: Vec<_> = of_keys.map(|entry| (&entry["event"], &entry["detail"]["kid"])).collect();
    let (rotated, revoked) = (Value::from("key_rotated"), Value::from("key_revoked"));
    assert_eq!(of_keys, [(&rotated, &before[1]["kid"]), (&revoked, &before[0]["kid"]), (&revoked, &present)]);
}

/// A key that others may have must not stay because the database is away.
#[tokio::test]
async fn keys_are_changed_while_the_store_is_not_reached_and_it_is_said_that_nothing_was_noted() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &EDDSA).await;
    assert!(server.stop().await.success());
    let away = [EDDSA[0], ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")];
    let output = run(dir.path(), &["keys", "rotate"], &away).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("not in the audit log"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("signs now"));
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

//! `backup` while a server writes, and `restore`.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fluent_backend::testing::{TestClient, eventually};
use serde_json::Value;
use tokio::process::Command;

use crate::support::binary::{ServerProcess, run};
use crate::support::postgres::Postgres;
use crate::support::v1::{integer, send_frame};

/// Runs a command that must succeed; what it says.
async fn done(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args, &[]).await;
    assert!(output.status.success(), "{args:?} {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must be refused in one line, which is answered.
async fn refused(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args, &[]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{args:?} {error}");
    error
}

/// Writes notes to oneself until the server is gone; the numbers of those that were acknowledged.
fn keep_writing(client: TestClient) -> Arc<Mutex<Vec<u64>>> {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let shared = acknowledged.clone();
    tokio::spawn(async move {
        let mut device = client.device("writer", None).await;
        device.expect("live").await;
        for number in 0.. {
            let text = format!("note-{number}");
            device.send_message(client.id, &text, &text, &text).await;
            // What other devices send comes in between.
            loop {
                let Some(Ok(frame)) = device.socket.next().await else { return };
                let frame: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap_or_default();
                if frame["type"] == "stored" {
                    break;
                }
            }
            shared.lock().unwrap().push(number);
        }
    });
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_is_in_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let acknowledged = keep_writing(alice.clone());
    let count = || acknowledged.lock().unwrap().len();
    eventually("some notes", async || (count() > 50).then_some(())).await;
    let before = count();
    let told = done(dir.path(), &["backup", "--to", "a backup.db"]).await;
    // The writer was not stopped by it.
    let then = count();
    eventually("more notes", async || (count() > then + 20).then_some(())).await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let cursor = {
        let (mut device, _) = alice.live_device("reader", None).await;
        device.send(&send_frame(bob.id, "after the backup")).await;
        let (_, stored) = device.read_until("stored").await;
        device.cursor(integer(&stored, "seq"))
    };
    server.kill().await;

    let backup = dir.path().join("a backup.db");
    assert_eq!(std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(told.contains("1 accounts") && told.contains(&cursor[..8]), "{told}");
    let bytes = std::fs::read(&backup).unwrap();
    let error = refused(dir.path(), &["backup", "--to", "a backup.db"]).await;
    assert!(error.contains("exists already"), "{error}");
    let error = refused(dir.path(), &["restore", "--from", "a backup.db"]).await;
    assert!(error.contains("--force"), "{error}");
    assert_eq!(std::fs::read(&backup).unwrap(), bytes);

    let told = done(dir.path(), &["restore", "--force", "--from", "a backup.db"]).await;
    let (restored, kept) = told.split_once('\n').unwrap();
    assert!(restored.contains("1 accounts") && !restored.contains(&cursor[..8]), "another epoch: {told}");
    assert_eq!(std::fs::read(&backup).unwrap(), bytes, "the backup stays as it is");
    let kept = kept.trim().rsplit_once(' ').unwrap().1;
    assert!(Path::new(kept).is_file() && kept.contains("fluent.db.before-"), "{kept}");

    let server = ServerProcess::start(dir.path(), &[]).await;
    let client = TestClient::log_in(server.http(), "alice", alice.id).await;
    let there: Vec<String> = client.history(alice.id).await.into_iter().map(|note| note.content).collect();
    let different: HashSet<&String> = there.iter().collect();
    assert_eq!(different.len(), there.len(), "something is there twice");
    for number in &acknowledged.lock().unwrap()[..before] {
        assert!(different.contains(&format!("note-{number}")), "note-{number} is lost");
    }
    let (_, told) = client.live_device("reader", Some(&cursor)).await;
    assert_eq!((told.len(), &told[0]["type"], &told[0]["reason"]), (1, &"reset".into(), &"epoch".into()));
    // Bob's account is lost with what came after the backup; its id is given to no other account.
    let carol = TestClient::sign_up(server.http(), "carol").await;
    assert!(carol.id > bob.id + 1000, "{} after {}", carol.id, bob.id);
    assert!(server.stop().await.success());

    // What was kept aside is the store of before, whole.
    done(dir.path(), &["restore", "--force", "--from", kept]).await;
    let server = ServerProcess::start(dir.path(), &[]).await;
    let client = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert!(client.history(alice.id).await.len() >= count());
    assert_eq!(client.history(bob.id).await.len(), 1);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn what_is_no_sound_backup_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut socket = alice.connect().await;
    for _ in 0..50 {
        socket.send_message(alice.id, &"r".repeat(500), &"s".repeat(500)).await;
        socket.next_message().await;
    }
    // Into a directory, by the time.
    std::fs::create_dir(file("backups")).unwrap();
    done(dir.path(), &["backup", "--to", "backups"]).await;
    assert!(server.stop().await.success());
    let made: Vec<_> = std::fs::read_dir(file("backups")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(made.len() == 1 && made[0].extension().is_some_and(|extension| extension == "db"), "{made:?}");
    let good = std::fs::read(&made[0]).unwrap();

    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 4096].fill(0xa5);
    std::fs::write(file("damaged.db"), damaged).unwrap();
    std::fs::write(file("short.db"), &good[..good.len() / 2]).unwrap();
    std::fs::write(file("text.db"), "no database at all".repeat(1000)).unwrap();
    std::fs::write(file("empty.db"), "").unwrap();
    std::fs::write(file("logged.db"), &good).unwrap();
    std::fs::write(file("logged.db-wal"), "x").unwrap();
    std::fs::write(file("newer.db"), &good).unwrap();
    let newer = sea_orm::Database::connect(format!("sqlite://{}", file("newer.db").display())).await.unwrap();
    let insert = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_from_the_future', 0)";
    sea_orm::ConnectionTrait::execute_unprepared(&newer, insert).await.unwrap();
    newer.close().await.unwrap();

    let place = std::fs::read(file("data/fluent.db")).unwrap();
    for (name, expected) in [
        ("damaged.db", "cannot be used"),
        ("short.db", "cannot be used"),
        ("text.db", "cannot be used"),
        ("empty.db", "cannot be used"),
        ("logged.db", "logged.db-wal belongs to the backup"),
        ("newer.db", "newer version"),
        ("missing.db", "there is no file"),
    ] {
        let error = refused(dir.path(), &["restore", "--force", "--from", name]).await;
        assert!(error.contains(expected), "{name}: {error}");
        assert!(std::fs::read(file("data/fluent.db")).unwrap() == place, "{name}: the store was touched");
    }
    // Into an empty place, on another machine.
    let other = tempfile::tempdir().unwrap();
    let told = done(other.path(), &["restore", "--from", made[0].to_str().unwrap()]).await;
    assert!(told.contains("1 accounts, 50 messages") && told.lines().count() == 1, "{told}");
    let left: Vec<_> = std::fs::read_dir(other.path().join("data")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the store and its lock: {left:?}");
    let url = [("DATABASE_URL", "postgres://u:hunter22@127.0.0.1:1/fluent")];
    for (args, expected) in [(&["backup", "--to", "x"][..], "pg_dump"), (&["restore", "--from", "x"], "pg_restore")] {
        let error = String::from_utf8(run(dir.path(), args, &url).await.stderr).unwrap();
        assert!(error.contains(expected) && !error.contains("hunter"), "{error}");
    }
}

/// The commands of the manual.
#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_by_its_own_tools() {
    let Some(postgres) = Postgres::start().await else { return };
    let (dir, url) = (tempfile::tempdir().unwrap(), postgres.url("fluent"));
    let variables = [("DATABASE_URL", url.as_str())];
    let tool = async |name: &str, args: &[&str]| {
        let output = Command::new(name).current_dir(dir.path()).args(args).output().await.unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let server = ServerProcess::start(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let (mut device, _) = alice.live_device("a", None).await;
    device.store(alice.id, "kept").await;
    tool("pg_dump", &["--format=custom", "--file=fluent.dump", &url]).await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let lost = device.store(alice.id, "lost").await;
    let cursor = device.cursor(integer(&lost, "seq"));
    drop(device);
    assert!(server.stop().await.success());

    let dbname = format!("--dbname={url}");
    tool("pg_restore", &["--clean", "--if-exists", &dbname, "fluent.dump"]).await;
    // The backup is of a moment ago, and says that the server runs.
    assert!(run(dir.path(), &["database", "new-epoch", "--force"], &variables).await.status.success());
    let server = ServerProcess::start(dir.path(), &variables).await;
    let client = TestClient::log_in(server.http(), "alice", alice.id).await;
    let (_, told) = client.live_device("a", Some(&cursor)).await;
    assert_eq!((told.len(), &told[0]["type"], &told[0]["reason"]), (1, &"reset".into(), &"epoch".into()));
    let there: Vec<String> = client.history(alice.id).await.into_iter().map(|note| note.content).collect();
    assert_eq!(there, ["s:kept"]);
    let carol = TestClient::sign_up(server.http(), "carol").await;
    assert!(carol.id > bob.id + 1000, "{} after {}", carol.id, bob.id);
    assert!(server.stop().await.success());
}

/// The server keeps hashes alone: a refresh token from after the backup is like any other that it never gave.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_refreshed_since_the_backup_gives_the_password_again_and_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let active = TestClient::sign_up(server.http(), "active").await;
    let away = TestClient::sign_up(server.http(), "away").await;
    done(dir.path(), &["backup", "--to", "backup.db"]).await;
    let refresh = async |server: &ServerProcess, token: &str| {
        server.http().post("/auth/refresh", &serde_json::json!({"refresh_token": token})).await
    };
    let newer: Value = refresh(&server, &active.tokens.refresh_token).await.ok().json();
    let newer = newer["refresh_token"].as_str().unwrap();
    let late = TestClient::sign_up(server.http(), "late").await;
    assert!(server.stop().await.success());
    done(dir.path(), &["restore", "--force", "--from", "backup.db"]).await;

    let server = ServerProcess::start(dir.path(), &[]).await;
    refresh(&server, &away.tokens.refresh_token).await.ok();
    for unknown in [newer, &late.tokens.refresh_token] {
        assert_eq!(refresh(&server, unknown).await.status, 401);
    }
    // An access token goes on for its few minutes, unless there is no such account.
    let status = async |client: &TestClient| {
        let http = server.http().with_authorization(format!("Bearer {}", client.tokens.access_token));
        http.get("/users/me").await.status.as_u16()
    };
    assert_eq!((status(&active).await, status(&late).await), (200, 401));
    TestClient::log_in(server.http(), "active", active.id).await;
    assert!(server.stop().await.success());
}

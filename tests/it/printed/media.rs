//! The command about files, as it is printed: at a running server, and at the store of a stopped one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fluent_backend::Config;
use fluent_backend::config::MediaStore;
use fluent_backend::testing::TestClient;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::commands::shell;
use super::markdown::block;
use crate::support::binary::{ServerProcess, run};

/// The test of the printed block.
pub(super) const TEST: &str = "files_and_rows_are_compared_as_it_is_printed";

/// The test of the printed settings.
pub(super) const SETTINGS_TEST: &str = "the_settings_for_a_bucket_are_taken";

#[test]
fn the_settings_for_a_bucket_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fluent.toml");
    // With what is left out there.
    let text = block("docs/operations/media.md", "[media]\nstore").replace("# endpoint", "endpoint");
    std::fs::write(&path, text).unwrap();
    let config = Config::load(Some(&path), HashMap::new()).unwrap();
    let s3 = &config.media.s3;
    assert_eq!((config.media.store, s3.bucket.as_str()), (MediaStore::S3, "fluent-files"));
    assert_eq!((s3.region.as_str(), s3.endpoint.as_str()), ("eu-central-1", "https://s3.example.org"));
}

/// Returns the whole files of a server.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.join("data/media")];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Runs the command with these arguments, and returns its exit code and what it has found.
async fn reconcile(dir: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(dir, &[&["media", "reconcile", "--json"], arguments].concat(), &[]).await;
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test]
async fn files_and_rows_are_compared_as_it_is_printed() {
    let printed = block("docs/operations/media.md", "fluent-backend media reconcile --dry-run");
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let kind: HeaderMap =
        [(http::header::CONTENT_TYPE, "application/octet-stream".parse().unwrap())].into_iter().collect();
    let mut ids = Vec::new();
    for content in ["one", "two"] {
        let answer = alice.http.send(Method::POST, "/media", kind.clone(), content.into()).await.ok();
        ids.push(answer.json::<Value>()["id"].as_str().unwrap().to_owned());
    }
    let shown = shell(dir.path(), &format!("set -e\n{printed}"), &[]).await;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("lost files: 0"), "{shown:?}");

    // A file without a row that is older than an hour, one that is newer, and what is not ours.
    let stray = |name: &str, age: Duration| {
        let path = dir.path().join("data/media/up").join(name);
        std::fs::write(&path, "12345").unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - age).unwrap();
        path
    };
    let old = stray(&"a".repeat(32), Duration::from_mins(62));
    let (new, other) = (stray(&"b".repeat(32), Duration::ZERO), stray("notes", Duration::from_mins(150)));
    let lost = files(dir.path()).into_iter().find(|path| std::fs::read(path).unwrap() == b"one").unwrap();
    let kept = dir.path().join("kept");
    std::fs::rename(&lost, &kept).unwrap();

    let found = json!({"found": 1, "removed": 0, "bytes": 5});
    let expected = json!({"dry_run": true, "orphans": found, "lost": [ids[0]]});
    assert_eq!(reconcile(dir.path(), &["--dry-run"]).await, (Some(1), expected));
    assert!(old.exists());
    let by_admin = run(dir.path(), &["admin", "media", "reconcile", "--dry-run"], &[]).await;
    assert_eq!(by_admin.status.code(), Some(1), "files are lost: {by_admin:?}");
    let expected = json!({"dry_run": false, "orphans": {"found": 1, "removed": 1, "bytes": 5}, "lost": [ids[0]]});
    assert_eq!(reconcile(dir.path(), &[]).await, (Some(1), expected));
    assert!(!old.exists() && new.exists() && other.exists());
    assert_eq!(alice.http.get(&format!("/media/{}", ids[0])).await.status, 404);
    assert_eq!(alice.http.get(&format!("/media/{}", ids[1])).await.ok().text(), "two");
    server.stop().await;

    // A lost file that is back is well again.
    std::fs::rename(&kept, &lost).unwrap();
    let nothing = json!({"dry_run": false, "orphans": {"found": 0, "removed": 0, "bytes": 0}, "lost": []});
    assert_eq!(reconcile(dir.path(), &[]).await, (Some(0), nothing));
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(alice.http.get(&format!("/media/{}", ids[0])).await.ok().text(), "one");
    server.stop().await;
}

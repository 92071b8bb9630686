//! Files after `copy-db`: they stay where they are, and their rows go along.

use std::path::Path;

use fluent_backend::testing::TestClient;
use serde_json::{Value, json};

use super::{ask, offset, patch, random, upload};
use crate::support::binary::{ServerProcess, run};
use crate::support::postgres::database;
use crate::support::v1::{history, merged, send_frame};

/// Copies a database, and returns how many rows of these tables were copied.
async fn copied(dir: &Path, from: &str, to: &str, tables: [&str; 2]) -> [String; 2] {
    let output = run(dir, &["copy-db", "--from", from, "--to", to], &[]).await;
    assert!(output.status.success(), "{from} to {to}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    tables.map(|table| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(table));
        line.unwrap_or_else(|| panic!("no {table}: {text}")).to_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_and_uploads_go_on_after_the_database_was_copied_there_and_back() {
    let Some(postgres) = database().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let (alice, bob) =
        (TestClient::sign_up(server.http(), "alice").await, TestClient::sign_up(server.http(), "bob").await);
    let (photo, half, unclaimed) = (random(300_000), random(200_000), random(100));
    let (photo_path, unclaimed_path) = (upload(&alice.http, &photo).await, upload(&alice.http, &unclaimed).await);
    let half_path = super::create(&alice.http, half.len()).await;
    assert_eq!(patch(&alice.http, &half_path, 0, half.slice(..150_000)).await.status, 204);
    let id = photo_path.rsplit('/').next().unwrap();
    let message = merged(&send_frame(bob.id, "a photo"), json!({"attachment_ids": [id]}));
    alice.http.post("/chat/messages", &message).await.ok();
    let shown = history(&bob, alice.id).await;
    assert_eq!(shown[0]["attachments"][0]["id"], id, "{shown:?}");
    assert!(server.stop().await.success());

    let file = |name: &str| format!("sqlite://{}", dir.path().join(name).display());
    let (first, last) = (file("data/fluent.db"), file("data/back.db"));
    for (from, to) in [(first.as_str(), postgres.url()), (postgres.url(), last.as_str())] {
        let [files, references] = copied(dir.path(), from, to, ["media", "media_refs"]).await;
        assert!(files.contains(" 3 rows") && references.contains(" 1 row"), "{files} {references}");
        let variables = [("DATABASE_URL", to)];
        let output = run(dir.path(), &["media", "reconcile", "--dry-run", "--json"], &variables).await;
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&found["orphans"]["found"], &found["lost"]), (&json!(0), &json!([])), "{found}");

        let server = ServerProcess::start(dir.path(), &variables).await;
        let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
        let bob = TestClient::log_in(server.http(), "bob", bob.id).await;
        assert_eq!(history(&bob, alice.id).await, shown);
        for (reader, path, content, status) in [
            (&bob, &photo_path, &photo, 200),
            (&alice, &unclaimed_path, &unclaimed, 200),
            (&bob, &unclaimed_path, &unclaimed, 404),
        ] {
            let answer = ask(&reader.http, "GET", path, &[], "").await;
            assert_eq!(answer.status, status, "{path}");
            assert!(status == 404 || answer.body == *content, "equal bytes");
        }
        assert_eq!(offset(&alice.http, &half_path).await, 150_000);
        if to == last {
            assert_eq!(patch(&alice.http, &half_path, 150_000, half.slice(150_000..)).await.status, 204);
            assert!(ask(&alice.http, "GET", &half_path, &[], "").await.body == half, "equal bytes");
        }
        assert!(server.stop().await.success());
    }
}

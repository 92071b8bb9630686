//! The files of a SQLite store are removed or replaced while a server runs: it confirms nothing more, and says so.

use std::path::{Path, PathBuf};

use fluent_backend::testing::{TestClient, TestDevice, eventually, send_frame};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run};
use crate::support::v1::{history, live};

const PARTS: [&str; 3] = ["fluent.db", "fluent.db-wal", "fluent.db-shm"];
const TOLD: &str = "cannot write to the database";

/// A server with one user, one device and one message on the disk.
struct Place {
    dir: tempfile::TempDir,
    server: ServerProcess,
    alice: TestClient,
    device: TestDevice,
}

impl Place {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = ServerProcess::start(dir.path(), &[]).await;
        let alice = TestClient::sign_up(server.http(), "alice").await;
        let mut device = live(&alice, "a").await;
        assert_eq!(device.ask(&send_frame(alice.id, "before")).await["type"], "stored");
        Self { dir, server, alice, device }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// Within seconds readiness says so without any traffic, one line does, and nothing is confirmed, by whatever way.
    async fn is_refused(&mut self) {
        let told = async || (self.server.log().contains(TOLD)).then_some(());
        eventually("it is told", told).await;
        let ready = self.server.http().get("/readyz").await;
        let checks: Value = ready.json();
        assert_eq!((ready.status.as_u16(), &checks["database"]), (503, &json!(false)), "{checks}");
        for number in 0..5 {
            let answer = self.device.ask(&send_frame(self.alice.id, &format!("lost-{number}"))).await;
            assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("unavailable")), "{answer}");
        }
        let rest = self.alice.http.post("/chat/messages", &send_frame(self.alice.id, "lost")).await;
        assert_eq!(rest.problem(), (503, "unavailable".to_owned()));
        let login = json!({"username": "alice", "password": TestClient::PASSWORD});
        let registration = json!({
            "username": "bob", "email": "bob@example.org", "password": TestClient::PASSWORD, "public_key": "QUJD",
        });
        for (path, body) in [("/auth/login", login), ("/auth/register", registration)] {
            let answer = self.server.http().post(path, &body).await;
            assert_eq!(answer.status.as_u16(), 503, "{path}: {}", answer.text());
        }
        let log = self.server.log();
        assert_eq!(log.matches(TOLD).count(), 1, "{log}");
        assert!(log.contains("fluent.db") && !log.contains("panicked"), "{log}");
    }

    /// The contents of Alice's notes after a restart, newest first.
    async fn after_a_kill(self) -> Vec<Value> {
        self.server.kill().await;
        let server = ServerProcess::start(self.dir.path(), &[]).await;
        let alice = TestClient::log_in(server.http(), "alice", self.alice.id).await;
        let found = history(&alice, alice.id).await;
        assert!(server.stop().await.success());
        found.into_iter().map(|message| message["content"].clone()).collect()
    }
}

fn remove(place: &Place, parts: &[&str]) {
    for part in parts {
        std::fs::remove_file(place.file(part)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_store_confirms_nothing() {
    let mut place = Place::new().await;
    remove(&place, &PARTS);
    place.is_refused().await;
    place.server.kill().await;
    let server = ServerProcess::start(place.dir.path(), &[]).await;
    assert_eq!(server.http().get("/readyz").await.status, 200);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_directory_is_removed_confirms_nothing() {
    let mut place = Place::new().await;
    std::fs::remove_dir_all(place.data()).unwrap();
    place.is_refused().await;
    place.server.stop().await;
}

/// What was confirmed until the log was removed is saved into the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_log_confirms_nothing_more_and_loses_nothing() {
    let mut place = Place::new().await;
    remove(&place, &["fluent.db-wal"]);
    place.is_refused().await;
    assert_eq!(place.after_a_kill().await, [json!("s:before")]);
}

/// A backup is put in the place by hand, as another file or with its bytes in the same file. After a restart it is what
/// the backup holds, whole: the log of the store that was there before is not played into it.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_replaced_confirms_nothing_and_is_what_was_put_there() {
    for in_place in [false, true] {
        let mut place = Place::new().await;
        let output = run(place.dir.path(), &["backup", "--to", "backup.db"], &[]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let backup = place.dir.path().join("backup.db");
        for number in 0..20 {
            assert_eq!(place.device.ask(&send_frame(place.alice.id, &number.to_string())).await["type"], "stored");
        }
        if in_place {
            overwrite(&backup, &place.file("fluent.db"));
        } else {
            std::fs::rename(&backup, place.file("fluent.db")).unwrap();
        }
        place.is_refused().await;
        assert_eq!(place.after_a_kill().await, [json!("s:before")], "in place: {in_place}");
    }
}

/// As `cp` does it.
fn overwrite(from: &Path, to: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let before = std::fs::metadata(to).unwrap().ino();
    std::fs::copy(from, to).unwrap();
    assert_eq!(std::fs::metadata(to).unwrap().ino(), before);
}

/// Moved away and back, the store is itself again: the server goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_comes_back_is_used_again() {
    let mut place = Place::new().await;
    let aside = place.dir.path().join("aside");
    std::fs::rename(place.data(), &aside).unwrap();
    place.is_refused().await;
    std::fs::rename(&aside, place.data()).unwrap();
    let ready = async || (place.server.http().get("/readyz").await.status == 200).then_some(());
    eventually("it is ready again", ready).await;
    assert_eq!(place.server.log().matches("the database works again").count(), 1);
    assert_eq!(place.device.ask(&send_frame(place.alice.id, "after")).await["type"], "stored");
    assert_eq!(place.after_a_kill().await, [json!("s:after"), json!("s:before")]);
}

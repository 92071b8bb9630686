//! The end of SQLite's write-ahead log is damaged, as by a disk that had not written what it said it had.

use std::path::Path;

use fluent_backend::testing::TestClient;
use rand::RngExt as _;

use super::readiness;
use crate::support::binary::ServerProcess;
use crate::support::v1::{history, live};

/// The sizes of the log's head and of the head of each page in it.
const LOG_HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;

fn length(log: &Path) -> u64 {
    std::fs::metadata(log).unwrap().len()
}

/// Damages everything from `at` on.
fn damage(log: &Path, at: u64, cuts: bool) {
    let mut bytes = std::fs::read(log).unwrap();
    let at = usize::try_from(at).unwrap();
    if cuts {
        bytes.truncate(at);
    } else {
        for byte in &mut bytes[at..] {
            *byte = !*byte;
        }
    }
    std::fs::write(log, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_before_the_damage_is_there() {
    for cuts in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("data/fluent.db-wal");
        let server = ServerProcess::start(dir.path(), &[]).await;
        let alice = TestClient::sign_up(server.http(), "alice").await;
        let mut device = live(&alice, "a").await;
        let mut stored = Vec::new();
        let first = length(&log);
        for number in 0..40 {
            let id = device.store(alice.id, &number.to_string()).await["id"].clone();
            stored.push((id, length(&log)));
        }
        let last = length(&log);
        assert!(stored.is_sorted_by(|x, y| x.1 < y.1), "the log only grows: {stored:?}");
        server.kill().await;
        let at = rand::rng().random_range(first + LOG_HEAD + FRAME_HEAD..last - 1);
        damage(&log, at, cuts);

        let server = ServerProcess::start(dir.path(), &[]).await;
        readiness(&server, 200).await;
        let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
        let mut found: Vec<_> = history(&alice, alice.id).await.iter().map(|message| message["id"].clone()).collect();
        found.reverse();
        let whole = stored.iter().filter(|(_, end)| *end <= at).count();
        let expected: Vec<_> = stored.iter().take(whole).map(|(id, _)| id.clone()).collect();
        assert_eq!(found, expected, "damaged at {at} of {last}");
        // It works as before, with numbers that go on.
        live(&alice, "b").await.store(alice.id, "afterwards").await;
        assert_eq!(history(&alice, alice.id).await.len(), whole + 1);
        assert!(server.stop().await.success());
    }
}

//! Disks that take no more writes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fluent_backend::testing::{MessageFrame, TestClient, TestSocket};

use super::load::Load;
use super::{MAX_GROWTH_KIB, assert_recovered, readiness};
use crate::support::binary::ServerProcess;
use crate::support::small_disk::SmallDisk;
use crate::support::v1::{history, live};

/// The write-ahead log can grow no more: all senders are told so, and it goes on by itself when there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_system_is_told_and_survived() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::at(&dir.path().join("data"), 64);
    survives_being_full(dir.path(), &disk).await;
}

/// The same where no file system may be mounted, which is so in many containers.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_may_not_grow_are_told_and_survived() {
    let dir = tempfile::tempdir().unwrap();
    survives_being_full(dir.path(), &SmallDisk::Limited).await;
}

async fn survives_being_full(dir: &Path, disk: &SmallDisk) {
    const ROUNDS: usize = 2;
    let server = disk.serve(dir, 0).await;
    let load = Load::start(&server, 6).await;
    for _ in 0..ROUNDS {
        load.exchange(200).await;
        let before = server.own_kib();
        disk.fill(&server);
        load.refused().await;
        readiness(&server, 503).await;
        assert!(server.own_kib() < before + MAX_GROWTH_KIB, "{} KiB, {before} before", server.own_kib());
        disk.clear(&server);
        readiness(&server, 200).await;
    }
    assert_recovered(&server, load, 100).await;
    assert!(server.stop().await.success());
}

/// The disk is full for a while: nothing that was echoed is lost then or later, and the server says so and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_survived() {
    const DISK_KIB: u32 = 1500;
    /// Ten times as many as fit into the database and its log.
    const MAX_TAKEN: usize = 750;
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_with_full_disk(dir.path(), DISK_KIB).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut socket = alice.connect().await;
    let mut echoed = Vec::new();
    let mut send = async |socket: &mut TestSocket| -> bool {
        let text = format!("{}{}", rand::random::<u64>(), "x".repeat(40_000));
        socket.send_message(alice.id, "r", &text).await;
        let answer = socket.next_text().await;
        let stored = serde_json::from_str::<MessageFrame>(&answer);
        assert!(stored.is_ok() || answer.contains("\"unavailable\""), "{answer}");
        echoed.extend(stored.ok());
        answer.contains("sender_id")
    };
    let mut taken = 0;
    while send(&mut socket).await {
        taken += 1;
        assert!(taken < MAX_TAKEN, "{taken} messages of 40,000 bytes were taken by a disk of {DISK_KIB} KiB");
    }
    readiness(&server, 503).await;
    // Several failures in a row, as a client that tries again causes them.
    for _ in 0..5 {
        assert!(!send(&mut socket).await);
    }
    server.lift_limit();
    readiness(&server, 200).await;
    for _ in 0..20 {
        assert!(send(&mut socket).await);
    }
    let log = server.log();
    assert_eq!(log.matches("cannot write to the database").count(), 1, "{log}");
    assert!(server.stop().await.success());

    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    let mut history = alice.history(alice.id).await;
    history.reverse();
    history.retain(|message| echoed.contains(message));
    assert!(history == echoed, "{} of {} echoed messages are there", history.len(), echoed.len());
    server.stop().await;
}

/// A database that may not be written is refused at the start, in one line, and left as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("data/fluent.db");
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    live(&alice, "a").await.store(alice.id, "kept").await;
    assert!(server.stop().await.success());
    let allow = |mode| std::fs::set_permissions(&database, std::fs::Permissions::from_mode(mode)).unwrap();
    let bytes = std::fs::read(&database).unwrap();
    allow(0o400);
    let output = ServerProcess::start_without_privilege(dir.path()).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("readonly") || error.contains("read-only"), "{error}");
    assert!(std::fs::read(&database).unwrap() == bytes, "the file has changed");
    allow(0o600);
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(history(&alice, alice.id).await.len(), 1);
    assert!(server.stop().await.success());
}

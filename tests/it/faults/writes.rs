//! Writes that fail, of senders and of the server itself: readiness shows it, and shows no more than what senders see.

use fluent_backend::testing::{MessageFrame, TestClient, TestSocket};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;

use super::readiness;
use crate::support::binary::ServerProcess;

/// Another program holds the database exclusively. No message is sent; a login fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_write_is_told_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    TestClient::sign_up(server.http(), "alice").await;
    let db = Database::connect(format!("sqlite://{}", dir.path().join("data/fluent.db").display())).await.unwrap();
    db.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let login = json!({"username": "alice", "password": TestClient::PASSWORD});
    let answer = server.http().post("/auth/login", &login).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert_eq!(server.http().get("/readyz").await.status, 503);
    db.execute_unprepared("ROLLBACK").await.unwrap();
    readiness(&server, 200).await;
    server.http().post("/auth/login", &login).await.ok();
    assert!(server.stop().await.success());
}

/// The disk has room for little writes, and for no message: it is as full as it is for those who send.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_a_little_room_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_with_full_disk(dir.path(), 1500).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut socket = alice.connect().await;
    let send = async |socket: &mut TestSocket| -> bool {
        socket.send_message(alice.id, "r", &"x".repeat(90_000)).await;
        let answer = socket.next_text().await;
        let stored = serde_json::from_str::<MessageFrame>(&answer).is_ok();
        assert!(stored || answer.contains("\"unavailable\""), "{answer}");
        stored
    };
    while send(&mut socket).await {}
    for attempt in 0..150 {
        // Read first: the janitor may empty the log at any moment, and then there is room.
        let works = server.log().contains("works again");
        let refuses = server.http().get("/readyz").await.status == 503;
        if send(&mut socket).await {
            break;
        }
        assert!(refuses && !works, "attempt {attempt}: {}", server.log());
    }
    server.lift_limit();
    readiness(&server, 200).await;
    assert!(send(&mut socket).await);
    assert_eq!(server.log().matches("the database works again").count(), 1, "{}", server.log());
    assert!(server.stop().await.success());
}

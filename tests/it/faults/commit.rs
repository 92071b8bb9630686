//! The connection is cut exactly at a `COMMIT`, so that its outcome is unknown.

use fluent_backend::testing::{CommitCut, DatabaseLink, TestClient, TestDevice, eventually, send_frame};
use serde_json::{Value, json};

use super::{link_to, readiness};
use crate::support::binary::ServerProcess;
use crate::support::postgres::Postgres;
use crate::support::v1::{history, live, merged, seq};

/// Nothing but messages is committed in batches: no other one gets into the trap.
const QUIET: (&str, &str) = ("FLUENT__MESSAGES__CLEAR_EVERY_MS", "3600000");

async fn start(dir: &tempfile::TempDir, link: &DatabaseLink) -> ServerProcess {
    ServerProcess::start(dir.path(), &[("DATABASE_URL", &link.url("fluent", "fluent")), QUIET]).await
}

/// Sends a frame into the trap: the sender must be told to try again.
async fn refused(device: &mut TestDevice, link: &DatabaseLink, place: CommitCut, frame: &Value) {
    let before = link.commits_cut();
    link.cut_next_commit(place);
    let error = device.ask(frame).await;
    let typed = (error["code"].as_str(), error["retryable"].as_bool(), error["retry_after_ms"].is_u64());
    assert_eq!(typed, (Some("unavailable"), Some(true), true), "{error}");
    assert_eq!((&error["client_id"], link.commits_cut()), (&frame["client_id"], before + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_its_answer_is_read_back_and_told_before_anything_newer() {
    const ROUNDS: usize = 3;
    let Some(postgres) = Postgres::start().await else { return };
    let (link, dir) = (link_to(&postgres).await, tempfile::tempdir().unwrap());
    let server = start(&dir, &link).await;
    let (alice, bob) =
        (TestClient::sign_up(server.http(), "alice").await, TestClient::sign_up(server.http(), "bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    // Another login, since one that has spoken fluent.v1 is no legacy one.
    let (old_alice, old_bob) = (
        TestClient::log_in(server.http(), "alice", alice.id).await,
        TestClient::log_in(server.http(), "bob", bob.id).await,
    );
    let (mut echo, mut old) = (old_alice.connect().await, old_bob.connect().await);
    for round in 0..ROUNDS {
        let lost = send_frame(bob.id, &format!("lost {round}"));
        refused(&mut a, &link, CommitCut::After, &lost).await;
        // Nothing is sent until then: the server tells by itself.
        let own = a.expect("message").await;
        let message = b.expect("message").await;
        assert_eq!((&own["client_id"], &own["id"]), (&lost["client_id"], &message["id"]), "{own} {message}");
        assert_eq!(message["content"], lost["receiver_encrypted"]);
        assert_eq!(json!(echo.next_message().await.content), lost["sender_encrypted"]);
        assert_eq!(json!(old.next_message().await.content), lost["receiver_encrypted"]);
        let again = a.ask(&lost).await;
        assert_eq!(
            (&again["type"], &again["duplicate"], &again["id"]),
            (&json!("stored"), &json!(true), &message["id"])
        );
        let next = a.store(bob.id, &format!("next {round}")).await;
        let told = b.expect("message").await;
        assert_eq!(told["id"], next["id"], "nothing comes twice");
        assert!(seq(&message) < seq(&next), "{message} {next}");
        echo.next_message().await;
        old.next_message().await;
    }
    assert_eq!(history(&bob, alice.id).await.len(), 2 * ROUNDS);
    readiness(&server, 200).await;
    super::assert_told(&server);
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_does_not_arrive_leaves_nothing() {
    let Some(postgres) = Postgres::start().await else { return };
    let (link, dir) = (link_to(&postgres).await, tempfile::tempdir().unwrap());
    let server = start(&dir, &link).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let lost = send_frame(bob.id, "lost");
    refused(&mut a, &link, CommitCut::Before, &lost).await;
    readiness(&server, 200).await;
    let stored = a.ask(&lost).await;
    assert_eq!((&stored["type"], &stored["duplicate"]), (&json!("stored"), &json!(false)), "{stored}");
    assert_eq!(b.expect("message").await["id"], stored["id"]);
    assert_eq!(history(&bob, alice.id).await.len(), 1);
    super::assert_told(&server);
    assert!(server.stop().await.success());
}

/// Without a socket: 503, and the same request again finds what was stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_answer_can_be_repeated() {
    let Some(postgres) = Postgres::start().await else { return };
    let (link, dir) = (link_to(&postgres).await, tempfile::tempdir().unwrap());
    let server = start(&dir, &link).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let body = merged(&send_frame(alice.id, "a note"), json!({"type": null}));
    // The first request of a login is noted.
    alice.http.post("/chat/messages", &merged(&body, json!({"client_id": "first"}))).await.ok();
    link.cut_next_commit(CommitCut::After);
    let answer = alice.http.post("/chat/messages", &body).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    let retried = async || Some(alice.http.post("/chat/messages", &body).await).filter(|answer| answer.status != 503);
    let again = eventually("it works again", retried).await;
    assert_eq!((again.status.as_u16(), &again.json::<Value>()["duplicate"]), (200, &json!(true)));
    assert_eq!(history(&alice, alice.id).await.len(), 2);
    assert!(server.stop().await.success());
}

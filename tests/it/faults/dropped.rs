//! Requests that are dropped while the writer has their command: what follows from the commit happens all the same.

use fluent_backend::testing::TestClient;
use sea_orm::{ConnectionTrait as _, Database, TransactionTrait as _};
use serde_json::json;

use crate::support::binary::ServerProcess;

/// Another program writes, so that the commit comes after the request has taken its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_before_its_answer_loses_no_effect() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[("FLUENT__SERVER__REQUEST_TIMEOUT_S", "2")]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let other = TestClient::log_in(server.http(), "alice", alice.id).await;
    let db = Database::connect(format!("sqlite://{}", dir.path().join("data/fluent.db").display())).await.unwrap();
    for (user, path) in [(&alice, "/auth/logout"), (&other, "/auth/logout_all")] {
        let mut socket = user.connect().await;
        let works = async || user.http.get("/users/me").await.status == 200;
        let writing = db.begin().await.unwrap();
        writing.execute_unprepared("UPDATE store SET last_seq = last_seq").await.unwrap();
        assert_eq!(user.http.post(path, &json!({})).await.status, 503);
        assert!(works().await, "nothing is committed yet");
        writing.rollback().await.unwrap();
        assert_eq!(socket.closed().await, (4001, "logout".to_owned()));
        assert!(!works().await);
    }
    assert!(server.stop().await.success());
}

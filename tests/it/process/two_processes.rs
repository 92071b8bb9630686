//! Two processes on one SQLite file: the second one says so and goes.

use fluent_backend::testing::TestClient;

use crate::support::binary::{ServerProcess, run};

/// Commands that must not touch a database while a server uses it.
const WRITERS: [&[&str]; 5] =
    [&[], &["migrate", "up"], &["database", "new-epoch"], &["database", "compact"], &["restore", "--from", "x.db"]];

#[tokio::test]
async fn the_second_one_is_refused_by_whatever_path() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    std::os::unix::fs::symlink(dir.path().join("data"), dir.path().join("other")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("data/fluent.db"), dir.path().join("linked.db")).unwrap();
    let absolute = format!("sqlite://{}", dir.path().join("data/../data/fluent.db").display());
    let urls = ["", "sqlite://data/fluent.db", "sqlite://other/fluent.db", "sqlite://linked.db", &absolute];
    for url in urls {
        for args in WRITERS {
            let free = [("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0")];
            let variables: Vec<(&str, &str)> = free.into_iter().chain([("DATABASE_URL", url)]).collect();
            let output = run(dir.path(), args, &variables).await;
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{url} {args:?}: {error}");
            assert!(error.contains(&format!("in use by another fluent-backend (process {})", server.pid())), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
    // The first one has noticed nothing, and the lock ends with it, however it ends.
    let mut socket = alice.connect().await;
    socket.send_message(alice.id, "r", "s").await;
    assert_eq!(socket.next_message().await.content, "s");
    server.kill().await;
    for args in [&["database", "compact"][..], &["migrate", "up"]] {
        assert!(run(dir.path(), args, &[]).await.status.success());
    }
    let server = ServerProcess::start(dir.path(), &[("DATABASE_URL", "sqlite://linked.db")]).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(alice.history(alice.id).await.len(), 1);
    assert!(server.stop().await.success());
}

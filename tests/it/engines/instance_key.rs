//! The instance key belongs to the database: a server with another one does not start.

use fluent_backend::testing::{TestClient, TestServer};
use fluent_backend::{Config, Server, ServerError};

use super::two_servers::server_on;
use crate::support::binary::{ServerProcess, run};
use crate::support::postgres::database;

/// Starts a server in process, which must be refused, and returns why.
async fn refused(config: Config) -> String {
    let Err(error) = Box::pin(Server::start(config)).await else { panic!("it has started") };
    assert!(matches!(error, ServerError::Storage(_)), "{error:?}");
    let error = error.to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

/// A backup is restored on another machine: with the key it starts, without it one line says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_its_key_does_not_start_until_that_is_said_to_be_lost() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    TestClient::sign_up(server.http(), "alice").await;
    assert!(server.stop().await.success());
    let key = std::fs::read(dir.path().join("data/keys/instance.key")).unwrap();
    assert_eq!(run(dir.path(), &["backup", "--to", "backup.db"], &[]).await.status.code(), Some(0));

    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("backup.db"), elsewhere.path().join("backup.db")).unwrap();
    assert!(run(elsewhere.path(), &["restore", "--from", "backup.db"], &[]).await.status.success());
    let output = run(elsewhere.path(), &[], &[("FLUENT__SERVER__LISTEN", "127.0.0.1:0")]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("another instance key") && error.contains("forget-instance-key"), "{error}");

    let file = elsewhere.path().join("data/keys/instance.key");
    let new = std::fs::read(&file).unwrap();
    std::fs::write(&file, key).unwrap();
    assert!(ServerProcess::start(elsewhere.path(), &[]).await.stop().await.success());

    std::fs::write(&file, new).unwrap();
    let output = run(elsewhere.path(), &["database", "forget-instance-key"], &[]).await;
    assert!(String::from_utf8(output.stdout).unwrap().contains("forgotten"));
    let server = ServerProcess::start(elsewhere.path(), &[]).await;
    TestClient::log_in(server.http(), "alice", 1).await;
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_on_one_database_must_share_the_key() {
    let Some(database) = database().await else { return };
    let clock = fluent_backend::clock::Clock::system();
    let one = server_on(database.url(), &clock, |_| {}).await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = TestServer::config();
    config.server.data_dir = dir.path().join("data");
    config.database.url = database.url().into();
    config.auth.secret_key = super::two_servers::SECRET.into();
    assert!(refused(config.clone()).await.contains("another instance key"));
    let shared = one.data_dir().join("keys/instance.key");
    config.auth.instance_key_file = shared.display().to_string();
    Box::pin(Server::start(config)).await.unwrap().drain().await.unwrap();
    one.stop().await;
}

/// Of servers that start on a new database at the same moment, all with another key, one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn of_servers_that_start_at_once_with_different_keys_one_remains() {
    let Some(database) = database().await else { return };
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let starting = dirs.iter().map(|dir| {
        let mut config = TestServer::config();
        config.server.data_dir = dir.path().join("data");
        config.database.url = database.url().into();
        config.auth.secret_key = super::two_servers::SECRET.into();
        Box::pin(Server::start(config))
    });
    let (started, refused): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(starting).await.into_iter().partition(Result::is_ok);
    assert_eq!((started.len(), refused.len()), (1, 2));
    for server in started {
        server.unwrap().drain().await.unwrap();
    }
}

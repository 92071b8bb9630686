//! What servers on one PostgreSQL know of each other, and which of them may run.

use fluent_backend::domain::Seq;
use fluent_backend::protocol::record::{FIRST_LEVEL, LEVEL, decode, encode};
use fluent_backend::testing::{Http, TestClient, TestDatabase, TestServer, eventually, share_instance_key};
use fluent_backend::{Config, Server, ServerError};
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, Statement};
use serde_json::Value;

use super::two_servers::SECRET;
use crate::support::binary::run;
use crate::support::postgres::database;

const OTHER: &str = "another secret that is long enough, too";

fn config(database: &TestDatabase, label: &str, secret: &str, former: &[&str]) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = TestServer::config();
    config.server.data_dir = dir.path().join("data");
    share_instance_key(&config.server.data_dir);
    config.database.url = database.url().into();
    label.clone_into(&mut config.cluster.node);
    config.auth.secret_key = secret.into();
    config.auth.previous_secret_keys = former.iter().map(|secret| (*secret).into()).collect();
    (dir, config)
}

async fn start(database: &TestDatabase, label: &str, secret: &str, former: &[&str]) -> Result<Server, ServerError> {
    let (_dir, config) = config(database, label, secret, former);
    Server::start(config).await
}

async fn refused(database: &TestDatabase, secret: &str, former: &[&str]) -> String {
    let Err(error) = start(database, "refused", secret, former).await else { panic!("it has started") };
    let error = error.to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

async fn nodes(server: &Server) -> Vec<Value> {
    let answer: Value = Http::new(server.admin_addr()).get("/admin/cluster").await.ok().json();
    answer["nodes"].as_array().unwrap().clone()
}

async fn count(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn execute(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_is_listed_until_it_stops() {
    let Some(database) = database().await else { return };
    let one = start(&database, "one", SECRET, &[]).await.unwrap();
    let two = start(&database, "two", SECRET, &[]).await.unwrap();
    let listed = nodes(&one).await;
    assert_eq!(listed.iter().map(|node| node["label"].as_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(listed.iter().map(|node| node["self"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false]);
    assert!(listed.iter().all(|node| node["level"] == LEVEL && node["version"] == env!("CARGO_PKG_VERSION")));
    two.drain().await.unwrap();
    assert_eq!(nodes(&one).await.len(), 1);
    one.drain().await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    assert_eq!(count(&db, "SELECT COUNT(*) FROM nodes").await, 0);
    db.close().await.unwrap();
}

/// The secret is rolled out as a previous one first, then as the signing one; no server is refused on the way.
#[tokio::test(flavor = "multi_thread")]
async fn servers_must_share_a_secret() {
    let Some(database) = database().await else { return };
    let one = start(&database, "one", SECRET, &[]).await.unwrap();
    let error = refused(&database, OTHER, &[]).await;
    assert!(error.contains("another secret") && !error.contains(OTHER), "{error}");
    let two = start(&database, "two", SECRET, &[OTHER]).await.unwrap();
    let three = start(&database, "three", OTHER, &[SECRET]).await.unwrap();
    let four = start(&database, "four", SECRET, &[OTHER]).await.unwrap();
    let five = start(&database, "five", OTHER, &[SECRET]).await.unwrap();
    assert!(refused(&database, SECRET, &[]).await.contains("another secret"));
    for server in [one, two, three, four, five] {
        server.drain().await.unwrap();
    }
    // It is lost: that must be said.
    assert!(refused(&database, SECRET, &[]).await.contains("forget-secret"));
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["database", "forget-secret"], &[("DATABASE_URL", database.url())]).await;
    assert!(output.status.success(), "{output:?}");
    start(&database, "six", SECRET, &[]).await.unwrap().drain().await.unwrap();
}

/// A server that was killed may have been cut off only from the database.
#[tokio::test(flavor = "multi_thread")]
async fn maintenance_waits_for_servers_that_were_seen_a_moment_ago() {
    let Some(database) = database().await else { return };
    start(&database, "one", SECRET, &[]).await.unwrap().drain().await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    execute(
        &db,
        "INSERT INTO nodes (boot, label, version, level, told, sockets, seen_at) \
         VALUES (7, 'cut-off', '0.0.0', 1, 0, 0, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + 60000000)",
    )
    .await;
    let dir = tempfile::tempdir().unwrap();
    let copy = ["copy-db", "--from", database.url(), "--to", "sqlite://copy.db"];
    for args in [&["database", "new-epoch"][..], &copy] {
        let output = run(dir.path(), args, &[("DATABASE_URL", database.url())]).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains("cut-off") && error.contains("--force"), "{error}");
    }
    let output = run(dir.path(), &["database", "new-epoch", "--force"], &[("DATABASE_URL", database.url())]).await;
    assert!(output.status.success(), "{output:?}");
    // It is of an older version, and nothing that it needs is taken away.
    let contract = async || run(dir.path(), &["migrate", "contract"], &[("DATABASE_URL", database.url())]).await;
    let error = String::from_utf8(contract().await.stderr).unwrap();
    assert!(error.contains("cut-off still runs version 0.0.0"), "{error}");
    execute(&db, "DELETE FROM nodes").await;
    let said = String::from_utf8(contract().await.stdout).unwrap();
    assert!(said.contains("nothing to remove"), "{said}");
    db.close().await.unwrap();
}

/// A newer server may have added something; only what it says of versions and levels keeps this one away.
#[tokio::test(flavor = "multi_thread")]
async fn neighbouring_versions_run_beside_each_other() {
    let Some(database) = database().await else { return };
    start(&database, "one", SECRET, &[]).await.unwrap().drain().await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    execute(&db, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_from_the_future', 0)").await;
    start(&database, "one", SECRET, &[]).await.unwrap().drain().await.unwrap();
    execute(&db, "UPDATE cluster SET min_version = '999.0.0'").await;
    assert!(refused(&database, SECRET, &[]).await.contains("999.0.0 or newer"));
    execute(&db, "UPDATE cluster SET min_version = '0.0.0', level = 1000").await;
    assert!(refused(&database, SECRET, &[]).await.contains("level 1000"));
    assert_eq!(count(&db, "SELECT COUNT(*) FROM nodes").await, 0);
    db.close().await.unwrap();
}

/// Returns whether the newest record with a message in it is compact, as a server of the first level cannot read it.
async fn is_compact(db: &DatabaseConnection) -> bool {
    let sql = "SELECT first, last, record FROM batches ORDER BY first DESC LIMIT 1";
    let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
    let at = |i| Seq(row.try_get_by_index::<i64>(i).unwrap());
    let bytes: Vec<u8> = row.try_get_by_index(2).unwrap();
    let record = decode(at(0), at(1), &bytes).unwrap();
    assert!(!record.events.is_empty());
    let [first, own] = [FIRST_LEVEL, LEVEL].map(|level| encode(&record, level));
    assert_ne!(first, own);
    assert!(bytes == first || bytes == own);
    bytes == own
}

/// What a lower server cannot read is written only when none is live, and at once by one that is alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_level_is_raised_once_no_live_server_is_below_it() {
    let Some(database) = database().await else { return };
    start(&database, "one", SECRET, &[]).await.unwrap().drain().await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    let lower = "INSERT INTO nodes (boot, label, version, level, told, sockets, seen_at) \
         VALUES (7, 'lower', '0.0.0', 1, 0, 0, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + 60000000)";
    execute(&db, &format!("UPDATE cluster SET level = 1; {lower}")).await;
    let server = start(&database, "one", SECRET, &[]).await.unwrap();
    let told = async || (nodes(&server).await.len() == 2).then_some(());
    eventually("it knows of the lower one", told).await;
    let alice = TestClient::sign_up(Http::new(server.addr()), "alice").await;
    let mut socket = alice.connect().await;
    socket.send_message(alice.id, "first", "first").await;
    socket.next_message().await;
    assert!(!is_compact(&db).await);
    assert_eq!(count(&db, "SELECT level::bigint FROM cluster").await, 1);
    execute(&db, "DELETE FROM nodes WHERE boot = 7").await;
    let raised = async || (count(&db, "SELECT level::bigint FROM cluster").await == i64::from(LEVEL)).then_some(());
    eventually("the level is raised", raised).await;
    // It learns of it when it renews its row next, within two seconds.
    let mut tries = 0..10_000;
    while !is_compact(&db).await {
        assert!(tries.next().is_some(), "records are not compact");
        socket.send_message(alice.id, "next", "next").await;
        socket.next_message().await;
    }
    socket.close().await;
    server.drain().await.unwrap();
    let alone = start(&database, "alone", SECRET, &[]).await.unwrap();
    let alice = TestClient::log_in(Http::new(alone.addr()), "alice", alice.id).await;
    let mut socket = alice.connect().await;
    socket.send_message(alice.id, "last", "last").await;
    socket.next_message().await;
    assert!(is_compact(&db).await);
    socket.close().await;
    alone.drain().await.unwrap();
    db.close().await.unwrap();
}

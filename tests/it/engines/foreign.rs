//! Databases of other programs are not taken over: they are refused before a byte of them is written.

use std::collections::BTreeMap;
use std::path::Path;

use fluent_backend::testing::{TestClient, TestDatabase};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};

use crate::support::binary::{ServerProcess, run};
use crate::support::postgres;
use crate::support::v1::{history, live};

const FREE: [(&str, &str); 2] = [("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0")];

/// The database of the original server.
const SEED: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT NOT NULL, hashed_password TEXT); \
     CREATE TABLE messages (id INTEGER PRIMARY KEY, content TEXT); INSERT INTO users VALUES (1, 'alice', 'x')";
/// One of another program that uses the same library for its migrations.
const SISTER: &str = "CREATE TABLE seaql_migrations (version TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL); \
     INSERT INTO seaql_migrations VALUES ('m20220101_000001_create_table', 0); CREATE TABLE posts (id INTEGER)";
/// One that says whose it is.
const MARKED: &str = "PRAGMA application_id = 1196444487";

async fn make(path: &Path, sql: &str) {
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

/// Every file of a directory with its bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())).collect()
}

/// The one line with which a command is refused.
async fn refused(dir: &Path, args: &[&str], url: &str) -> String {
    let variables: Vec<_> = FREE.into_iter().chain([("DATABASE_URL", url)]).collect();
    let output = run(dir, args, &variables).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{args:?} {error}");
    error
}

/// All that opens a store.
const COMMANDS: [&[&str]; 6] = [
    &[],
    &["migrate", "up"],
    &["migrate", "status"],
    &["database", "new-epoch"],
    &["database", "compact"],
    &["copy-db", "--from", "sqlite://chat.db", "--to", "sqlite://new.db"],
];

#[tokio::test]
async fn a_sqlite_file_of_another_program_is_left_as_it_is() {
    for (sql, journal) in [(SEED, "DELETE"), (SEED, "WAL"), (SISTER, "DELETE"), (MARKED, "DELETE")] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        let secret = "01234567890123456789012345678901";
        std::fs::write(dir.path().join("data/secret.key"), secret).unwrap();
        make(&dir.path().join("chat.db"), &format!("PRAGMA journal_mode = {journal}; {sql}")).await;
        let before = files(dir.path());
        let restore: &[&str] = &["restore", "--force", "--from", "backup.db"];
        let backup: &[&str] = &["backup", "--to", "backup.db"];
        for args in COMMANDS.into_iter().chain([backup, restore]) {
            let error = refused(dir.path(), args, "sqlite://chat.db").await;
            assert!(error.contains("chat.db") && error.contains("another program"), "{args:?}: {error}");
            assert!(files(dir.path()) == before, "{args:?} has written: {:?}", files(dir.path()).keys());
        }
    }
}

/// Stores from before they said whose they are.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_older_version_is_taken_and_marked() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    live(&alice, "a").await.store(alice.id, "kept").await;
    assert!(server.stop().await.success());
    let file = dir.path().join("data/fluent.db");
    let mark = || std::fs::read(&file).unwrap()[68..72].to_vec();
    let ours = mark();
    assert_ne!(ours, [0; 4]);
    make(&file, "PRAGMA application_id = 0").await;
    assert_eq!(mark(), [0; 4]);
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(history(&alice, alice.id).await.len(), 1);
    assert!(server.stop().await.success());
    assert_eq!(mark(), ours);
}

async fn connect(database: &TestDatabase) -> DatabaseConnection {
    Database::connect(database.url()).await.unwrap()
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let sql = "SELECT string_agg(c.relname || '.' || a.attname, ' ' ORDER BY c.relname, a.attnum) FROM pg_class AS c \
         JOIN pg_attribute AS a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().filter_map(|row| row.try_get_by_index::<Option<String>>(0).unwrap()).collect()
}

#[tokio::test]
async fn a_postgresql_database_of_another_program_is_left_as_it_is() {
    for sql in [SEED, SISTER] {
        let Some(database) = postgres::database().await else { return };
        let db = connect(&database).await;
        db.execute_unprepared(sql).await.unwrap();
        let before = tables(&db).await;
        let dir = tempfile::tempdir().unwrap();
        for args in &COMMANDS[..5] {
            let error = refused(dir.path(), args, database.url()).await;
            assert!(error.contains("another program") && error.contains(database.name()), "{args:?}: {error}");
            assert_eq!(tables(&db).await, before, "{args:?}");
        }
        db.close().await.unwrap();
    }
}

/// Of servers that start at once on an empty database, none takes the tables that another one makes for foreign.
#[tokio::test]
async fn servers_that_start_at_once_know_each_others_tables() {
    for _ in 0..3 {
        let Some(database) = postgres::database().await else { return };
        let dir = tempfile::tempdir().unwrap();
        let start = async |_| run(dir.path(), &["migrate", "up"], &[("DATABASE_URL", database.url())]).await;
        for output in join_all((0..4).map(start)).await {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// What is not named like ours may stay beside it, such as the tables of an extension.
#[tokio::test]
async fn other_tables_in_a_postgresql_database_are_no_hindrance() {
    let Some(database) = postgres::database().await else { return };
    let db = connect(&database).await;
    db.execute_unprepared("CREATE TABLE spatial_ref_sys (srid INTEGER)").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[("DATABASE_URL", database.url())]).await;
    TestClient::sign_up(server.http(), "alice").await;
    assert!(server.stop().await.success());
    db.close().await.unwrap();
}

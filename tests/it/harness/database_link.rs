//! The proxy in front of PostgreSQL sees what it says it sees.

use fluent_backend::testing::{CommitCut, DatabaseLink, HeldTransaction};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement, TransactionTrait as _};

use crate::support::postgres::Postgres;

const LOCK: &str = "UPDATE store SET head = head + $1 WHERE id = 1 RETURNING head";

/// A connection by the link to a database with a row in `store`.
async fn connected(link: &DatabaseLink) -> DatabaseConnection {
    let mut options = ConnectOptions::new(link.url("fluent", "fluent"));
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

async fn linked(postgres: &Postgres) -> (DatabaseLink, DatabaseConnection) {
    let link = DatabaseLink::to(postgres.socket()).await.unwrap();
    let db = connected(&link).await;
    db.execute_unprepared("CREATE TABLE store (id INT, head BIGINT); INSERT INTO store VALUES (1, 0)").await.unwrap();
    (link, db)
}

async fn head(db: &DatabaseConnection) -> i64 {
    let sql = "SELECT head FROM store WHERE id = 1".to_owned();
    let row = db.query_one_raw(Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

/// Locks the row, asks for something, and commits together with a last change.
async fn transaction(db: &DatabaseConnection) {
    let tx = db.begin().await.unwrap();
    let lock = Statement::from_sql_and_values(sea_orm::DatabaseBackend::Postgres, LOCK, [1_i64.into()]);
    tx.query_one_raw(lock).await.unwrap().unwrap();
    tx.execute_unprepared("SELECT 7").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn round_trips_under_the_lock_are_counted() {
    let Some(postgres) = Postgres::start().await else { return };
    let (link, db) = linked(&postgres).await;
    transaction(&db).await;
    assert_eq!(link.take_held(), [], "nothing is recorded before it is asked for");
    link.record_held();
    transaction(&db).await;
    let round_trips = [LOCK, "SELECT 7", "COMMIT"].map(str::to_owned).to_vec();
    assert_eq!(link.take_held(), [HeldTransaction { round_trips, is_committed: true }]);
    db.execute_unprepared("SELECT head FROM store WHERE id = 1").await.unwrap();
    assert_eq!(link.take_held(), [], "it reads without the lock");
    db.close().await.unwrap();
}

/// A last change travels with its `COMMIT`: before, neither gets through; after, both have.
#[tokio::test]
async fn a_commit_in_one_message_with_a_change_is_cut() {
    let Some(postgres) = Postgres::start().await else { return };
    let (link, db) = linked(&postgres).await;
    link.record_held();
    for (place, expected) in [(CommitCut::Before, 0), (CommitCut::After, 1)] {
        link.cut_next_commit(place);
        let change = "BEGIN; UPDATE store SET head = head + 1 WHERE id = 1; INSERT INTO store VALUES (2, 0); COMMIT";
        db.execute_unprepared(change).await.unwrap_err();
        let db = connected(&link).await;
        assert_eq!((head(&db).await, link.take_held().len()), (expected, 0), "{place:?}");
        db.close().await.unwrap();
    }
    assert_eq!(link.commits_cut(), 2);
    db.close().await.unwrap();
}

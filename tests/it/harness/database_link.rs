//! The proxy in front of PostgreSQL sees what it says it sees.

use fluent_backend::testing::{CommitCut, DatabaseLink, Direction, HeldTransaction, eventually, soon};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement, TransactionTrait as _};
use tokio::task::JoinSet;

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

/// Whether another transaction has locked the row.
async fn is_locked(db: &DatabaseConnection) -> bool {
    let sql = "SELECT head FROM store WHERE id = 1 FOR UPDATE SKIP LOCKED".to_owned();
    db.query_one_raw(Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql)).await.unwrap().is_none()
}

/// A question that does not get there locks nothing; one whose answer does not get back has locked something already.
#[tokio::test]
async fn one_direction_is_held_up() {
    let Some(postgres) = Postgres::start().await else { return };
    let (link, db) = linked(&postgres).await;
    let direct = Database::connect(postgres.url("fluent")).await.unwrap();
    for (direction, gets_there) in [(Direction::ToServer, false), (Direction::ToClient, true)] {
        let tx = db.begin().await.unwrap();
        link.stall_only(direction);
        let locking = tx.execute_unprepared("UPDATE store SET head = head + 1");
        let watching = async {
            if gets_there {
                eventually("the row is locked", async || is_locked(&direct).await.then_some(())).await;
            }
            for _ in 0..20 {
                assert_eq!(is_locked(&direct).await, gets_there, "{direction:?}");
            }
            link.flow();
        };
        let (locked, ()) = soon("the answer", async { tokio::join!(locking, watching) }).await;
        locked.unwrap();
        tx.rollback().await.unwrap();
    }
    direct.close().await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_batch_is_held_up_while_it_has_the_row() {
    let Some(postgres) = Postgres::start().await else { return };
    let (link, db) = linked(&postgres).await;
    let direct = Database::connect(postgres.url("fluent")).await.unwrap();
    link.record_held();
    let writer = db.clone();
    // The trap is set when the first of the two is asked for the first time.
    let mut writing = JoinSet::new();
    let start = async { writing.spawn(async move { transaction(&writer).await }) };
    let (batch, task) = soon("a batch", async { tokio::join!(link.hold_batch(), start) }).await;
    assert!(is_locked(&direct).await && !task.is_finished());
    drop(batch);
    soon("the end of it", writing.join_all()).await;
    assert_eq!((link.take_held().len(), is_locked(&direct).await), (1, false));
    direct.close().await.unwrap();
    db.close().await.unwrap();
}

use sea_orm::{ConnectionTrait, Statement};

use super::*;
use crate::config::Synchronous;
use crate::storage::Storage;
use crate::storage::engine::begin::Batches;
use crate::storage::engine::tx::Tx as _;
use crate::storage::maintenance::file;

/// SQLite's numbers for `FULL` and `NORMAL` (<https://sqlite.org/pragma.html#pragma_synchronous>).
const FULL: i64 = 2;
const NORMAL: i64 = 1;

async fn asked(db: &impl ConnectionTrait, pragma: &str) -> sea_orm::QueryResult {
    let sql = Statement::from_string(db.get_database_backend(), format!("PRAGMA {pragma}"));
    db.query_one_raw(sql).await.unwrap().unwrap()
}

async fn synchronous(db: &impl ConnectionTrait) -> i64 {
    asked(db, "synchronous").await.try_get_by_index(0).unwrap()
}

/// Returns the `synchronous` setting of each connection that may write: batches, checkpoints, requests, retention,
/// migrations, and a copy that is put in place.
async fn of_all_that_write(change: impl FnOnce(&mut Config)) -> Vec<i64> {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    dir.path().clone_into(&mut config.server.data_dir);
    change(&mut config);
    let storage = Storage::open(&config).await.unwrap();
    let mut found = Vec::new();
    let Batches::Sqlite(batches) = &storage.batches else { panic!("SQLite has a connection of its own") };
    let transaction = storage.begin_batch().await.unwrap();
    let sql = Statement::from_string(storage.backend(), "PRAGMA synchronous");
    found.push(transaction.query_one(sql).await.unwrap().unwrap().get(0).unwrap());
    transaction.rollback().await.unwrap();
    let checkpoints = batches.lock().await.connection().unwrap();
    found.push(checkpoints.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap());
    drop(checkpoints);
    for is_cleaning in [false, true] {
        let begun = if is_cleaning { storage.begin_cleanup().await } else { storage.begin().await };
        let transaction = begun.unwrap();
        found.push(synchronous(&transaction).await);
        let mode: String = asked(&transaction, "journal_mode").await.try_get_by_index(0).unwrap();
        assert_eq!(mode, "wal");
        transaction.rollback().await.unwrap();
    }
    storage.close().await.unwrap();
    let migrator = open(&config, Purpose::Migrate).await.unwrap();
    found.push(synchronous(&migrator).await);
    migrator.close().await.unwrap();
    found
}

/// Confirmed writes survive loss of power: each commit waits until it is on the disk.
#[tokio::test]
async fn every_connection_that_writes_waits_for_the_disk() {
    assert_eq!(Box::pin(of_all_that_write(|_| {})).await, [FULL; 5]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fresh.db");
    let _file = file::create(&path).unwrap();
    let mut fresh = file::open_fresh(&path).await.unwrap();
    let mode: i64 = sea_orm::sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut fresh).await.unwrap();
    assert_eq!(mode, FULL);
}

/// A setting allows less durability.
#[tokio::test]
async fn an_operator_may_have_it_survive_the_process_alone() {
    let less = |config: &mut Config| config.database.synchronous = Synchronous::Normal;
    assert_eq!(Box::pin(of_all_that_write(less)).await, [NORMAL; 5]);
}

//! What a SQLite database keeps about itself: whose it is, and the sizes of its tables.

use sea_orm::{DatabaseBackend, DatabaseConnection, Statement};

use crate::storage::StorageError;
use crate::storage::engine::tx::{Tx as _, run_unprepared};

/// Writes into the header whose database it is, and `mark` for this run. Does nothing on PostgreSQL.
pub(in crate::storage) async fn mark(db: &DatabaseConnection, application: i32, mark: i32) -> Result<(), StorageError> {
    if db.get_database_backend() == DatabaseBackend::Sqlite {
        run_unprepared(db, &format!("PRAGMA application_id = {application}")).await?;
        run_unprepared(db, &format!("PRAGMA user_version = {mark}")).await?;
    }
    Ok(())
}

/// Forgets what SQLite has noted about the sizes of tables: each query goes from key to key, and needs no statistics.
/// Those of a store that was young when they were taken — a table of users with one row — would have it go through that
/// table once for every row of a list, until they are taken anew.
pub(in crate::storage) async fn forget_statistics(db: &DatabaseConnection) -> Result<(), StorageError> {
    if db.get_database_backend() != DatabaseBackend::Sqlite {
        return Ok(());
    }
    for table in ["sqlite_stat1", "sqlite_stat4"] {
        let exists = format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{table}'");
        if db.query_one(Statement::from_string(DatabaseBackend::Sqlite, exists)).await?.is_some() {
            run_unprepared(db, &format!("DELETE FROM {table}")).await?;
        }
    }
    Ok(())
}

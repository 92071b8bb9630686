//! The data of a SQLite database about itself: the program it belongs to, and statistics of its tables.

use sea_orm::{DatabaseBackend, DatabaseConnection, Statement};

use crate::storage::StorageError;
use crate::storage::engine::tx::{Tx as _, run_unprepared};

/// Writes into the header which program the database belongs to, and `mark` for this run. Does nothing on PostgreSQL.
pub(in crate::storage) async fn mark(db: &DatabaseConnection, application: i32, mark: i32) -> Result<(), StorageError> {
    if db.get_database_backend() == DatabaseBackend::Sqlite {
        run_unprepared(db, &format!("PRAGMA application_id = {application}")).await?;
        run_unprepared(db, &format!("PRAGMA user_version = {mark}")).await?;
    }
    Ok(())
}

/// Removes SQLite's statistics about tables, which no query needs: each goes from key to key. Statistics taken while
/// the store was young, with one row in the table of users, would make SQLite scan that table for every row of a list.
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

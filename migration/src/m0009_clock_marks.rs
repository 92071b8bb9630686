//! Clock marks: the real time of messages whose time stamps were ahead of the clock.
//!
//! Time stamps never go back. After the clock was ahead and is right again, they go on from the newest one, perhaps for
//! days, and no longer say when a message was stored.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// From the time stamp `clock` on, messages were stored at `committed_at` by the clock, or at most ten minutes later,
/// until the next row. The two are the same where time stamps are right again.
const TABLE: &str = "CREATE TABLE clock_marks (clock BIGINT NOT NULL PRIMARY KEY, committed_at BIGINT NOT NULL)";
/// The `committed_at` of the newest row; 0 where time stamps are right.
const COLUMN: &str = "ALTER TABLE store ADD COLUMN marked_at BIGINT NOT NULL DEFAULT 0";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        let table = match backend {
            DatabaseBackend::Sqlite => format!("{TABLE} WITHOUT ROWID"),
            _ => TABLE.to_owned(),
        };
        db.execute_unprepared(&table).await?;
        db.execute_unprepared(COLUMN).await?;
        Ok(())
    }
}

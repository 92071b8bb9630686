//! The journal: what each batch has done, for the other servers on the same store.
//!
//! A server from before the journal would write numbers without records. It is refused by the new name of the column
//! that it takes numbers from: its batches fail, instead of leaving holes that nobody can fill.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// The number that was given last.
const RENAME: &str = "ALTER TABLE store RENAME COLUMN head TO last_seq";

/// Only on PostgreSQL, which several servers may use. The numbers of its rows leave no gap. `boot` names the run of a
/// server, `nonce` is random, `at` is the time of the insertion in microseconds, and `record` holds no ciphertext.
const BATCHES: &str = "CREATE TABLE batches (first BIGINT NOT NULL PRIMARY KEY, last BIGINT NOT NULL, \
     boot BIGINT NOT NULL, nonce BIGINT NOT NULL, at BIGINT NOT NULL, record BYTEA NOT NULL)";

/// Chores that one server at a time does, until the time `until` in microseconds.
const LEASES: &str =
    "CREATE TABLE leases (name TEXT NOT NULL PRIMARY KEY, boot BIGINT NOT NULL, until BIGINT NOT NULL)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        db.execute_unprepared(RENAME).await?;
        if backend == DatabaseBackend::Postgres {
            db.execute_unprepared(BATCHES).await?;
            db.execute_unprepared(LEASES).await?;
        }
        Ok(())
    }
}

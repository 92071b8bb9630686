//! The key of what servers on one PostgreSQL tell each other outside of it.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// Only on PostgreSQL, which several servers may use. The first server that starts fills it with 32 random bytes.
const RELAY_KEY: &str = "ALTER TABLE store ADD COLUMN relay_key BYTEA";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            manager.get_connection().execute_unprepared(RELAY_KEY).await?;
        }
        Ok(())
    }
}

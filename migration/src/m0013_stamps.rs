//! The order in which sockets were opened, on all servers of a PostgreSQL database.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// Each opening takes the next one: of two sockets of one device, the one with the lower stamp is closed. Numbers that
/// are never used do no harm.
const STAMPS: &str = "CREATE SEQUENCE stamps AS BIGINT";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            manager.get_connection().execute_unprepared(STAMPS).await?;
        }
        Ok(())
    }
}

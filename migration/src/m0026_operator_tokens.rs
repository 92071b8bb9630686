//! Tokens by which operators' programs reach the admin API.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// Of a token only its id and the SHA-256 of its secret are kept. Times are microseconds since 1970 (UTC).
const TOKENS: &str = "CREATE TABLE operator_tokens (id BIGINT NOT NULL PRIMARY KEY, hash {bytes} NOT NULL, \
     name TEXT NOT NULL, scope TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT, last_used_at BIGINT)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bytes = if manager.get_database_backend() == DatabaseBackend::Sqlite { "BLOB" } else { "BYTEA" };
        manager.get_connection().execute_unprepared(&TOKENS.replace("{bytes}", bytes)).await?;
        Ok(())
    }
}

//! Accounts that operators have disabled, and the network that a login was used from last.

use crate::prelude::*;

pub(crate) struct Migration;

const STATEMENTS: [&str; 2] =
    ["ALTER TABLE users ADD COLUMN disabled_at BIGINT", "ALTER TABLE logins ADD COLUMN network TEXT"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in STATEMENTS {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

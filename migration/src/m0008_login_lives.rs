//! The number and the end of logins, and deleted accounts whose access tokens have not expired yet.

use crate::prelude::*;

pub(crate) struct Migration;

const STATEMENTS: [&str; 4] = [
    // The tokens of a deleted account are refused until then, also after a restart.
    "CREATE TABLE ended_users (user_id INTEGER NOT NULL PRIMARY KEY, until BIGINT NOT NULL)",
    // The logins of a user, the one that was not used for longest first.
    "CREATE INDEX logins_live ON logins (user_id, last_used_at) WHERE ended_at IS NULL",
    "CREATE INDEX logins_expires ON logins (expires_at, id)",
    "CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in STATEMENTS {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

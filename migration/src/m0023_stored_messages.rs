//! How many messages of each user are in the store.

use crate::prelude::*;

pub(crate) struct Migration;

/// Written by triggers, which servers make while there is a quota.
const STORED_MESSAGES: &str = "CREATE TABLE stored_messages (\
     user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, count BIGINT NOT NULL)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(STORED_MESSAGES).await?;
        Ok(())
    }
}

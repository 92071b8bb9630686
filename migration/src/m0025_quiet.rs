//! Messages that wake nobody: which of a conversation's newest ones they are.

use crate::prelude::*;

pub(crate) struct Migration;

/// `quiet_from` is the newest inbound message that wakes devices, NULL if there is none; all others up to `quiet_to`
/// wake nobody. That says nothing once `newest_inbound` is beyond `quiet_to`: then the newest one wakes devices.
const COLUMNS: [&str; 2] =
    ["ALTER TABLE members ADD COLUMN quiet_from BIGINT", "ALTER TABLE members ADD COLUMN quiet_to BIGINT"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in COLUMNS {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

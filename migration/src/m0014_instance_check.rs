//! What the instance key of the servers is recognised by.

use crate::prelude::*;

pub(crate) struct Migration;

/// The first server that starts fills it: 32 hexadecimal digits that are derived from the key.
const INSTANCE_CHECK: &str = "ALTER TABLE store ADD COLUMN instance_check TEXT";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(INSTANCE_CHECK).await?;
        Ok(())
    }
}

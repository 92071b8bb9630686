//! What operators note when they decide a report.

use crate::prelude::*;

pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "ALTER TABLE reports ADD COLUMN decision_note TEXT";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}

//! Message franking, and reports of messages.

use crate::prelude::*;

use crate::identity;

pub(crate) struct Migration;

/// What the sender has committed to, as 43 characters; none when the sender has not.
const TAG: &str = "ALTER TABLE messages ADD COLUMN franking_tag TEXT";

/// Times are microseconds since 1970 (UTC). `decided_by` says how the operator was known, not who it is.
const REPORTS: &str = "CREATE TABLE reports (id {id}, \
     reporter_id INTEGER REFERENCES users (id) ON DELETE SET NULL, \
     subject_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, message_id BIGINT NOT NULL, \
     sent_at BIGINT NOT NULL, level TEXT NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL, plaintext TEXT, \
     state TEXT NOT NULL, created_at BIGINT NOT NULL, decided_at BIGINT, decided_by TEXT)";

const INDEXES: [&str; 3] = [
    "CREATE UNIQUE INDEX reports_once ON reports (reporter_id, message_id)",
    "CREATE INDEX reports_subject ON reports (subject_id)",
    "CREATE INDEX reports_disclosed ON reports (id) WHERE plaintext IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, id) = (manager.get_connection(), identity(manager.get_database_backend()));
        db.execute_unprepared(TAG).await?;
        db.execute_unprepared(&REPORTS.replace("{id}", id)).await?;
        for sql in INDEXES {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

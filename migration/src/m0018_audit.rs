//! The audit log.

use crate::prelude::*;

use crate::identity;

pub(crate) struct Migration;

/// Rows are only added, and dropped by age; the ids of users are emptied when their accounts are deleted. No foreign
/// key does that: an entry may be written after the deletion. `at` is in microseconds since 1970 (UTC), `detail` JSON.
const AUDIT: &str = "CREATE TABLE audit (id {id}, at BIGINT NOT NULL, event TEXT NOT NULL, actor_kind TEXT NOT NULL, \
     actor_id INTEGER, subject_id INTEGER, network TEXT, detail TEXT)";

const INDEXES: [&str; 2] = [
    "CREATE INDEX audit_subject ON audit (subject_id, id) WHERE subject_id IS NOT NULL",
    "CREATE INDEX audit_actor ON audit (actor_id, id) WHERE actor_id IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, id) = (manager.get_connection(), identity(manager.get_database_backend()));
        db.execute_unprepared(&AUDIT.replace("{id}", id)).await?;
        for sql in INDEXES {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

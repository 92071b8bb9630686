//! Indexes of messages by the sides that still have them: both, or one alone. A page never reads messages that its
//! reader has deleted, even when the other side still has them.

use crate::prelude::*;

pub(crate) struct Migration;

const INDEXES: [&str; 4] = [
    "DROP INDEX messages_conversation",
    // Messages that both sides have. A new message makes an entry here alone.
    "CREATE INDEX messages_conversation ON messages (conversation_id, timestamp) \
     WHERE gone_seq IS NULL AND sender_gone IS NULL AND receiver_gone IS NULL",
    // Messages that one side has deleted, by the other side.
    "CREATE INDEX messages_left ON messages \
     (conversation_id, (CASE WHEN sender_gone IS NULL THEN sender_id ELSE receiver_id END), timestamp) \
     WHERE gone_seq IS NULL AND (sender_gone IS NOT NULL OR receiver_gone IS NOT NULL)",
    // Messages that have expired and are not destroyed yet must not count as unread.
    "CREATE INDEX messages_conversation_expires ON messages (conversation_id, expires_at) WHERE expires_at IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

//! Reading messages back: a conversation page by page, and the chat list. Only the reader's own copies are loaded.

use sea_orm::{ConnectionTrait as _, QueryResult, Value};

use super::{Storage, StorageError};
use crate::domain::{ChatListEntry, MessageCopy, Timestamp, User, UserId};

/// Most conversations of a chat list.
const MAX_CONVERSATIONS: u64 = 1000;

/// One page, newest first: the newest entries of the conversation's index, and their rows.
const HISTORY: &str = "SELECT sender_id, receiver_id, message_type, timestamp, \
     CASE WHEN sender_id = $1 THEN sender_copy ELSE receiver_copy END AS content \
     FROM messages WHERE conversation_id = $2 AND timestamp < $3 ORDER BY timestamp DESC LIMIT $4";

/// A user's conversations, newest first, with their newest message and their partner. Which ones is decided before any message
/// is read, and each table is reached by a key: the cost is that of the user's conversations, not of the store.
const CHAT_LIST: &str = "SELECT m.sender_id, m.receiver_id, m.message_type, m.timestamp, \
     CASE WHEN m.sender_id = $1 THEN m.sender_copy ELSE m.receiver_copy END AS content, \
     u.id AS partner_id, u.name AS partner_name, u.public_key AS partner_public_key \
     FROM (SELECT c.newest_message_id AS id FROM members AS mine \
     JOIN conversations AS c ON c.id = mine.conversation_id \
     WHERE mine.user_id = $1 AND c.newest_message_id IS NOT NULL \
     ORDER BY c.newest_message_id DESC LIMIT $2) AS newest \
     JOIN messages AS m ON m.id = newest.id \
     JOIN users AS u ON u.id = CASE WHEN m.sender_id = $1 THEN m.receiver_id ELSE m.sender_id END \
     ORDER BY newest.id DESC";

impl Storage {
    /// The newest messages of two users' conversation, newest first, at most `limit`; only those older than `before`.
    pub async fn history(
        &self,
        user: UserId,
        partner: UserId,
        before: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<MessageCopy>, StorageError> {
        let Some(conversation) = self.conversation_between(user, partner).await? else { return Ok(Vec::new()) };
        let before = before.map_or(i64::MAX, Timestamp::as_micros);
        let values = [user.0.into(), conversation.0.into(), before.into(), bind(limit)];
        let rows = self.reader.query_all_raw(self.statement(HISTORY, values)).await?;
        rows.iter().map(copy).collect()
    }

    /// The user's conversations, the one with the newest message first, at most 1000.
    pub async fn chat_list(&self, user: UserId) -> Result<Vec<ChatListEntry>, StorageError> {
        let values = [user.0.into(), bind(MAX_CONVERSATIONS)];
        let rows = self.reader.query_all_raw(self.statement(CHAT_LIST, values)).await?;
        rows.iter()
            .map(|row| {
                let partner = User {
                    id: UserId(row.try_get("", "partner_id")?),
                    name: row.try_get("", "partner_name")?,
                    public_key: row.try_get("", "partner_public_key")?,
                };
                Ok(ChatListEntry { partner, newest: copy(row)? })
            })
            .collect()
    }
}

/// A limit as both databases take it.
fn bind(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}

fn copy(row: &QueryResult) -> Result<MessageCopy, StorageError> {
    Ok(MessageCopy {
        sender: UserId(row.try_get("", "sender_id")?),
        receiver: UserId(row.try_get("", "receiver_id")?),
        content: text(row.try_get("", "content")?)?,
        message_type: row.try_get("", "message_type")?,
        timestamp: Timestamp::from_micros(row.try_get("", "timestamp")?),
    })
}

/// A ciphertext as it came.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, StorageError> {
    String::from_utf8(bytes).map_err(|_| StorageError::Corrupt("a ciphertext is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// What SQLite does for a query, in its own words.
    async fn plan(storage: &Storage, sql: &str, values: Vec<Value>) -> String {
        let statement = storage.statement(format!("EXPLAIN QUERY PLAN {sql}"), values);
        let rows = storage.reader.query_all_raw(statement).await.unwrap();
        let details: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        details.join("\n")
    }

    #[tokio::test]
    async fn no_query_scans_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.path().to_owned();
        let storage = Storage::open(&config).await.unwrap();
        let history = plan(&storage, HISTORY, vec![1.into(), 1_i64.into(), 1_i64.into(), bind(20)]).await;
        assert!(history.contains("USING INDEX messages_conversation"), "{history}");
        let chats = plan(&storage, CHAT_LIST, vec![1.into(), bind(20)]).await;
        for plan in [history, chats] {
            // The only thing gone through is the short list that the query itself has made.
            assert!(plan.lines().all(|line| !line.starts_with("SCAN") || line == "SCAN newest"), "{plan}");
        }
        storage.close().await.unwrap();
    }
}

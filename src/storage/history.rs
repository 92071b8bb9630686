//! Reading messages back: a conversation page by page, and the chat list.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, FromQueryResult as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::message;
use super::{Storage, StorageError};
use crate::domain::{ChatListEntry, ConversationId, Message, MessageId, Timestamp, User, UserId};

/// A user's conversations with their newest message and their partner. Each table is reached by a key: the cost is that
/// of the user's conversations, not of the store.
const CHAT_LIST: &str = "SELECT m.id, m.conversation_id, m.sender_id, m.receiver_id, m.message_type, m.timestamp, \
     m.sender_copy, m.receiver_copy, u.id AS partner_id, u.name AS partner_name, u.public_key AS partner_public_key \
     FROM members AS mine \
     JOIN conversations AS c ON c.id = mine.conversation_id \
     JOIN messages AS m ON m.id = c.newest_message_id \
     JOIN users AS u ON u.id = CASE WHEN m.sender_id = $1 THEN m.receiver_id ELSE m.sender_id END \
     WHERE mine.user_id = $1 ORDER BY m.id DESC";

impl TryFrom<message::Model> for Message {
    type Error = StorageError;

    fn try_from(row: message::Model) -> Result<Self, StorageError> {
        let text = |bytes| String::from_utf8(bytes).map_err(|_| StorageError::Corrupt("a ciphertext is not UTF-8"));
        Ok(Self {
            id: MessageId(row.id),
            conversation_id: ConversationId(row.conversation_id),
            sender: UserId(row.sender_id),
            receiver: UserId(row.receiver_id),
            sender_copy: text(row.sender_copy)?,
            receiver_copy: text(row.receiver_copy)?,
            message_type: row.message_type,
            timestamp: Timestamp::from_micros(row.timestamp),
        })
    }
}

impl Storage {
    /// The newest messages of two users' conversation, newest first, at most `limit`; only those older than `before`.
    pub async fn history(
        &self,
        user: UserId,
        partner: UserId,
        before: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<Message>, StorageError> {
        let Some(conversation) = self.conversation_between(user, partner).await? else { return Ok(Vec::new()) };
        let mut query = message::Entity::find()
            .filter(message::Column::ConversationId.eq(conversation.0))
            .order_by_desc(message::Column::Timestamp)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(message::Column::Timestamp.lt(before.as_micros()));
        }
        query.all(&self.reader).await?.into_iter().map(Message::try_from).collect()
    }

    /// The user's conversations, the one with the newest message first.
    pub async fn chat_list(&self, user: UserId) -> Result<Vec<ChatListEntry>, StorageError> {
        let rows = self.reader.query_all_raw(self.statement(CHAT_LIST, [user.0.into()])).await?;
        rows.iter()
            .map(|row| {
                let newest = Message::try_from(message::Model::from_query_result(row, "")?)?;
                let partner = User {
                    id: UserId(row.try_get("", "partner_id")?),
                    name: row.try_get("", "partner_name")?,
                    public_key: row.try_get("", "partner_public_key")?,
                };
                Ok(ChatListEntry { partner, newest })
            })
            .collect()
    }
}

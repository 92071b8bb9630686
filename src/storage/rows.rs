//! Messages as queries select them: with the copy of the one who asks alone, and only while that one may be shown them.

use sea_orm::QueryResult;

use super::StorageError;
use crate::domain::{ConversationId, Message, MessageId, Timestamp, UserId};

/// The columns of a message `m` with its ciphertexts `t`; `$1` is the one who asks.
pub(super) const COLUMNS: &str = "m.id, m.conversation_id, m.sender_id, m.receiver_id, m.message_type, m.timestamp, \
     CASE WHEN m.sender_id = $1 THEN t.sender_copy ELSE t.receiver_copy END AS content, m.client_id, m.reply_to, m.expires_at";

/// Whether a message `m` that somebody still has may be shown to `$1` at the time `$2`.
pub(super) const VISIBLE: &str = "(CASE WHEN m.sender_id = $1 THEN m.sender_gone ELSE m.receiver_gone END) IS NULL \
     AND (m.expires_at IS NULL OR m.expires_at > $2) \
     AND m.timestamp >= (SELECT retained_from FROM store WHERE id = 1)";

pub(super) fn message(row: &QueryResult, reader: UserId) -> Result<Message, StorageError> {
    let sender = UserId(row.try_get("", "sender_id")?);
    let content = text(row.try_get("", "content")?)?;
    let (sender_copy, receiver_copy) =
        if sender == reader { (content, String::new()) } else { (String::new(), content) };
    Ok(Message {
        id: MessageId(row.try_get("", "id")?),
        conversation_id: ConversationId(row.try_get("", "conversation_id")?),
        sender,
        receiver: UserId(row.try_get("", "receiver_id")?),
        sender_copy,
        receiver_copy,
        message_type: row.try_get("", "message_type")?,
        timestamp: Timestamp::from_micros(row.try_get("", "timestamp")?),
        client_id: row.try_get("", "client_id")?,
        reply_to: row.try_get::<Option<i64>>("", "reply_to")?.map(MessageId),
        expires_at: row.try_get::<Option<i64>>("", "expires_at")?.map(Timestamp::from_micros),
    })
}

/// A ciphertext as it came.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, StorageError> {
    String::from_utf8(bytes).map_err(|_| StorageError::Corrupt("a ciphertext is not UTF-8"))
}

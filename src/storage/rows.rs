//! Messages as queries select them: with the copy of the one who asks alone, and only while that one may be shown them.

use super::StorageError;
use super::packed::{Query, Row};
use crate::domain::{ConversationId, Message, MessageId, Timestamp, User, UserId};

/// The columns of a message `m` with its ciphertexts `t`, in the order in which [`message`] reads them; `$1` is the one who asks.
pub(super) const COLUMNS: &str = "m.id, m.conversation_id, m.sender_id, m.receiver_id, m.message_type, m.timestamp, \
     CASE WHEN m.sender_id = $1 THEN t.sender_copy ELSE t.receiver_copy END, m.client_id, m.reply_to, m.expires_at";
/// How many these are: what else a query selects comes behind them.
pub(super) const COUNT: usize = 10;
/// Which of them is the ciphertext.
const CIPHERTEXT: usize = 6;

/// A query for messages, and for `more` columns behind those of the message.
pub(super) fn messages(sql: String, more: usize) -> Query {
    Query { sql, columns: COUNT + more, ciphertexts: Some(CIPHERTEXT) }
}

/// Whether a message `m` that somebody still has may be shown to `$1` at the time `$2`.
pub(super) const VISIBLE: &str = "(CASE WHEN m.sender_id = $1 THEN m.sender_gone ELSE m.receiver_gone END) IS NULL \
     AND (m.expires_at IS NULL OR m.expires_at > $2) \
     AND m.timestamp >= (SELECT retained_from FROM store WHERE id = 1)";

/// Takes the message out of a row that begins with [`COLUMNS`].
pub(super) fn message(row: &mut Row, reader: UserId) -> Result<Message, StorageError> {
    let sender = UserId(row.take(2)?);
    let content = row.take_ciphertext(CIPHERTEXT)?;
    let (sender_copy, receiver_copy) =
        if sender == reader { (content, String::new()) } else { (String::new(), content) };
    Ok(Message {
        id: MessageId(row.take(0)?),
        conversation_id: ConversationId(row.take(1)?),
        sender,
        receiver: UserId(row.take(3)?),
        sender_copy,
        receiver_copy,
        message_type: row.take(4)?,
        timestamp: Timestamp::from_micros(row.take(5)?),
        client_id: row.take(7)?,
        reply_to: row.take::<Option<i64>>(8)?.map(MessageId),
        expires_at: row.take::<Option<i64>>(9)?.map(Timestamp::from_micros),
    })
}

/// Takes a user's `id`, `name` and `public_key` out of a row, from the place `first` on.
pub(super) fn partner(row: &mut Row, first: usize) -> Result<User, StorageError> {
    Ok(User { id: UserId(row.take(first)?), name: row.take(first + 1)?, public_key: row.take(first + 2)? })
}

/// A ciphertext as it came.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, StorageError> {
    String::from_utf8(bytes).map_err(|_| StorageError::Corrupt("a ciphertext is not UTF-8"))
}

/// The id of the newest message of the conversation `c` that may be shown. Nearly always it is the newest one there is, which
/// is found by its number; only when it is gone, the conversation's index is walked.
pub(super) fn newest_visible() -> String {
    format!(
        "COALESCE((SELECT m.id FROM messages AS m WHERE m.id = c.newest_message_id AND m.gone_seq IS NULL AND {VISIBLE}), \
         (SELECT m.id FROM messages AS m WHERE m.conversation_id = c.id AND m.gone_seq IS NULL AND {VISIBLE} \
         ORDER BY m.timestamp DESC LIMIT 1))"
    )
}

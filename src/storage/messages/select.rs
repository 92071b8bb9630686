//! The columns and conditions of queries for messages: with the copy of the reader alone, and only while the reader may
//! see them.

use std::sync::LazyLock;

use crate::domain::{Attachment, ConversationId, FrankingTag, Message, MessageId, Timestamp, UserId, Viewer};
use crate::storage::StorageError;
use crate::storage::engine::json_rows::Query;
use crate::storage::engine::row::{CiphertextText, Columns as _, FromRow, Row, columns, take_next};
use crate::storage::schema::numbers::seq_of;

columns! {
    /// A message `m` without its ciphertexts.
    pub(in crate::storage) struct MessageColumns {
        id: MessageId = "m.id",
        conversation_id: ConversationId = "m.conversation_id",
        sender: UserId = "m.sender_id",
        receiver: UserId = "m.receiver_id",
        message_type: String = "m.message_type",
        timestamp: Timestamp = "m.timestamp",
        client_id: Option<String> = "m.client_id",
        reply_to: Option<MessageId> = "m.reply_to",
        expires_at: Option<Timestamp> = "m.expires_at",
        franking_tag: Option<FrankingTag> = "m.franking_tag",
        attachments: Vec<Attachment> = "m.attachments",
    }
}

impl MessageColumns {
    /// Returns the message with its copies.
    pub(in crate::storage) fn with_copies(self, sender_copy: String, receiver_copy: String) -> Message {
        Message {
            id: self.id,
            seq: seq_of(self.id),
            conversation_id: self.conversation_id,
            sender: self.sender,
            receiver: self.receiver,
            sender_copy,
            receiver_copy,
            message_type: self.message_type,
            timestamp: self.timestamp,
            client_id: self.client_id,
            reply_to: self.reply_to,
            expires_at: self.expires_at,
            franking_tag: self.franking_tag,
            attachments: self.attachments,
        }
    }
}

/// The columns of a message `m` with the copy of the reader `$1` alone, in the order in which [`Selected`] reads them.
pub(in crate::storage) static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!("{}, CASE WHEN m.sender_id = $1 THEN t.sender_copy ELSE t.receiver_copy END", MessageColumns::select())
});

/// A message with one copy, as [`COLUMNS`] selects it.
pub(in crate::storage) struct Selected {
    message: MessageColumns,
    content: String,
}

impl Selected {
    /// Returns the message as `viewer` is shown it.
    pub(in crate::storage) fn of(self, viewer: Viewer) -> Message {
        let Self { message, content } = self;
        let (sender_copy, receiver_copy) =
            if message.sender == viewer.user { (content, String::new()) } else { (String::new(), content) };
        message.with_copies(sender_copy, receiver_copy)
    }

    /// Reads the message, or nothing when there is none in the row.
    pub(in crate::storage) fn optional(row: &mut Row, next: &mut usize) -> Result<Option<Self>, StorageError> {
        if let Some(message) = Option::<MessageColumns>::from_row(row, next)? {
            let content = take_next::<CiphertextText>(row, next)?.0;
            return Ok(Some(Self { message, content }));
        }
        *next += 1;
        Ok(None)
    }
}

impl FromRow for Selected {
    fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError> {
        let message = MessageColumns::from_row(row, next)?;
        Ok(Self { message, content: take_next::<CiphertextText>(row, next)?.0 })
    }
}

/// Returns a query for messages, whose `sql` selects `more` columns after [`COLUMNS`].
pub(in crate::storage) fn messages(sql: String, more: usize) -> Query {
    let content = MessageColumns::FIELDS.len();
    Query { sql, columns: content + 1 + more, ciphertexts: Some(content) }
}

/// The condition that a message `m` has not expired by the time `$2`, nor by the server's retention.
pub(in crate::storage) const UNEXPIRED: &str = "(m.expires_at IS NULL OR m.expires_at > $2) \
     AND m.timestamp >= (SELECT retained_from FROM store WHERE id = 1)";

/// The condition that a message `m` is shown to its reader `$1` at the time `$2`: it was not deleted on this side, and
/// has not expired.
pub(in crate::storage) static SHOWN_TO_READER: LazyLock<String> = LazyLock::new(|| {
    format!("(CASE WHEN m.sender_id = $1 THEN m.sender_gone ELSE m.receiver_gone END) IS NULL AND {UNEXPIRED}")
});

/// The messages that a query goes through, by the sides that still keep them. Together these are all that a reader may
/// have, and each has an index that holds nothing else: what the reader has deleted costs nothing.
#[derive(Clone, Copy)]
pub(in crate::storage) enum KeptBy {
    /// Both sides: the index `messages_conversation`.
    Both,
    /// Only one side, the user whose id is this parameter: the index `messages_left`.
    Only(&'static str),
}

impl KeptBy {
    /// Returns the condition for a message `m`, in the words of the index.
    pub(in crate::storage) fn condition(self) -> String {
        match self {
            Self::Both => "m.gone_seq IS NULL AND m.sender_gone IS NULL AND m.receiver_gone IS NULL".to_owned(),
            Self::Only(user) => format!(
                "m.gone_seq IS NULL AND (m.sender_gone IS NOT NULL OR m.receiver_gone IS NOT NULL) \
                 AND (CASE WHEN m.sender_gone IS NULL THEN m.sender_id ELSE m.receiver_id END) = {user}"
            ),
        }
    }
}

/// What the reader `$1` still has.
pub(in crate::storage) const KEPT_BY_READER: [KeptBy; 2] = [KeptBy::Both, KeptBy::Only("$1")];

/// Returns a query for the newest messages among those that each source holds, `limit` at most: `columns` of a message
/// `m`, its `timestamp` among them.
pub(in crate::storage) fn newest_of(sources: &[KeptBy], columns: &str, conditions: &str, limit: &str) -> String {
    let parts = sources.iter().enumerate().map(|(i, kept)| {
        let kept = kept.condition();
        format!(
            "SELECT * FROM (SELECT {columns} FROM messages AS m WHERE {conditions} AND {kept} \
             ORDER BY m.timestamp DESC LIMIT {limit}) AS part{i}"
        )
    });
    let all = parts.collect::<Vec<_>>().join(" UNION ALL ");
    format!("SELECT * FROM ({all}) AS parts ORDER BY timestamp DESC LIMIT {limit}")
}

/// Returns the expression of the size, in bytes, of the copy of a `message` that [`COLUMNS`] selects. The copy itself
/// is not read for it.
pub(in crate::storage) fn size_of(message: &str) -> String {
    format!(
        "CASE WHEN {message}.sender_id = $1 THEN OCTET_LENGTH(t.sender_copy) ELSE OCTET_LENGTH(t.receiver_copy) END"
    )
}

/// The size, in bytes, of what is told of a user `u`.
pub(in crate::storage) const USER_SIZE: &str = "OCTET_LENGTH(u.name) + OCTET_LENGTH(u.public_key)";

/// Returns the expression of the id of the newest message of the conversation `c` that may be shown. Nearly always it
/// is the newest one there is, which is found by its number; only when it is gone, it is looked for.
pub(in crate::storage) fn newest_visible() -> String {
    let newest = newest_of(
        &KEPT_BY_READER,
        "m.id AS id, m.timestamp AS timestamp",
        &format!("m.conversation_id = c.id AND {UNEXPIRED}"),
        "1",
    );
    format!(
        "COALESCE((SELECT m.id FROM messages AS m WHERE m.id = c.newest_message_id AND m.gone_seq IS NULL \
         AND {}), \
         (SELECT id FROM ({newest}) AS newest))",
        *SHOWN_TO_READER
    )
}

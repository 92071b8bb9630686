//! Messages as queries select them: with the copy of the one who asks alone, and only while that one may be shown them.

use crate::domain::{ConversationId, Message, MessageId, Timestamp, User, UserId};
use crate::storage::StorageError;
use crate::storage::engine::json_rows::{ListRow, Query};

/// The columns of a message `m` with its ciphertexts `t`, in the order in which [`message`] reads them; `$1` is the one who asks.
pub(in crate::storage) const COLUMNS: &str = "m.id, m.conversation_id, m.sender_id, m.receiver_id, m.message_type, m.timestamp, \
     CASE WHEN m.sender_id = $1 THEN t.sender_copy ELSE t.receiver_copy END, m.client_id, m.reply_to, m.expires_at";
/// How many these are: what else a query selects comes behind them.
pub(in crate::storage) const COUNT: usize = 10;
/// Which of them is the ciphertext.
const CIPHERTEXT: usize = 6;

/// A query for messages, and for `more` columns behind those of the message.
pub(in crate::storage) fn messages(sql: String, more: usize) -> Query {
    Query { sql, columns: COUNT + more, ciphertexts: Some(CIPHERTEXT) }
}

/// Whether a message `m` that somebody still has may be shown to `$1` at the time `$2`.
pub(in crate::storage) const VISIBLE: &str = "(CASE WHEN m.sender_id = $1 THEN m.sender_gone ELSE m.receiver_gone END) IS NULL \
     AND (m.expires_at IS NULL OR m.expires_at > $2) \
     AND m.timestamp >= (SELECT retained_from FROM store WHERE id = 1)";

/// Whose messages a query goes through. Together these are all that a reader may have, and each has an index that holds
/// nothing else: what the reader has deleted costs nothing.
#[derive(Clone, Copy)]
pub(in crate::storage) enum Had {
    /// What both sides still have: the index `messages_conversation`.
    ByBoth,
    /// What only one side still has, and that is the user whose id is this parameter: the index `messages_left`.
    By(&'static str),
}

impl Had {
    /// The condition for a message `m`, in the words of the index.
    pub(in crate::storage) fn condition(self) -> String {
        match self {
            Self::ByBoth => "m.gone_seq IS NULL AND m.sender_gone IS NULL AND m.receiver_gone IS NULL".to_owned(),
            Self::By(user) => format!(
                "m.gone_seq IS NULL AND (m.sender_gone IS NOT NULL OR m.receiver_gone IS NOT NULL) \
                 AND (CASE WHEN m.sender_gone IS NULL THEN m.sender_id ELSE m.receiver_id END) = {user}"
            ),
        }
    }
}

/// What `$1` may have.
pub(in crate::storage) const OWN: [Had; 2] = [Had::ByBoth, Had::By("$1")];

/// Whether a message `m` that `$1` has may be shown at the time `$2`.
pub(in crate::storage) const SHOWN: &str = "(m.expires_at IS NULL OR m.expires_at > $2) \
     AND m.timestamp >= (SELECT retained_from FROM store WHERE id = 1)";

/// The newest messages among those that each source holds, `limit` at most: `columns` of a message `m`, its `timestamp`
/// among them.
pub(in crate::storage) fn newest_of(sources: &[Had], columns: &str, conditions: &str, limit: &str) -> String {
    let parts = sources.iter().enumerate().map(|(i, had)| {
        let had = had.condition();
        format!(
            "SELECT * FROM (SELECT {columns} FROM messages AS m WHERE {conditions} AND {had} \
             ORDER BY m.timestamp DESC LIMIT {limit}) AS part{i}"
        )
    });
    let all = parts.collect::<Vec<_>>().join(" UNION ALL ");
    format!("SELECT * FROM ({all}) AS parts ORDER BY timestamp DESC LIMIT {limit}")
}

/// Bytes of the copy of a `message` that [`COLUMNS`] has, found without reading it.
pub(in crate::storage) fn size_of(message: &str) -> String {
    format!(
        "CASE WHEN {message}.sender_id = $1 THEN OCTET_LENGTH(t.sender_copy) ELSE OCTET_LENGTH(t.receiver_copy) END"
    )
}

/// Bytes of what is told of a user `u`.
pub(in crate::storage) const USER_SIZE: &str = "OCTET_LENGTH(u.name) + OCTET_LENGTH(u.public_key)";

/// Takes the message out of a row that begins with [`COLUMNS`].
pub(in crate::storage) fn message(row: &mut ListRow, reader: UserId) -> Result<Message, StorageError> {
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
pub(in crate::storage) fn partner(row: &mut ListRow, first: usize) -> Result<User, StorageError> {
    Ok(User { id: UserId(row.take(first)?), name: row.take(first + 1)?, public_key: row.take(first + 2)? })
}

/// The id of the newest message of the conversation `c` that may be shown. Nearly always it is the newest one there is, which
/// is found by its number; only when it is gone, it is looked for.
pub(in crate::storage) fn newest_visible() -> String {
    let newest =
        newest_of(&OWN, "m.id AS id, m.timestamp AS timestamp", &format!("m.conversation_id = c.id AND {SHOWN}"), "1");
    format!(
        "COALESCE((SELECT m.id FROM messages AS m WHERE m.id = c.newest_message_id AND m.gone_seq IS NULL AND {VISIBLE}), \
         (SELECT id FROM ({newest}) AS newest))"
    )
}

//! The statements of receipts.

use std::sync::LazyLock;

use crate::domain::{ConversationId, MessageId, Seq, Timestamp};
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::messages::select::{KeptBy, newest_of};
use crate::storage::schema::kinds::GoneHow;

columns! {
    /// How far one side has got in a conversation, and how far the other has written.
    pub(super) struct PositionColumns {
        read_id: MessageId = "mine.read_id",
        read_seq: Seq = "mine.read_seq",
        read_at: Timestamp = "mine.read_at",
        shown_id: MessageId = "mine.shown_id",
        delivered_id: MessageId = "mine.delivered_id",
        newest_inbound: Option<MessageId> = "mine.newest_inbound",
        newest_outbound: Option<MessageId> = "theirs.newest_inbound",
    }
}

/// The [`PositionColumns`] of the user `$1` in the conversation `$2` with `$3`.
pub(super) static DIRECT_POSITION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM members AS mine JOIN members AS theirs \
         ON theirs.user_id = $3 AND theirs.conversation_id = mine.conversation_id \
         WHERE mine.user_id = $1 AND mine.conversation_id = $2",
        PositionColumns::select()
    )
});

/// The newest message of `$2` in the conversation `$1` with `$4` that has a number of at most `$3`. Numbers and time
/// stamps grow together, so the conversation's indexes find it. A client names a message of its partner, which is the
/// first one found; a client that names others must not make the writer walk over everything.
pub(in crate::storage) static NEWEST_AT_OR_BELOW: LazyLock<String> = LazyLock::new(|| {
    let conditions = "m.conversation_id = $1 \
         AND m.timestamp <= (SELECT timestamp FROM messages WHERE id <= $3 ORDER BY id DESC LIMIT 1)";
    let columns = "m.id AS id, m.sender_id AS sender_id, m.timestamp AS timestamp";
    let newest = newest_of(&[KeptBy::Both, KeptBy::Only("$2"), KeptBy::Only("$4")], columns, conditions, "1000");
    format!("SELECT MAX(id) FROM ({newest}) AS newest WHERE sender_id = $2")
});

/// Finds whether `$2` has written something with a number of at most `$3` of which only a tombstone is left. Seldom
/// needed, and limited to the first 1000 tombstones.
pub(super) static WROTE_WHAT_IS_GONE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT 1 FROM (SELECT id, sender_id FROM messages WHERE conversation_id = $1 \
         AND gone_seq IS NOT NULL AND gone_how <> {} LIMIT 1000) AS gone WHERE sender_id = $2 AND id <= $3 LIMIT 1",
        GoneHow::Account.stored()
    )
});

/// Messages of `$2` between two numbers that their receiver `$5` still has.
pub(in crate::storage) static COUNT_BETWEEN: LazyLock<String> = LazyLock::new(|| {
    let count = |kept: KeptBy| {
        format!(
            "(SELECT COUNT(*) FROM messages AS m WHERE m.conversation_id = $1 AND m.sender_id = $2 AND {} \
             AND m.timestamp > COALESCE((SELECT timestamp FROM messages WHERE id <= $3 ORDER BY id DESC LIMIT 1), -1) \
             AND m.timestamp <= (SELECT timestamp FROM messages WHERE id <= $4 ORDER BY id DESC LIMIT 1))",
            kept.condition()
        )
    };
    format!("SELECT {} + {}", count(KeptBy::Both), count(KeptBy::Only("$5")))
});

/// The user `$1` has read everything in the conversation `$2`.
pub(super) const MOVE_READ_TO_NEWEST: &str = "UPDATE members SET read_id = $3, read_seq = $4, read_at = $5, unread = 0 \
     WHERE user_id = $1 AND conversation_id = $2";
/// The user `$1` has read `$6` more messages in the conversation `$2`.
pub(super) const MOVE_READ_PARTLY: &str = "UPDATE members SET read_id = $3, read_seq = $4, read_at = $5, \
     unread = CASE WHEN unread > $6 THEN unread - $6 ELSE 0 END \
     WHERE user_id = $1 AND conversation_id = $2";
/// The other side learns how far the user `$1` has read.
pub(super) const SHOW_READ: &str =
    "UPDATE members SET shown_id = $3, shown_seq = $4, shown_at = $5 WHERE user_id = $1 AND conversation_id = $2";
/// The other side learns how far messages have arrived at the user `$1`.
pub(super) const MOVE_DELIVERED: &str = "UPDATE members SET delivered_id = $3, delivered_seq = $4, delivered_at = $5 \
     WHERE user_id = $1 AND conversation_id = $2";

columns! {
    /// What a report of delivery reads of a conversation.
    pub(super) struct UndeliveredColumns {
        conversation_id: ConversationId = "m.conversation_id",
        direct_key: i64 = "c.direct_key",
        newest_inbound: Option<MessageId> = "m.newest_inbound",
        delivered_id: MessageId = "m.delivered_id",
        shown_id: MessageId = "m.shown_id",
        newest_outbound: Option<MessageId> = "theirs.newest_inbound",
    }
}

/// Conversations of a user with something that was not reported as delivered or read. Only those with partners: a
/// stranger is told nothing.
pub(super) static DIRECT_UNDELIVERED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id \
         JOIN members AS theirs ON theirs.conversation_id = m.conversation_id AND theirs.user_id <> m.user_id \
         WHERE m.user_id = $1 AND m.newest_inbound > m.delivered_id AND m.newest_inbound > m.shown_id \
         AND theirs.newest_inbound IS NOT NULL",
        UndeliveredColumns::select()
    )
});

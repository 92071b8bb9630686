//! The statements of receipts, for any number of them.

use std::sync::LazyLock;

use sea_orm::DatabaseBackend;

use crate::domain::{ConversationId, DirectKey, MessageId, Seq, Timestamp};
use crate::storage::engine::fixed_joins::join;
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::messages::select::KeptBy;
use crate::storage::schema::kinds::GoneHow;

columns! {
    /// One side of a conversation, as a receipt of this side finds it.
    pub(super) struct Found {
        /// The number of the question.
        asked: i64 = "p.asked",
        conversation_id: ConversationId = "p.conversation_id",
        direct_key: DirectKey = "p.direct_key",
        read_id: MessageId = "p.read_id",
        read_seq: Seq = "p.read_seq",
        read_at: Timestamp = "p.read_at",
        shown_id: MessageId = "p.shown_id",
        delivered_id: MessageId = "p.delivered_id",
        newest_inbound: Option<MessageId> = "p.newest_inbound",
        /// The partner's newest message among those that the receipt can mean.
        up_to: Option<MessageId> = "p.up_to",
        /// How many unread messages a read up to there takes away, when there are newer ones.
        more_read: i64 = more_read(),
        has_written: bool = has_written(),
        /// Whether one of the two has blocked the other; asked only for reports of delivery.
        is_blocked: bool = IS_BLOCKED,
    }
}

impl Found {
    /// Returns the newest message that the partner knows to have arrived.
    pub(super) fn known_delivered(&self) -> MessageId {
        self.delivered_id.max(self.shown_id)
    }
}

const IS_BLOCKED: &str = "p.in_all AND EXISTS (SELECT 1 FROM blocks AS b \
     WHERE (b.user_id = p.user_id AND b.other_id = p.partner) OR (b.user_id = p.partner AND b.other_id = p.user_id))";

/// Returns the statement that finds the sides of conversations that receipts are about. Each row of `v` is a question:
/// its number, the user, the conversation or 0 for all, the partner, the highest id that the receipt can mean, and the
/// highest id from before it.
///
/// Those in all conversations find only what is not known to have arrived, and only partners: a stranger is told
/// nothing.
pub(in crate::storage) fn sides(backend: DatabaseBackend) -> &'static str {
    static SQLITE: LazyLock<String> = LazyLock::new(|| sides_on(DatabaseBackend::Sqlite));
    static POSTGRES: LazyLock<String> = LazyLock::new(|| sides_on(DatabaseBackend::Postgres));
    if backend == DatabaseBackend::Sqlite { &SQLITE } else { &POSTGRES }
}

fn sides_on(backend: DatabaseBackend) -> String {
    let join = |table, alias, on| join(backend, table, alias, on);
    let columns = "v.column1 AS asked, v.column5 AS most, v.column6 AS before, mine.user_id AS user_id, \
         mine.conversation_id AS conversation_id, mine.read_id AS read_id, mine.read_seq AS read_seq, \
         mine.read_at AS read_at, mine.shown_id AS shown_id, mine.delivered_id AS delivered_id, \
         mine.newest_inbound AS newest_inbound, theirs.user_id AS partner, theirs.newest_inbound AS newest_outbound";
    let of_one = [
        join("members", "mine", "mine.user_id = v.column2 AND mine.conversation_id = v.column3"),
        join("members", "theirs", "theirs.user_id = v.column4 AND theirs.conversation_id = mine.conversation_id"),
    ];
    let of_all = [
        join(
            "members",
            "mine",
            "v.column3 = 0 AND mine.user_id = v.column2 AND mine.newest_inbound > mine.delivered_id \
             AND mine.newest_inbound > mine.shown_id AND v.column5 > mine.delivered_id AND v.column5 > mine.shown_id",
        ),
        join("conversations", "c", "c.id = mine.conversation_id"),
        join(
            "members",
            "theirs",
            "theirs.conversation_id = mine.conversation_id AND theirs.user_id <> mine.user_id \
             AND theirs.newest_inbound IS NOT NULL",
        ),
    ];
    // Kept apart, so that what is looked for is looked for once.
    format!(
        "WITH {{rows}}, q AS (SELECT {columns}, CAST(0 AS BIGINT) AS direct_key, FALSE AS in_all FROM v {} UNION ALL \
         SELECT {columns}, c.direct_key, TRUE FROM v {}), \
         p AS MATERIALIZED (SELECT q.*, CASE WHEN q.newest_inbound <= q.most THEN q.newest_inbound \
         WHEN q.newest_inbound IS NOT NULL THEN ({}) END AS up_to FROM q) SELECT {} FROM p",
        of_one.join(" "),
        of_all.join(" "),
        newest_at_or_below(["q.conversation_id", "+q.partner", "+q.user_id", "q.most"]),
        Found::select()
    )
}

/// Returns a query for the newest message of `sender` in a conversation with `other` that has an id of at most `most`.
/// Ids and time stamps grow together, so the conversation's indexes find it. A client names a message of its partner,
/// which is the first one found; a client that names others must not make the writer walk over everything.
///
/// A `+` before a column takes its affinity, with which SQLite would not use the index over an expression
/// (<https://sqlite.org/datatype3.html#column_affinity>).
fn newest_at_or_below([conversation, sender, other, most]: [&'static str; 4]) -> String {
    let kept = [KeptBy::Both, KeptBy::Only(sender), KeptBy::Only(other)];
    let parts = kept.into_iter().enumerate().map(|(i, kept)| {
        let kept = kept.condition();
        format!(
            "SELECT * FROM (SELECT id FROM (SELECT m.id AS id, m.sender_id AS sender_id FROM messages AS m \
             WHERE m.conversation_id = {conversation} AND m.timestamp <= {} AND {kept} \
             ORDER BY m.timestamp DESC LIMIT 1000) AS part{i} WHERE sender_id = {sender} LIMIT 1) AS newest{i}",
            timestamp_at(most)
        )
    });
    format!("SELECT MAX(id) FROM ({}) AS newest", parts.collect::<Vec<_>>().join(" UNION ALL "))
}

/// Returns the expression of the newest time stamp of messages with an id of at most `most`.
fn timestamp_at(most: &str) -> String {
    format!("(SELECT timestamp FROM messages WHERE id <= {most} ORDER BY id DESC LIMIT 1)")
}

/// Returns the expression of how many messages of the partner are between two positions that their receiver still has.
fn more_read() -> String {
    let count = |kept: KeptBy| {
        format!(
            "(SELECT COUNT(*) FROM messages AS m WHERE m.conversation_id = p.conversation_id \
             AND m.sender_id = p.partner AND {} AND m.timestamp > COALESCE({}, -1) AND m.timestamp <= {})",
            kept.condition(),
            timestamp_at("p.read_id"),
            timestamp_at("p.up_to"),
        )
    };
    format!(
        "CASE WHEN NOT p.in_all AND p.up_to > p.read_id AND p.up_to < p.newest_inbound THEN {} + {} ELSE 0 END",
        count(KeptBy::Both),
        count(KeptBy::Only("+p.user_id"))
    )
}

/// Returns the expression of whether the user had written to the partner before the receipt: a message that makes them
/// partners may be in the same batch, behind it. Only when none is left, tombstones are looked at, and not more than
/// 1000 of them.
fn has_written() -> String {
    format!(
        "p.newest_outbound IS NOT NULL AND (p.newest_outbound <= p.before OR ({}) IS NOT NULL OR EXISTS (SELECT 1 FROM \
         (SELECT id, sender_id FROM messages WHERE conversation_id = p.conversation_id \
         AND gone_seq IS NOT NULL AND gone_how <> {} LIMIT 1000) AS gone \
         WHERE sender_id = p.user_id AND id <= p.before))",
        newest_at_or_below(["p.conversation_id", "+p.user_id", "+p.partner", "p.before"]),
        GoneHow::Account.stored()
    )
}

/// Returns the changes of positions. In a row `v` a side is followed by where its read position is now, what the
/// partner is shown of it, and what has arrived; a 0 leaves a position as it is.
pub(in crate::storage) fn moved() -> String {
    let place = |name: &str, first: usize| {
        let columns = [format!("{name}_id"), format!("{name}_seq"), format!("{name}_at")].into_iter().enumerate();
        let moved = columns.map(|(i, column)| {
            format!("{column} = CASE WHEN v.column{first} = 0 THEN members.{column} ELSE v.column{} END", first + i)
        });
        moved.collect::<Vec<_>>().join(", ")
    };
    [place("read", 3), place("shown", 6), place("delivered", 9)].join(", ")
}

/// How many messages are unread then. The last column of `v` is how many the read position has taken from them (-1:
/// all).
pub(in crate::storage) const LEFT_UNREAD: &str = "CASE WHEN v.column3 = 0 THEN members.unread \
     WHEN v.column12 < 0 THEN 0 WHEN members.unread > v.column12 THEN members.unread - v.column12 ELSE 0 END";

/// Moves positions: the rows of `v`.
pub(super) static MOVE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH {{rows}} UPDATE members SET {}, unread = {LEFT_UNREAD} \
         FROM v WHERE members.user_id = v.column1 AND members.conversation_id = v.column2",
        moved()
    )
});

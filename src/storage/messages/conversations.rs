//! Conversations as one side sees them, and the relation of two users.

use std::sync::LazyLock;

use sea_orm::{DatabaseBackend, Value};

use crate::domain::{ConversationId, DirectKey, Message, MessageId, Seq, Timestamp, User, UserId, Viewer};
use crate::storage::engine::fixed_joins::{join, left_join};
use crate::storage::engine::json_rows::Query;
use crate::storage::engine::page::{Filling, bind, fits, summed};
use crate::storage::engine::row::{Columns, FromRow, Row, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::messages::replay::plan::DIRECT_PARTNER;
use crate::storage::messages::select::{
    COLUMNS, KEPT_BY_READER, Selected, USER_SIZE, messages, newest_visible, size_of,
};
use crate::storage::people::users::UserColumns;
use crate::storage::{Storage, StorageError};

/// A conversation as one side sees it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Its id.
    pub id: ConversationId,
    /// The other side; the user again in a self-chat.
    pub partner: User,
    /// The newest message that this side may be shown.
    pub last_message: Option<Message>,
    /// Messages of the partner that were not read.
    pub unread: i64,
    /// How far this side has read.
    pub read_up_to: Option<MessageId>,
    /// How far the partner has read, as this side was told.
    pub partner_read_up_to: Option<MessageId>,
    /// How far this side's messages have arrived.
    pub partner_delivered_up_to: Option<MessageId>,
    /// Whether this side has blocked the partner.
    pub blocked: bool,
    /// Its newest message, gone or not.
    pub seq: Seq,
}

/// The relation of two users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Their conversation.
    pub conversation_id: ConversationId,
    /// The other one has written to the user.
    pub has_received: bool,
    /// The user has written to the other one.
    pub has_sent: bool,
    /// Both want to see and be seen.
    pub both_show_presence: bool,
}

/// Returns the expression of how many messages the unread counter of a conversation `c` still holds although they are
/// not shown any more, until they are cleared away.
fn over_but_counted() -> String {
    // The `+ 0` keeps PostgreSQL from going through all later messages by their numbers.
    let unread = "m.conversation_id = c.id AND m.id + 0 > c.read_id AND m.receiver_id = $1 AND m.sender_id <> $1";
    let counts = KEPT_BY_READER.iter().map(|kept| {
        let kept = kept.condition();
        format!(
            "(SELECT COUNT(*) FROM messages AS m WHERE {unread} AND {kept} \
             AND m.timestamp < (SELECT retained_from FROM store WHERE id = 1) \
             AND (m.expires_at IS NULL OR m.expires_at > $2))"
        )
    });
    let retained = counts.collect::<Vec<_>>().join(" + ");
    format!(
        "(SELECT COUNT(*) FROM messages AS m WHERE {unread} AND m.expires_at IS NOT NULL AND m.expires_at <= $2 \
         AND m.gone_seq IS NULL AND m.receiver_gone IS NULL) + {retained}"
    )
}

columns! {
    /// A conversation `c` as one side sees it, without the partner and the newest message.
    struct OverviewColumns {
        id: ConversationId = "c.id",
        unread: i64 = "c.unread",
        read_id: i64 = "c.read_id",
        shown_id: i64 = "c.shown_id",
        delivered_id: i64 = "c.delivered_id",
        is_blocked: i32 = "CASE WHEN b.user_id IS NULL THEN 0 ELSE 1 END",
        newest: Seq = "c.newest_message_id",
        over_but_counted: i64 = over_but_counted(),
    }
}

/// Returns the query for a user's conversations with one partner each. The conversations are chosen before anything
/// else is looked up, which then happens by keys; and their sizes decide how many of them fit on a page, before any
/// message is read.
pub(in crate::storage) fn direct_overviews_query(backend: DatabaseBackend) -> Query {
    let join = |table, alias, on| join(backend, table, alias, on);
    let left_join = |table, alias, on| left_join(backend, table, alias, on);
    let theirs = format!("theirs.user_id = {DIRECT_PARTNER} AND theirs.conversation_id = c.id");
    let newest = format!("m.id = {}", newest_visible());
    let sized = format!(
        "SELECT c.id AS id, c.newest_message_id AS newest_message_id, c.unread AS unread, c.read_id AS read_id, \
         u.id AS partner, theirs.shown_id AS shown_id, theirs.delivered_id AS delivered_id, m.id AS newest_id, \
         COALESCE({}, 0) + {USER_SIZE} AS size \
         FROM (SELECT c.id AS id, c.direct_key AS direct_key, c.newest_message_id AS newest_message_id, \
         mine.unread AS unread, mine.read_id AS read_id FROM members AS mine {} \
         WHERE mine.user_id = $1 AND c.newest_message_id < $3 ORDER BY c.newest_message_id DESC LIMIT $4 + 0) AS c \
         {} {} {} {}",
        size_of("m"),
        join("conversations", "c", "c.id = mine.conversation_id"),
        join("members", "theirs", &theirs),
        join("users", "u", "u.id = theirs.user_id"),
        left_join("messages", "m", &newest),
        left_join("bodies", "t", "t.id = m.id"),
    );
    let sql = format!(
        "SELECT {}, {}, {} FROM {} {} {} {} {} WHERE {} ORDER BY c.newest_message_id DESC LIMIT $4 + 0",
        *COLUMNS,
        UserColumns::select(),
        OverviewColumns::select(),
        summed(&sized, "newest_message_id", "$4 + 0", "c"),
        join("users", "u", "u.id = c.partner"),
        left_join("blocks", "b", "b.user_id = $1 AND b.other_id = c.partner"),
        left_join("messages", "m", "m.id = c.newest_id"),
        left_join("bodies", "t", "t.id = m.id"),
        fits("c"),
    );
    messages(sql, UserColumns::FIELDS.len() + OverviewColumns::FIELDS.len())
}

columns! {
    struct RelationColumns {
        conversation_id: ConversationId = "mine.conversation_id",
        newest_inbound: Option<i64> = "mine.newest_inbound",
        newest_outbound: Option<i64> = "theirs.newest_inbound",
        both_show_presence: i32 = "CASE WHEN me.presence AND other.presence THEN 1 ELSE 0 END",
    }
}

/// Finds the conversation with the direct key `$1`.
pub(in crate::storage) const DIRECT_CONVERSATION: &str = "SELECT id FROM conversations WHERE direct_key = $1";

/// Finds what the users `$1` and `$2`, whose direct key is `$3`, are to each other, unless one has blocked the other.
pub(in crate::storage) static RELATION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM conversations AS v JOIN members AS mine ON mine.conversation_id = v.id AND mine.user_id = $1 \
         JOIN members AS theirs ON theirs.conversation_id = v.id AND theirs.user_id = $2 \
         JOIN users AS me ON me.id = $1 JOIN users AS other ON other.id = $2 \
         WHERE v.direct_key = $3 AND NOT EXISTS (SELECT 1 FROM blocks \
         WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1))",
        RelationColumns::select()
    )
});

impl Storage {
    /// Returns conversations, newest first, at most `limit` and [`PAGE_BYTES`](crate::storage::PAGE_BYTES), but at
    /// least one; only those whose newest message has a number below `before`.
    pub async fn conversations(
        &self,
        viewer: Viewer,
        before: Option<Seq>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<Overview>, StorageError> {
        let mut before = before.map_or(i64::MAX, |seq| seq.0);
        let (query, mut page, mut steps) =
            (direct_overviews_query(self.backend()), Filling::new(limit), self.page_steps());
        loop {
            let values = [viewer.user.0.into(), now.as_micros().into(), before.into(), bind(page.room())];
            let rows = self.read_rows(&query, values).await?;
            let found: Result<Vec<Overview>, StorageError> =
                rows.into_iter().map(|row| overview(row, viewer)).collect();
            let bytes = |one: &Overview| {
                let last = one.last_message.as_ref().map_or(0, |message| message.content_for(viewer).len());
                last + one.partner.bytes()
            };
            if !page.take(found?, bytes) {
                return Ok(page.items);
            }
            steps.next().await?;
            before = page.items.last().map_or(before, |last| last.seq.0);
        }
    }

    /// Returns the relation of `user` to `other`; `None` when they have no conversation, or one has blocked the other.
    pub async fn relation(&self, user: UserId, other: UserId) -> Result<Option<Relation>, StorageError> {
        let key = DirectKey::new(user, other);
        let values = [Value::from(user.0), other.0.into(), key.get().into()];
        let Some(row) = self.reads.query_one(self.statement(RELATION.as_str(), values)).await? else { return Ok(None) };
        let found: RelationColumns = row.read()?;
        Ok(Some(Relation {
            conversation_id: found.conversation_id,
            has_received: found.newest_inbound.is_some(),
            has_sent: found.newest_outbound.is_some(),
            both_show_presence: found.both_show_presence != 0,
        }))
    }

    /// Returns the conversation of two users, if they have one.
    pub(in crate::storage) async fn direct_conversation(
        &self,
        key: DirectKey,
    ) -> Result<Option<ConversationId>, StorageError> {
        let row = self.reads.query_one(self.statement(DIRECT_CONVERSATION, [key.get().into()])).await?;
        row.map(|row| row.get(0)).transpose()
    }
}

fn overview(mut row: Row, viewer: Viewer) -> Result<Overview, StorageError> {
    let next = &mut 0;
    let last_message = Selected::optional(&mut row, next)?.map(|message| message.of(viewer));
    let partner: User = UserColumns::from_row(&mut row, next)?.into();
    let found = OverviewColumns::from_row(&mut row, next)?;
    let position = |id: i64| (id > 0).then_some(MessageId(id));
    let is_self_chat = partner.id == viewer.user;
    let delivered = found.shown_id.max(found.delivered_id);
    Ok(Overview {
        id: found.id,
        partner,
        last_message,
        unread: (found.unread - found.over_but_counted).max(0),
        read_up_to: position(found.read_id),
        partner_read_up_to: position(found.shown_id).filter(|_| !is_self_chat),
        partner_delivered_up_to: position(delivered).filter(|_| !is_self_chat),
        blocked: found.is_blocked != 0,
        seq: found.newest,
    })
}

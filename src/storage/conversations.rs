//! Conversations: between whom, how far each side has got, and who may see whom.

use sea_orm::{ConnectionTrait as _, Value};

use super::history::bind;
use super::replay::plan::PARTNER;
use super::rows::{COLUMNS, VISIBLE, message};
use super::{Storage, StorageError};
use crate::domain::{ConversationId, DirectKey, Message, MessageId, Seq, Timestamp, User, UserId};

/// A conversation as one side sees it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Its id.
    pub id: ConversationId,
    /// The other side; oneself for notes to oneself.
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

/// What two users are to each other.
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

pub(super) fn overview_query() -> String {
    format!(
        "SELECT v.id AS overview_id, v.newest_message_id, mine.unread, mine.read_id, theirs.shown_id, theirs.delivered_id, \
         CASE WHEN b.user_id IS NULL THEN 0 ELSE 1 END AS blocked, \
         u.id AS partner_id, u.name AS partner_name, u.public_key AS partner_public_key, {COLUMNS} \
         FROM (SELECT c.id AS id, c.direct_key AS direct_key, c.newest_message_id AS newest_message_id FROM members AS my \
         JOIN conversations AS c ON c.id = my.conversation_id \
         WHERE my.user_id = $1 AND c.newest_message_id < $3 ORDER BY c.newest_message_id DESC LIMIT $4 + 0) AS v \
         JOIN members AS mine ON mine.user_id = $1 AND mine.conversation_id = v.id \
         JOIN members AS theirs ON theirs.conversation_id = v.id AND theirs.user_id = {PARTNER} \
         JOIN users AS u ON u.id = theirs.user_id \
         LEFT JOIN blocks AS b ON b.user_id = $1 AND b.other_id = u.id \
         LEFT JOIN messages AS m ON m.id = (SELECT m.id FROM messages AS m WHERE m.conversation_id = v.id \
         AND m.gone_seq IS NULL AND {VISIBLE} ORDER BY m.timestamp DESC LIMIT 1) \
         LEFT JOIN bodies AS t ON t.id = m.id \
         ORDER BY v.newest_message_id DESC"
    )
}

pub(super) const RELATION: &str = "SELECT mine.conversation_id, mine.newest_inbound, theirs.newest_inbound, \
     CASE WHEN me.presence AND other.presence THEN 1 ELSE 0 END \
     FROM conversations AS v JOIN members AS mine ON mine.conversation_id = v.id AND mine.user_id = $1 \
     JOIN members AS theirs ON theirs.conversation_id = v.id AND theirs.user_id = $2 \
     JOIN users AS me ON me.id = $1 JOIN users AS other ON other.id = $2 \
     WHERE v.direct_key = $3 AND NOT EXISTS (SELECT 1 FROM blocks \
     WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1))";

impl Storage {
    /// The user's conversations, newest first, at most `limit`; only those whose newest message has a number below `before`.
    pub async fn conversations(
        &self,
        user: UserId,
        before: Option<Seq>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<Overview>, StorageError> {
        let before = before.map_or(i64::MAX, |seq| seq.0);
        let values = [user.0.into(), now.as_micros().into(), before.into(), bind(limit)];
        let rows = self.reader.query_all_raw(self.statement(overview_query(), values)).await?;
        let position = |id: i64| (id > 0).then_some(MessageId(id));
        rows.iter()
            .map(|row| {
                let shown: i64 = row.try_get("", "shown_id")?;
                let has_message = row.try_get::<Option<i64>>("", "id")?.is_some();
                let partner_id = UserId(row.try_get("", "partner_id")?);
                let is_note = partner_id == user;
                Ok(Overview {
                    id: ConversationId(row.try_get("", "overview_id")?),
                    partner: User {
                        id: partner_id,
                        name: row.try_get("", "partner_name")?,
                        public_key: row.try_get("", "partner_public_key")?,
                    },
                    last_message: if has_message { Some(message(row, user)?) } else { None },
                    unread: row.try_get("", "unread")?,
                    read_up_to: position(row.try_get("", "read_id")?),
                    partner_read_up_to: position(shown).filter(|_| !is_note),
                    partner_delivered_up_to: position(shown.max(row.try_get("", "delivered_id")?)).filter(|_| !is_note),
                    blocked: row.try_get::<i32>("", "blocked")? != 0,
                    seq: Seq(row.try_get("", "newest_message_id")?),
                })
            })
            .collect()
    }

    /// What `other` is to `user`; `None` when they have no conversation, or one has blocked the other.
    pub async fn relation(&self, user: UserId, other: UserId) -> Result<Option<Relation>, StorageError> {
        let key = DirectKey::new(user, other);
        let values = [Value::from(user.0), other.0.into(), key.get().into()];
        let Some(row) = self.reader.query_one_raw(self.statement(RELATION, values)).await? else { return Ok(None) };
        Ok(Some(Relation {
            conversation_id: ConversationId(row.try_get_by_index(0)?),
            has_received: row.try_get_by_index::<Option<i64>>(1)?.is_some(),
            has_sent: row.try_get_by_index::<Option<i64>>(2)?.is_some(),
            both_show_presence: row.try_get_by_index::<i32>(3)? != 0,
        }))
    }

    /// The conversation of two users, if they have one.
    pub(super) async fn conversation_between(
        &self,
        a: UserId,
        b: UserId,
    ) -> Result<Option<ConversationId>, StorageError> {
        let sql = "SELECT id FROM conversations WHERE direct_key = $1";
        let row = self.reader.query_one_raw(self.statement(sql, [DirectKey::new(a, b).get().into()])).await?;
        row.map(|row| Ok(ConversationId(row.try_get_by_index(0)?))).transpose()
    }
}

//! Receipts: how far each side has got. Those of a batch are merged, so that any number of them changes a row once.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::{
    Answer, Audience, ConversationId, DirectKey, EventBody, MessageId, Outcome, Receipt, ReceiptKind, Refusal, Seq,
    Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to_users};
use crate::storage::commands::cache::CachedConversation;
use crate::storage::messages::select::{Had, newest_of};

const POSITION: &str = "SELECT mine.read_id, mine.read_seq, mine.read_at, mine.shown_id, mine.delivered_id, \
     mine.newest_inbound, theirs.newest_inbound FROM members AS mine JOIN members AS theirs \
     ON theirs.user_id = $3 AND theirs.conversation_id = mine.conversation_id \
     WHERE mine.user_id = $1 AND mine.conversation_id = $2";

/// The newest message of `$2` in the conversation `$1` with `$4` that has a number of at most `$3`. Numbers and time
/// stamps grow together, so the conversation's indexes find it. A client names a message of its partner, which is the
/// first one found; one that names others must not make the writer walk over everything.
pub(in crate::storage) static NEWEST_AT_OR_BELOW: LazyLock<String> = LazyLock::new(|| {
    let conditions = "m.conversation_id = $1 \
         AND m.timestamp <= (SELECT timestamp FROM messages WHERE id <= $3 ORDER BY id DESC LIMIT 1)";
    let columns = "m.id AS id, m.sender_id AS sender_id, m.timestamp AS timestamp";
    let newest = newest_of(&[Had::ByBoth, Had::By("$2"), Had::By("$4")], columns, conditions, "1000");
    format!("SELECT MAX(id) FROM ({newest}) AS newest WHERE sender_id = $2")
});

/// Whether `$2` has written something with a number of at most `$3` of which only a tombstone is left: it is seldom
/// asked, and not looked for among more than can be.
const WROTE_WHAT_IS_GONE: &str = "SELECT 1 FROM (SELECT id, sender_id FROM messages WHERE conversation_id = $1 \
     AND gone_seq IS NOT NULL AND gone_how <> 4 LIMIT 1000) AS gone WHERE sender_id = $2 AND id <= $3 LIMIT 1";

/// Messages of `$2` between two numbers that their receiver `$5` still has.
pub(in crate::storage) static COUNT_BETWEEN: LazyLock<String> = LazyLock::new(|| {
    let count = |had: Had| {
        format!(
            "(SELECT COUNT(*) FROM messages AS m WHERE m.conversation_id = $1 AND m.sender_id = $2 AND {} \
             AND m.timestamp > COALESCE((SELECT timestamp FROM messages WHERE id <= $3 ORDER BY id DESC LIMIT 1), -1) \
             AND m.timestamp <= (SELECT timestamp FROM messages WHERE id <= $4 ORDER BY id DESC LIMIT 1))",
            had.condition()
        )
    };
    format!("SELECT {} + {}", count(Had::ByBoth), count(Had::By("$5")))
});

const MOVE_READ: &str = "UPDATE members SET read_id = $3, read_seq = $4, read_at = $5, unread = $6 \
     WHERE user_id = $1 AND conversation_id = $2";
const COUNT_DOWN: &str = "UPDATE members SET read_id = $3, read_seq = $4, read_at = $5, unread = CASE WHEN unread > $6 THEN unread - $6 ELSE 0 END \
     WHERE user_id = $1 AND conversation_id = $2";
const SHOW_READ: &str =
    "UPDATE members SET shown_id = $3, shown_seq = $4, shown_at = $5 WHERE user_id = $1 AND conversation_id = $2";
const MOVE_DELIVERED: &str = "UPDATE members SET delivered_id = $3, delivered_seq = $4, delivered_at = $5 \
     WHERE user_id = $1 AND conversation_id = $2";

/// Conversations of a user with something that was not reported as delivered or read. Only those with partners: a
/// stranger is told nothing.
const UNDELIVERED: &str = "SELECT m.conversation_id, c.direct_key, m.newest_inbound, m.delivered_id, m.shown_id, \
     theirs.newest_inbound FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id \
     JOIN members AS theirs ON theirs.conversation_id = m.conversation_id AND theirs.user_id <> m.user_id \
     WHERE m.user_id = $1 AND m.newest_inbound > m.delivered_id AND m.newest_inbound > m.shown_id \
     AND theirs.newest_inbound IS NOT NULL";

/// The receipts of a batch, merged.
#[derive(Default)]
pub(super) struct Requests {
    reads: HashMap<(UserId, UserId), Reads>,
    /// In the order of arrival.
    order: Vec<(UserId, UserId)>,
    delivered: Vec<(UserId, Place, Seq)>,
}

/// All `read`s of one user and partner; the first that goes furthest stands for them.
struct Reads {
    furthest: MessageId,
    winner: Place,
    others: Vec<Place>,
}

impl Requests {
    pub(super) fn read(&mut self, place: Place, user: UserId, partner: UserId, up_to: MessageId) {
        let Some(reads) = self.reads.get_mut(&(user, partner)) else {
            self.order.push((user, partner));
            self.reads.insert((user, partner), Reads { furthest: up_to, winner: place, others: Vec::new() });
            return;
        };
        if up_to > reads.furthest {
            reads.furthest = up_to;
            reads.others.push(std::mem::replace(&mut reads.winner, place));
        } else {
            reads.others.push(place);
        }
    }

    pub(super) fn delivered(&mut self, place: Place, user: UserId, up_to: Seq) {
        match self.delivered.iter_mut().find(|(other, ..)| *other == user) {
            Some((_, winner, furthest)) if up_to > *furthest => (*winner, *furthest) = (place, up_to),
            Some(_) => {}
            None => self.delivered.push((user, place, up_to)),
        }
    }
}

/// One side's position in a conversation.
struct Position {
    read: (MessageId, Seq, Timestamp),
    shown_id: MessageId,
    delivered_id: MessageId,
    newest_inbound: Option<MessageId>,
    /// The newest message that the user has written to the partner.
    newest_outbound: Option<MessageId>,
}

impl Position {
    /// The newest message that the partner knows to have arrived.
    fn known_delivered(&self) -> MessageId {
        self.delivered_id.max(self.shown_id)
    }
}

impl Batch<'_> {
    pub(super) async fn receipts(&mut self, mut requests: Requests) -> Result<(), StorageError> {
        for (user, partner) in requests.order {
            if let Some(reads) = requests.reads.remove(&(user, partner)) {
                self.read(user, partner, reads).await?;
            }
        }
        for (user, place, up_to) in requests.delivered {
            self.delivered(place, user, up_to).await?;
        }
        Ok(())
    }

    async fn read(&mut self, user: UserId, partner: UserId, reads: Reads) -> Result<(), StorageError> {
        let Reads { furthest, winner, others } = reads;
        let Some(conversation) = self.conversation(user, partner).await? else {
            for place in others.into_iter().chain([winner]) {
                self.finish(place, Outcome::refused(Refusal::NotFound));
            }
            return Ok(());
        };
        let id = conversation.id;
        let position = if user == partner { None } else { self.position(user, partner, id).await? };
        let Some(position) = position else {
            let nothing = Answer::NothingRead { conversation_id: id, user, partner };
            for place in others.into_iter().chain([winner]) {
                self.finish(place, Outcome::done(nothing.clone()));
            }
            return Ok(());
        };

        // What is stored after it in this batch it cannot have read.
        let limit = MessageId(furthest.0.min(self.seq(winner).0 - 1));
        let up_to = self.clamp(id, (user, partner), position.newest_inbound, limit).await?;
        let up_to = up_to.filter(|up_to| *up_to > position.read.0);
        let standing = if let Some(up_to) = up_to {
            let receipt = self.receipt(winner, ReceiptKind::Read, id, user, partner, up_to);
            let tells = !conversation.is_blocked
                && self.has_written(winner, id, (user, partner), position.newest_outbound).await?;
            self.move_read(winner, &receipt, &position, tells).await?;
            Some(receipt)
        } else {
            let (read, seq, timestamp) = position.read;
            let kind = ReceiptKind::Read;
            let conversation_id = id;
            // Positions older than receipts have no event.
            (seq.0 > 0).then_some(Receipt { seq, kind, conversation_id, user, partner, up_to: read, timestamp })
        };
        let repeated = match standing {
            Some(receipt) => Answer::Read { receipt, duplicate: true },
            None => Answer::NothingRead { conversation_id: id, user, partner },
        };
        let unmoved = up_to.is_none().then_some(winner);
        for place in others.into_iter().chain(unmoved) {
            self.finish(place, Outcome::done(repeated.clone()));
        }
        Ok(())
    }

    /// Moves a read position, and tells whoever may know: the partner only when `tells`.
    async fn move_read(
        &mut self,
        place: Place,
        receipt: &Receipt,
        position: &Position,
        tells: bool,
    ) -> Result<(), StorageError> {
        let (user, partner, id, up_to) = (receipt.user, receipt.partner, receipt.conversation_id, receipt.up_to);
        let key = || [user.0.into(), id.0.into()];
        let moved = || [up_to.0.into(), receipt.seq.0.into(), receipt.timestamp.as_micros().into()];
        if position.newest_inbound == Some(up_to) {
            self.execute(MOVE_READ, key().into_iter().chain(moved()).chain([0_i64.into()])).await?;
        } else {
            let range = [id.0.into(), partner.0.into(), position.read.0.0.into(), up_to.0.into(), user.0.into()];
            let row = self.tx.query_one(self.statement(COUNT_BETWEEN.as_str(), range)).await?;
            let read: i64 = row.map_or(Ok(0), |row| row.get(0))?;
            self.execute(COUNT_DOWN, key().into_iter().chain(moved()).chain([read.into()])).await?;
        }

        let body = EventBody::Receipt(receipt.clone());
        let answer = Ok(Answer::Read { receipt: receipt.clone(), duplicate: false });
        let mut shows = async |who| Ok::<_, StorageError>(self.user(who).await?.is_some_and(|u| u.read_receipts));
        let is_shown = tells && shows(user).await? && shows(partner).await?;
        let events = if is_shown {
            self.execute(SHOW_READ, key().into_iter().chain(moved())).await?;
            to_users([user, partner], receipt.seq, body)
        } else {
            let mut events = to_users([user], receipt.seq, body);
            // The partner learns no more than that it has arrived.
            if tells && up_to > position.known_delivered() {
                self.execute(MOVE_DELIVERED, key().into_iter().chain(moved())).await?;
                let delivered = Receipt { kind: ReceiptKind::Delivered, ..receipt.clone() };
                events.extend(to_users([partner], receipt.seq, EventBody::Receipt(delivered)));
            }
            events
        };
        self.finish(place, Outcome { answer, events });
        Ok(())
    }

    /// One command, one number: each partner gets its own receipt under it.
    async fn delivered(&mut self, place: Place, user: UserId, up_to: Seq) -> Result<(), StorageError> {
        let limit = MessageId(up_to.0.min(self.seq(place).0 - 1));
        let rows = self.tx.query(self.statement(UNDELIVERED, [user.0.into()])).await?;
        let mut events: Vec<(Audience, _)> = Vec::new();
        for row in rows {
            let id = ConversationId(row.get(0)?);
            let partner = DirectKey::from_stored(row.get(1)?).partner_of(user);
            let known = row.get::<i64>(3)?.max(row.get(4)?);
            let newest = row.get::<Option<i64>>(2)?.map(MessageId);
            if limit.0 <= known {
                continue;
            }
            let Some(CachedConversation { is_blocked: false, .. }) = self.conversation(user, partner).await? else {
                continue;
            };
            let answer = row.get::<Option<i64>>(5)?.map(MessageId);
            if !self.has_written(place, id, (user, partner), answer).await? {
                continue;
            }
            let Some(arrived) = self.clamp(id, (user, partner), newest, limit).await?.filter(|id| id.0 > known) else {
                continue;
            };
            let receipt = self.receipt(place, ReceiptKind::Delivered, id, user, partner, arrived);
            let moved = [arrived.0.into(), receipt.seq.0.into(), receipt.timestamp.as_micros().into()];
            self.execute(MOVE_DELIVERED, [user.0.into(), id.0.into()].into_iter().chain(moved)).await?;
            events.extend(to_users([partner], receipt.seq, EventBody::Receipt(receipt)));
        }
        self.finish(place, Outcome { answer: Ok(Answer::Done), events });
        Ok(())
    }

    /// The partner's newest message at or below `limit`.
    async fn clamp(
        &self,
        id: ConversationId,
        (user, partner): (UserId, UserId),
        newest: Option<MessageId>,
        limit: MessageId,
    ) -> Result<Option<MessageId>, StorageError> {
        let Some(newest) = newest else { return Ok(None) };
        if newest <= limit {
            return Ok(Some(newest));
        }
        let values = [id.0.into(), partner.0.into(), limit.0.into(), user.0.into()];
        let row = self.tx.query_one(self.statement(NEWEST_AT_OR_BELOW.as_str(), values)).await?;
        Ok(row.map_or(Ok(None), |row| row.get::<Option<i64>>(0))?.map(MessageId))
    }

    /// Whether the user had written to the partner before this command: a message that makes them partners may be in
    /// the same batch, behind it.
    async fn has_written(
        &self,
        place: Place,
        id: ConversationId,
        (user, partner): (UserId, UserId),
        newest: Option<MessageId>,
    ) -> Result<bool, StorageError> {
        let before = MessageId(self.seq(place).0 - 1);
        if newest.is_none() || self.clamp(id, (partner, user), newest, before).await?.is_some() {
            return Ok(newest.is_some());
        }
        let values = [id.0.into(), user.0.into(), before.0.into()];
        Ok(self.tx.query_one(self.statement(WROTE_WHAT_IS_GONE, values)).await?.is_some())
    }

    async fn position(
        &self,
        user: UserId,
        partner: UserId,
        id: ConversationId,
    ) -> Result<Option<Position>, StorageError> {
        let values = [user.0.into(), id.0.into(), partner.0.into()];
        let row = self.tx.query_one(self.statement(POSITION, values)).await?;
        let Some(row) = row else { return Ok(None) };
        let read = (MessageId(row.get(0)?), Seq(row.get(1)?));
        Ok(Some(Position {
            read: (read.0, read.1, Timestamp::from_micros(row.get(2)?)),
            shown_id: MessageId(row.get(3)?),
            delivered_id: MessageId(row.get(4)?),
            newest_inbound: row.get::<Option<i64>>(5)?.map(MessageId),
            newest_outbound: row.get::<Option<i64>>(6)?.map(MessageId),
        }))
    }

    fn receipt(
        &self,
        place: Place,
        kind: ReceiptKind,
        conversation_id: ConversationId,
        user: UserId,
        partner: UserId,
        up_to: MessageId,
    ) -> Receipt {
        Receipt { seq: self.seq(place), kind, conversation_id, user, partner, up_to, timestamp: self.time(place) }
    }
}

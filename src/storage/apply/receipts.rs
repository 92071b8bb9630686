//! Receipts: how far each side has got. Those of a batch are merged, so that any number of them changes a row once.

use std::collections::HashMap;

use super::{Batch, Place, to_users};
use crate::domain::{
    Answer, Audience, ConversationId, DirectKey, EventBody, MessageId, Outcome, Receipt, ReceiptKind, Refusal, Seq,
    Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::facts::Conversation;

const POSITION: &str = "SELECT read_id, read_seq, read_at, shown_id, delivered_id, newest_inbound FROM members \
     WHERE user_id = $1 AND conversation_id = $2";

/// The newest message of `$2` in a conversation with a number of at most `$3`. Numbers and time stamps grow together, so the
/// conversation's index finds it. A client names a message of its partner, which is the first one found; one that names others
/// must not make the writer walk over everything.
const NEWEST_AT_OR_BELOW: &str = "SELECT id FROM (SELECT id, sender_id, timestamp FROM messages \
     WHERE conversation_id = $1 AND gone_seq IS NULL \
     AND timestamp <= (SELECT timestamp FROM messages WHERE id <= $3 ORDER BY id DESC LIMIT 1) \
     ORDER BY timestamp DESC LIMIT 1000) AS newest WHERE sender_id = $2 ORDER BY timestamp DESC LIMIT 1";

/// Messages of `$2` between two numbers that their receiver still has.
const COUNT_BETWEEN: &str = "SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND gone_seq IS NULL \
     AND timestamp > COALESCE((SELECT timestamp FROM messages WHERE id <= $3 ORDER BY id DESC LIMIT 1), -1) \
     AND timestamp <= (SELECT timestamp FROM messages WHERE id <= $4 ORDER BY id DESC LIMIT 1) \
     AND sender_id = $2 AND receiver_gone IS NULL";

const MOVE_READ: &str = "UPDATE members SET read_id = $3, read_seq = $4, read_at = $5, unread = $6 \
     WHERE user_id = $1 AND conversation_id = $2";
const COUNT_DOWN: &str = "UPDATE members SET read_id = $3, read_seq = $4, read_at = $5, unread = CASE WHEN unread > $6 THEN unread - $6 ELSE 0 END \
     WHERE user_id = $1 AND conversation_id = $2";
const SHOW_READ: &str =
    "UPDATE members SET shown_id = $3, shown_seq = $4, shown_at = $5 WHERE user_id = $1 AND conversation_id = $2";
const MOVE_DELIVERED: &str = "UPDATE members SET delivered_id = $3, delivered_seq = $4, delivered_at = $5 \
     WHERE user_id = $1 AND conversation_id = $2";

/// Conversations of a user with something that was not reported as delivered or read.
const UNDELIVERED: &str = "SELECT m.conversation_id, c.direct_key, m.newest_inbound, m.delivered_id, m.shown_id \
     FROM members AS m JOIN conversations AS c ON c.id = m.conversation_id \
     WHERE m.user_id = $1 AND m.newest_inbound > m.delivered_id AND m.newest_inbound > m.shown_id";

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
        let position = if user == partner { None } else { self.position(user, id).await? };
        let Some(position) = position else {
            let nothing = Answer::NothingRead { conversation_id: id, user, partner };
            for place in others.into_iter().chain([winner]) {
                self.finish(place, Outcome::done(nothing.clone()));
            }
            return Ok(());
        };

        // What is stored after it in this batch it cannot have read.
        let limit = MessageId(furthest.0.min(self.seq(winner).0 - 1));
        let up_to = self.clamp(id, partner, position.newest_inbound, limit).await?;
        let up_to = up_to.filter(|up_to| *up_to > position.read.0);
        let standing = if let Some(up_to) = up_to {
            let receipt = self.receipt(winner, ReceiptKind::Read, id, user, partner, up_to);
            self.move_read(winner, &receipt, &position, conversation.is_blocked).await?;
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

    /// Moves a read position, and tells whoever may know.
    async fn move_read(
        &mut self,
        place: Place,
        receipt: &Receipt,
        position: &Position,
        is_blocked: bool,
    ) -> Result<(), StorageError> {
        let (user, partner, id, up_to) = (receipt.user, receipt.partner, receipt.conversation_id, receipt.up_to);
        let key = || [user.0.into(), id.0.into()];
        let moved = || [up_to.0.into(), receipt.seq.0.into(), receipt.timestamp.as_micros().into()];
        if position.newest_inbound == Some(up_to) {
            self.execute(MOVE_READ, key().into_iter().chain(moved()).chain([0_i64.into()])).await?;
        } else {
            let range = [id.0.into(), partner.0.into(), position.read.0.0.into(), up_to.0.into()];
            let row = self.tx.query_one(self.statement(COUNT_BETWEEN, range)).await?;
            let read: i64 = row.map_or(Ok(0), |row| row.get(0))?;
            self.execute(COUNT_DOWN, key().into_iter().chain(moved()).chain([read.into()])).await?;
        }

        let body = EventBody::Receipt(receipt.clone());
        let answer = Ok(Answer::Read { receipt: receipt.clone(), duplicate: false });
        let mut shows = async |who| Ok::<_, StorageError>(self.user(who).await?.is_some_and(|u| u.read_receipts));
        let is_shown = !is_blocked && shows(user).await? && shows(partner).await?;
        let events = if is_shown {
            self.execute(SHOW_READ, key().into_iter().chain(moved())).await?;
            to_users([user, partner], receipt.seq, body)
        } else {
            let mut events = to_users([user], receipt.seq, body);
            // The partner learns no more than that it has arrived.
            if !is_blocked && up_to > position.known_delivered() {
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
            let Some(Conversation { is_blocked: false, .. }) = self.conversation(user, partner).await? else {
                continue;
            };
            let Some(arrived) = self.clamp(id, partner, newest, limit).await?.filter(|id| id.0 > known) else {
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
        partner: UserId,
        newest: Option<MessageId>,
        limit: MessageId,
    ) -> Result<Option<MessageId>, StorageError> {
        let Some(newest) = newest else { return Ok(None) };
        if newest <= limit {
            return Ok(Some(newest));
        }
        let values = [id.0.into(), partner.0.into(), limit.0.into()];
        let row = self.tx.query_one(self.statement(NEWEST_AT_OR_BELOW, values)).await?;
        Ok(row.map(|row| row.get(0)).transpose()?.map(MessageId))
    }

    async fn position(&self, user: UserId, id: ConversationId) -> Result<Option<Position>, StorageError> {
        let row = self.tx.query_one(self.statement(POSITION, [user.0.into(), id.0.into()])).await?;
        let Some(row) = row else { return Ok(None) };
        let read = (MessageId(row.get(0)?), Seq(row.get(1)?));
        Ok(Some(Position {
            read: (read.0, read.1, Timestamp::from_micros(row.get(2)?)),
            shown_id: MessageId(row.get(3)?),
            delivered_id: MessageId(row.get(4)?),
            newest_inbound: row.get::<Option<i64>>(5)?.map(MessageId),
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

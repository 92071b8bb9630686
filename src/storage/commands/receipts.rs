//! Receipts: how far each side has got. Those of a batch are merged, so that any number of them changes a row once.

pub(super) mod merged;
pub(in crate::storage) mod statements;

use crate::domain::{
    Answer, Audience, Conversation, DirectKey, EventBody, MessageId, Outcome, Receipt, ReceiptKind, Refusal, Seq,
    Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to};
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::numbers::id_at;

use merged::{MergedReceipts, Reads};
use statements::{
    COUNT_BETWEEN, DIRECT_POSITION, DIRECT_UNDELIVERED, MOVE_DELIVERED, MOVE_READ_PARTLY, MOVE_READ_TO_NEWEST,
    NEWEST_AT_OR_BELOW, PositionColumns, SHOW_READ, UndeliveredColumns, WROTE_WHAT_IS_GONE,
};

/// One side of a conversation of two.
#[derive(Clone, Copy)]
struct Side {
    conversation: Conversation,
    user: UserId,
    partner: UserId,
}

impl Side {
    fn new(conversation: Conversation, user: UserId) -> Self {
        Self { conversation, user, partner: conversation.direct.partner_of(user) }
    }

    fn other(self) -> Self {
        Self { user: self.partner, partner: self.user, ..self }
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
    /// Returns the newest message that the partner knows to have arrived.
    fn known_delivered(&self) -> MessageId {
        self.delivered_id.max(self.shown_id)
    }
}

impl Batch<'_> {
    pub(super) async fn receipts(&mut self, mut merged: MergedReceipts) -> Result<(), StorageError> {
        for (user, conversation) in merged.order {
            if let Some(reads) = merged.reads.remove(&(user, conversation)) {
                self.read(user, conversation, reads).await?;
            }
        }
        for (user, place, up_to) in merged.delivered {
            self.delivered(place, user, up_to).await?;
        }
        Ok(())
    }

    async fn read(&mut self, user: UserId, direct: DirectKey, reads: Reads) -> Result<(), StorageError> {
        let Reads { furthest, winner, others } = reads;
        let Some(conversation) = self.conversation(direct).await? else {
            for place in others.into_iter().chain([winner]) {
                self.finish(place, Outcome::refused(Refusal::NotFound));
            }
            return Ok(());
        };
        let side = Side::new(Conversation { id: conversation.id, direct }, user);
        let nothing = Answer::NothingRead { conversation_id: conversation.id, user, partner: side.partner };
        let position = if user == side.partner { None } else { self.position(side).await? };
        let Some(position) = position else {
            for place in others.into_iter().chain([winner]) {
                self.finish(place, Outcome::done(nothing.clone()));
            }
            return Ok(());
        };

        // The user cannot have read what is stored after this command in the batch.
        let limit = furthest.min(self.newest_before(winner));
        let up_to = self.clamp(side, position.newest_inbound, limit).await?;
        let up_to = up_to.filter(|up_to| *up_to > position.read.0);
        let standing = if let Some(up_to) = up_to {
            let receipt = self.receipt(winner, ReceiptKind::Read, side, up_to);
            let is_told = !conversation.is_blocked && self.has_written(winner, side, position.newest_outbound).await?;
            self.move_read(winner, &receipt, &position, is_told).await?;
            Some(receipt)
        } else {
            let (read, seq, timestamp) = position.read;
            let standing = Receipt { seq, timestamp, ..self.receipt(winner, ReceiptKind::Read, side, read) };
            // Positions from before there were receipts have no event.
            (seq.0 > 0).then_some(standing)
        };
        let repeated = match standing {
            Some(receipt) => Answer::Read { receipt, duplicate: true },
            None => nothing,
        };
        let unmoved = up_to.is_none().then_some(winner);
        for place in others.into_iter().chain(unmoved) {
            self.finish(place, Outcome::done(repeated.clone()));
        }
        Ok(())
    }

    /// Moves a read position, and makes the events of it; the partner learns of it only when `is_told`.
    async fn move_read(
        &mut self,
        place: Place,
        receipt: &Receipt,
        position: &Position,
        is_told: bool,
    ) -> Result<(), StorageError> {
        let (user, partner, id, up_to) = (receipt.user, receipt.partner, receipt.conversation_id, receipt.up_to);
        let key = || [user.0.into(), id.0.into()];
        let moved = || [up_to.0.into(), receipt.seq.0.into(), receipt.timestamp.as_micros().into()];
        if position.newest_inbound == Some(up_to) {
            self.execute(MOVE_READ_TO_NEWEST, key().into_iter().chain(moved())).await?;
        } else {
            let range = [id.0.into(), partner.0.into(), position.read.0.0.into(), up_to.0.into(), user.0.into()];
            let row = self.tx.query_one(self.statement(COUNT_BETWEEN.as_str(), range)).await?;
            let read: i64 = row.map_or(Ok(0), |row| row.get(0))?;
            self.execute(MOVE_READ_PARTLY, key().into_iter().chain(moved()).chain([read.into()])).await?;
        }

        let body = EventBody::Receipt(receipt.clone());
        let answer = Ok(Answer::Read { receipt: receipt.clone(), duplicate: false });
        let mut shows = async |who| Ok::<_, StorageError>(self.user(who).await?.is_some_and(|u| u.read_receipts));
        let is_shown = is_told && shows(user).await? && shows(partner).await?;
        let events = if is_shown {
            self.execute(SHOW_READ, key().into_iter().chain(moved())).await?;
            to(Audience::Members(receipt.conversation()), receipt.seq, body)
        } else {
            let mut events = to(Audience::User(user), receipt.seq, body);
            // The partner learns no more than that it has arrived.
            if is_told && up_to > position.known_delivered() {
                self.execute(MOVE_DELIVERED, key().into_iter().chain(moved())).await?;
                let delivered = Receipt { kind: ReceiptKind::Delivered, ..receipt.clone() };
                events.extend(to(Audience::User(partner), receipt.seq, EventBody::Receipt(delivered)));
            }
            events
        };
        self.finish(place, Outcome { answer, events });
        Ok(())
    }

    /// Reports what has arrived. The command has one number, under which each partner gets a receipt of its own.
    async fn delivered(&mut self, place: Place, user: UserId, up_to: Seq) -> Result<(), StorageError> {
        let limit = id_at(up_to).min(self.newest_before(place));
        let rows = self.tx.query(self.statement(DIRECT_UNDELIVERED.as_str(), [user.0.into()])).await?;
        let mut events: Vec<(Audience, _)> = Vec::new();
        for row in rows {
            let row: UndeliveredColumns = row.read()?;
            let conversation = Conversation { id: row.conversation_id, direct: DirectKey::from_stored(row.direct_key) };
            let side = Side::new(conversation, user);
            let known = row.delivered_id.max(row.shown_id);
            if limit <= known {
                continue;
            }
            let found = self.conversation(conversation.direct).await?;
            let is_told = found.is_some_and(|found| !found.is_blocked);
            if !is_told || !self.has_written(place, side, row.newest_outbound).await? {
                continue;
            }
            let arrived = self.clamp(side, row.newest_inbound, limit).await?.filter(|id| *id > known);
            let Some(arrived) = arrived else { continue };
            let receipt = self.receipt(place, ReceiptKind::Delivered, side, arrived);
            let moved = [arrived.0.into(), receipt.seq.0.into(), receipt.timestamp.as_micros().into()];
            self.execute(MOVE_DELIVERED, [user.0.into(), conversation.id.0.into()].into_iter().chain(moved)).await?;
            events.extend(to(Audience::User(side.partner), receipt.seq, EventBody::Receipt(receipt)));
        }
        self.finish(place, Outcome { answer: Ok(Answer::Done), events });
        Ok(())
    }

    /// Returns the partner's newest message at or below `limit`; `newest` is the newest of all.
    async fn clamp(
        &self,
        Side { conversation, user, partner }: Side,
        newest: Option<MessageId>,
        limit: MessageId,
    ) -> Result<Option<MessageId>, StorageError> {
        let Some(newest) = newest else { return Ok(None) };
        if newest <= limit {
            return Ok(Some(newest));
        }
        let values = [conversation.id.0.into(), partner.0.into(), limit.0.into(), user.0.into()];
        let row = self.tx.query_one(self.statement(NEWEST_AT_OR_BELOW.as_str(), values)).await?;
        Ok(row.map_or(Ok(None), |row| row.get::<Option<i64>>(0))?.map(MessageId))
    }

    /// Returns whether the user had written to the partner before this command: a message that makes them partners may
    /// be in the same batch, behind it.
    async fn has_written(&self, place: Place, side: Side, newest: Option<MessageId>) -> Result<bool, StorageError> {
        let before = self.newest_before(place);
        if newest.is_none() || self.clamp(side.other(), newest, before).await?.is_some() {
            return Ok(newest.is_some());
        }
        let values = [side.conversation.id.0.into(), side.user.0.into(), before.0.into()];
        Ok(self.tx.query_one(self.statement(WROTE_WHAT_IS_GONE.as_str(), values)).await?.is_some())
    }

    async fn position(&self, side: Side) -> Result<Option<Position>, StorageError> {
        let values = [side.user.0.into(), side.conversation.id.0.into(), side.partner.0.into()];
        let row = self.tx.query_one(self.statement(DIRECT_POSITION.as_str(), values)).await?;
        let Some(row) = row else { return Ok(None) };
        let found: PositionColumns = row.read()?;
        Ok(Some(Position {
            read: (found.read_id, found.read_seq, found.read_at),
            shown_id: found.shown_id,
            delivered_id: found.delivered_id,
            newest_inbound: found.newest_inbound,
            newest_outbound: found.newest_outbound,
        }))
    }

    fn receipt(&self, place: Place, kind: ReceiptKind, side: Side, up_to: MessageId) -> Receipt {
        let Side { conversation, user, partner } = side;
        let (seq, timestamp) = (self.seq(place), self.time(place));
        Receipt { seq, kind, conversation_id: conversation.id, user, partner, up_to, timestamp }
    }
}

//! Receipts: how far each side has got. Those of a batch are merged, so that any number of them reads and changes a row
//! once, and are carried out together: what they need to know is read, then it is decided what each of them does, then
//! all positions are moved.

pub(super) mod merged;
pub(super) mod moves;
pub(in crate::storage) mod statements;

use crate::domain::{
    Answer, Audience, Conversation, EventBody, MessageId, Outcome, Receipt, ReceiptKind, Refusal, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::schema::numbers::id_at;

use merged::{MergedReceipts, Reads};
use moves::Moves;
use statements::{Found, MOVE, sides};

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
}

/// Receipts that stand for all of their kind.
enum Asked {
    Read { side: Side, is_blocked: bool, reads: Reads },
    Delivered { user: UserId, place: Place, most: MessageId },
}

impl Batch<'_> {
    pub(super) async fn receipts(&mut self, merged: MergedReceipts) -> Result<(), StorageError> {
        if merged.is_empty() {
            return Ok(());
        }
        let asked = self.asked(merged);
        let found = self.found(&asked).await?;
        let mut moves = Moves::default();
        for (asked, found) in asked.into_iter().zip(found) {
            match asked {
                Asked::Read { side, is_blocked, reads } => {
                    self.read(side, is_blocked, reads, found.into_iter().next(), &mut moves);
                }
                // Behind all reads, whose moves it sees.
                Asked::Delivered { user, place, .. } => self.delivered(user, place, found, &mut moves),
            }
        }
        if let Some(plain) = &mut self.plain {
            plain.set_moves(moves);
            return Ok(());
        }
        self.tx.query_each(&MOVE, &moves.rows()).await?;
        Ok(())
    }

    /// Returns the receipts that may move something: all reads, then all reports of delivery. Finishes the others.
    fn asked(&mut self, merged: MergedReceipts) -> Vec<Asked> {
        let mut asked = Vec::with_capacity(merged.reads.len() + merged.delivered.len());
        for ((user, direct), reads) in merged.reads {
            let Some(conversation) = self.conversation(direct) else {
                for place in reads.places() {
                    self.finish(place, Outcome::refused(Refusal::NotFound));
                }
                continue;
            };
            let side = Side::new(Conversation { id: conversation.id, direct }, user);
            if user == side.partner {
                self.finish_unmoved(side, &reads, None);
                continue;
            }
            asked.push(Asked::Read { side, is_blocked: conversation.is_blocked, reads });
        }
        let delivered = merged.delivered.into_iter();
        asked.extend(delivered.map(|(user, (place, up_to))| {
            let most = id_at(up_to).min(self.newest_before(place));
            Asked::Delivered { user, place, most }
        }));
        asked
    }

    /// Reads what the receipts need to know, all at once.
    async fn found(&self, asked: &[Asked]) -> Result<Vec<Vec<Found>>, StorageError> {
        let rows = asked.iter().enumerate().map(|(number, asked)| {
            let (user, conversation, partner, most, place) = match *asked {
                Asked::Read { side, ref reads, .. } => {
                    // The user cannot have read what is stored after this command in the batch.
                    let most = reads.furthest.min(self.newest_before(reads.winner));
                    (side.user, side.conversation.id.0, side.partner.0, most, reads.winner)
                }
                Asked::Delivered { user, place, most } => (user, 0, 0, most, place),
            };
            let [number, conversation] = [Self::number(number), conversation].map(Cell::BigInt);
            let [most, before] = [most, self.newest_before(place)].map(|id| Cell::BigInt(id.0));
            [number, Cell::Int(user.0), conversation, Cell::Int(partner), most, before]
        });
        let mut found: Vec<Vec<Found>> = asked.iter().map(|_| Vec::new()).collect();
        for row in self.tx.query_each(sides(self.storage.backend()), &Bulk::new(rows)).await? {
            let side: Found = row.read()?;
            if let Some(of_one) = usize::try_from(side.asked).ok().and_then(|number| found.get_mut(number)) {
                of_one.push(side);
            }
        }
        Ok(found)
    }

    fn read(&mut self, side: Side, is_blocked: bool, reads: Reads, found: Option<Found>, moves: &mut Moves) {
        let Some(found) = found else { return self.finish_unmoved(side, &reads, None) };
        let Some(up_to) = found.up_to.filter(|up_to| *up_to > found.read_id) else {
            let standing = self.receipt(reads.winner, ReceiptKind::Read, side, found.read_id);
            let standing = Receipt { seq: found.read_seq, timestamp: found.read_at, ..standing };
            // Positions from before there were receipts have no event.
            return self.finish_unmoved(side, &reads, Some(standing).filter(|standing| standing.seq.0 > 0));
        };
        let receipt = self.receipt(reads.winner, ReceiptKind::Read, side, up_to);
        let is_newest = found.newest_inbound == Some(up_to);
        moves.read(&receipt, (!is_newest).then_some(found.more_read));

        // The partner learns of it only after the user has written, too.
        let is_told = !is_blocked && found.has_written;
        let body = EventBody::Receipt(receipt.clone());
        let events = if is_told && self.shows_reads(side.user) && self.shows_reads(side.partner) {
            moves.shown(&receipt);
            to(Audience::Members(side.conversation), receipt.seq, body)
        } else {
            let mut events = to(Audience::User(side.user), receipt.seq, body);
            // The partner learns no more than that it has arrived.
            if is_told && up_to > found.known_delivered() {
                moves.delivered(&receipt);
                let delivered = Receipt { kind: ReceiptKind::Delivered, ..receipt.clone() };
                events.extend(to(Audience::User(side.partner), receipt.seq, EventBody::Receipt(delivered)));
            }
            events
        };
        for place in reads.others {
            self.finish(place, Outcome::done(Answer::Read { receipt: receipt.clone(), duplicate: true }));
        }
        self.finish(reads.winner, Outcome { answer: Ok(Answer::Read { receipt, duplicate: false }), events });
    }

    /// Answers reads that have moved nothing with the receipt of the position that stands, if there is one.
    fn finish_unmoved(&mut self, side: Side, reads: &Reads, standing: Option<Receipt>) {
        let Side { conversation, user, partner } = side;
        let answer = match standing {
            Some(receipt) => Answer::Read { receipt, duplicate: true },
            None => Answer::NothingRead { conversation_id: conversation.id, user, partner },
        };
        for place in reads.places() {
            self.finish(place, Outcome::done(answer.clone()));
        }
    }

    /// Reports what has arrived. The command has one number, under which each partner gets a receipt of its own.
    fn delivered(&mut self, user: UserId, place: Place, mut found: Vec<Found>, moves: &mut Moves) {
        let mut events = Vec::new();
        found.sort_by_key(|found| found.conversation_id);
        for found in found.into_iter().filter(|found| !found.is_blocked && found.has_written) {
            let known =
                found.known_delivered().max(moves.known_delivered(user, found.conversation_id).unwrap_or(MessageId(0)));
            let Some(arrived) = found.up_to.filter(|id| *id > known) else { continue };
            let conversation = Conversation { id: found.conversation_id, direct: found.direct_key };
            let receipt = self.receipt(place, ReceiptKind::Delivered, Side::new(conversation, user), arrived);
            moves.delivered(&receipt);
            events.extend(to(Audience::User(receipt.partner), receipt.seq, EventBody::Receipt(receipt)));
        }
        self.finish(place, Outcome { answer: Ok(Answer::Done), events });
    }

    fn shows_reads(&mut self, user: UserId) -> bool {
        self.user(user).is_some_and(|user| user.read_receipts)
    }

    fn receipt(&self, place: Place, kind: ReceiptKind, side: Side, up_to: MessageId) -> Receipt {
        let Side { conversation, user, partner } = side;
        let (seq, timestamp) = (self.seq(place), self.time(place));
        Receipt { seq, kind, conversation_id: conversation.id, user, partner, up_to, timestamp }
    }
}

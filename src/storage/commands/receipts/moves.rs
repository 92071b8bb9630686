//! The positions that the receipts of a batch move, each row once.

use std::collections::BTreeMap;

use crate::domain::{ConversationId, MessageId, Receipt, UserId};
use crate::storage::engine::bulk::{Bulk, Cell};

use Cell::{BigInt, Int};

/// Where the positions of one side are now; `None` where one stays.
#[derive(Default)]
pub(in crate::storage::commands) struct Moved {
    read: Option<Position>,
    /// How many messages the read position has taken from the unread ones; `None`: all.
    more_read: Option<i64>,
    shown: Option<Position>,
    delivered: Option<Position>,
}

/// A message, and the number and time stamp of the receipt that names it.
#[derive(Clone, Copy)]
struct Position([i64; 3]);

impl Position {
    fn of(receipt: &Receipt) -> Self {
        Self([receipt.up_to.0, receipt.seq.0, receipt.timestamp.as_micros()])
    }

    fn id(self) -> MessageId {
        let Self([id, ..]) = self;
        MessageId(id)
    }
}

impl Moved {
    /// Returns the cells of a row of the statement [`MOVE`](super::statements::MOVE) behind its first two.
    pub(in crate::storage::commands) fn columns(&self) -> [i64; 10] {
        let cells = |position: Option<Position>| position.map_or([0; 3], |it| it.0);
        let [read, read_seq, read_at] = cells(self.read);
        let [shown, shown_seq, shown_at] = cells(self.shown);
        let [delivered, delivered_seq, delivered_at] = cells(self.delivered);
        let more_read = self.more_read.unwrap_or(-1);
        [read, read_seq, read_at, shown, shown_seq, shown_at, delivered, delivered_seq, delivered_at, more_read]
    }
}

/// What moves, by side.
#[derive(Default)]
pub(in crate::storage::commands) struct Moves(BTreeMap<(UserId, ConversationId), Moved>);

impl Moves {
    fn of(&mut self, receipt: &Receipt) -> &mut Moved {
        self.0.entry((receipt.user, receipt.conversation_id)).or_default()
    }

    /// Moves a read position, past `more_read` messages or past all of them.
    pub(super) fn read(&mut self, receipt: &Receipt, more_read: Option<i64>) {
        let moved = self.of(receipt);
        (moved.read, moved.more_read) = (Some(Position::of(receipt)), more_read);
    }

    /// Shows a read position to the partner.
    pub(super) fn shown(&mut self, receipt: &Receipt) {
        self.of(receipt).shown = Some(Position::of(receipt));
    }

    /// Tells the partner what has arrived.
    pub(super) fn delivered(&mut self, receipt: &Receipt) {
        self.of(receipt).delivered = Some(Position::of(receipt));
    }

    /// Returns the newest message that the partner knows to have arrived from what has moved so far.
    pub(super) fn known_delivered(&self, user: UserId, conversation: ConversationId) -> Option<MessageId> {
        let moved = self.0.get(&(user, conversation))?;
        [moved.shown, moved.delivered].into_iter().flatten().map(Position::id).max()
    }

    /// Returns the sides that move, in their order.
    pub(in crate::storage::commands) fn iter(&self) -> impl Iterator<Item = ((UserId, ConversationId), &Moved)> {
        self.0.iter().map(|(side, moved)| (*side, moved))
    }

    /// Returns the rows of the statement [`MOVE`](super::statements::MOVE).
    pub(super) fn rows(&self) -> Bulk<'static, 12> {
        Bulk::new(self.iter().map(|((user, conversation), moved)| {
            let [
                read,
                read_seq,
                read_at,
                shown,
                shown_seq,
                shown_at,
                delivered,
                delivered_seq,
                delivered_at,
                more_read,
            ] = moved.columns().map(BigInt);
            let (user, conversation) = (Int(user.0), BigInt(conversation.0));
            [
                user,
                conversation,
                read,
                read_seq,
                read_at,
                shown,
                shown_seq,
                shown_at,
                delivered,
                delivered_seq,
                delivered_at,
                more_read,
            ]
        }))
    }
}

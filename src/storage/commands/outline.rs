//! Which batches are plain, on PostgreSQL: those of new messages and of receipts among people who are known, as nearly
//! all are. They are decided upon without changing anything, and [stored](super::plain) all at once.
//!
//! What their receipts find in the store is what was there before the batch. So none may be about a message of the same
//! batch, nor from a user who writes there for the first time.

use std::collections::HashSet;

use crate::domain::{Command, Draft, MessageId, Seq, Urgency, UserId};
use crate::storage::commands::batch::{Batch, Targets};
use crate::storage::commands::lookup::LookedUp;
use crate::storage::commands::numbers::StoreRow;
use crate::storage::engine::tx::Transaction;
use crate::storage::schema::numbers::id_at;

/// What a batch must find in the row of `store` to be a plain one.
pub(super) struct Outline {
    /// The newest message that a receipt names.
    newest_named: Option<MessageId>,
    has_messages: bool,
    /// Whether there are messages that wake nobody.
    has_quiet: bool,
}

impl Outline {
    /// Returns whether the batch is plain with the numbers behind this row.
    pub(super) fn fits(&self, row: &StoreRow, targets: Targets) -> bool {
        let first = id_at(Seq(row.head + 1));
        let is_named = self.has_messages && self.newest_named.is_some_and(|named| named >= first);
        // Otherwise the time is marked, or it is noted that nobody is to be woken.
        let notes_quiet = self.has_quiet && targets == Targets::Woken;
        row.allows_plain() && !is_named && !notes_quiet
    }
}

impl StoreRow {
    /// Returns whether there are plain batches: the time need not be marked.
    pub(super) fn allows_plain(&self) -> bool {
        self.marked_at == 0 && !self.is_ahead()
    }
}

impl Batch<'_> {
    /// Returns what these commands need to be a plain batch; `None` when they cannot be one. `looked_up` is what the
    /// cache lacked of what they need to know.
    pub(super) fn outline(&self, commands: &[Command], looked_up: &LookedUp) -> Option<Outline> {
        let is_possible = matches!(self.tx, Transaction::Postgres(_)) && self.cache.forecast.of_plain.is_over();
        if !is_possible || !looked_up.absent.is_empty() || !self.room.is_unlimited() {
            return None;
        }
        let (mut beginners, mut readers) = (HashSet::<UserId>::new(), HashSet::<UserId>::new());
        let mut outline = Outline { newest_named: None, has_messages: false, has_quiet: false };
        for command in commands {
            let (reader, named) = match command {
                Command::Send(draft) if draft.attachment_ids.is_empty() => {
                    outline.has_messages = true;
                    outline.has_quiet |= draft.urgency == Urgency::None;
                    beginners.extend(self.is_first(draft).then_some(draft.sender));
                    continue;
                }
                Command::Read { user, up_to, .. } => (*user, *up_to),
                Command::Delivered { user, up_to } => (*user, id_at(*up_to)),
                _ => return None,
            };
            readers.insert(reader);
            outline.newest_named = outline.newest_named.max(Some(named));
        }
        (!commands.is_empty() && beginners.is_disjoint(&readers)).then_some(outline)
    }

    /// Returns whether the sender has not written in the conversation before, as far as is known.
    fn is_first(&self, draft: &Draft) -> bool {
        draft.conversation.is_some_and(|direct| {
            let known = self.cache.conversations.peek(&direct);
            known.is_none_or(|known| !known.has_written(direct, draft.sender))
        })
    }
}

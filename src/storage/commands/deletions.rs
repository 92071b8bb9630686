//! Deletion of messages: for one side, for both, or because their time is over. The ciphertext is overwritten; the row
//! stays as a tombstone, so that a retry still finds it.
//!
//! All deletions of a batch are decided on one reading of their messages, each on what those before it have left, and
//! then made together: two statements on PostgreSQL, however many they are.
//!
//! They come behind the sends and receipts of the batch. Clients see no difference to the order of the numbers:
//!
//! - A deletion does not find a message that is stored behind it.
//! - A message is taken from the unread ones once, whether it is deleted before it is read or the other way round.
//! - A receipt behind the deletion for both of the very message that it names may name that message, which is what a
//!   receipt for the newest message does in any case, deleted or not.

pub(in crate::storage) mod changes;
mod decision;
pub(in crate::storage) mod targets;

use crate::domain::{Answer, EventBody, MessageId, Outcome, Refusal, Scope, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to};
use crate::storage::commands::events::recorded_for;

use changes::Changes;
pub(in crate::storage) use decision::EVERYONE_WITHIN_S;
use decision::{At, Decided};
use targets::Target;

/// The deletions and expiries of a batch, in their order.
#[derive(Default)]
pub(super) struct Deletions(Vec<(Place, MessageId, How)>);

enum How {
    /// By a user.
    Delete(UserId, Scope),
    /// Because its time is over.
    Expire,
}

impl Deletions {
    pub(super) fn delete(&mut self, place: Place, user: UserId, id: MessageId, scope: Scope) {
        self.0.push((place, id, How::Delete(user, scope)));
    }

    pub(super) fn expire(&mut self, place: Place, id: MessageId) {
        self.0.push((place, id, How::Expire));
    }
}

impl How {
    /// Decides what becomes of a message, if it is there.
    fn decide(&self, target: Option<&mut Target>, at: At) -> Result<Decided, Refusal> {
        match (self, target) {
            (Self::Delete(user, scope), Some(target)) => target.delete(at, *user, *scope),
            (Self::Delete(..), None) => Err(Refusal::NotFound),
            (Self::Expire, Some(target)) => Ok(target.expire(at)),
            (Self::Expire, None) => Ok(Decided { answer: Answer::Done, event: None }),
        }
    }
}

impl Batch<'_> {
    pub(super) async fn deletions(&mut self, Deletions(list): Deletions) -> Result<(), StorageError> {
        if list.is_empty() {
            return Ok(());
        }
        let mut targets = self.targets(list.iter().map(|(_, id, _)| *id)).await?;
        let mut changes = Changes::default();
        for (place, id, how) in list {
            // What is stored behind this command was not there yet.
            let target = targets.get_mut(&id).filter(|_| id <= self.newest_before(place));
            let at = At { seq: self.seq(place), moment: self.moment(place), retained_from: self.retained_from };
            let outcome = match how.decide(target.map(|change| &mut change.now), at) {
                Err(refusal) => Outcome::refused(refusal),
                Ok(Decided { answer, event: None }) => Outcome::done(answer),
                Ok(Decided { answer, event: Some((told, kind, deletion)) }) => {
                    for user in recorded_for(told) {
                        changes.event(user, at.seq, kind, id);
                    }
                    Outcome { answer: Ok(answer), events: to(told, at.seq, EventBody::Deleted(deletion)) }
                }
            };
            self.finish(place, outcome);
        }
        for change in targets.values() {
            changes.message(change);
        }
        self.changed |= !changes.is_empty();
        self.destroyed |= changes.destroys();
        if let Some(at_commit) = self.at_commit.as_mut().filter(|_| !changes.releases_files()) {
            at_commit.extend(changes.text());
            return Ok(());
        }
        changes.make(&self.tx, self.storage.backend()).await
    }
}

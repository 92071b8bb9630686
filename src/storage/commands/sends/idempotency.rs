//! Recognition of a message that its sender has sent before.
//!
//! The unique index over client ids decides: a message whose client id the sender has used is not inserted. Only then
//! the earlier message is looked up, and beforehand only for the few whose answer may depend on it.

use crate::domain::{Answer, ClientId, Once, Outcome, Refusal, Stored};
use crate::storage::commands::batch::Batch;
use crate::storage::commands::known::{First, Known};
use crate::storage::commands::sends::Accepted;

/// Returns the outcome of a retry of a message, by whether its content is the same.
pub(super) fn retried(stored: &Stored, is_same: bool) -> Outcome {
    if is_same {
        return Outcome::done(Answer::Stored(Stored { duplicate: true, ..stored.clone() }));
    }
    let Stored { id, seq, timestamp, .. } = *stored;
    Outcome::refused(Refusal::Conflict { id, seq, timestamp })
}

impl Batch<'_> {
    /// Finishes those that were not inserted because they are retries of `known` messages, and returns the others.
    pub(super) fn new_ones(&mut self, accepted: Vec<Accepted>, known: &Known) -> Vec<Accepted> {
        let outcome_of_retry = |accepted: &Accepted| {
            let name = accepted.message.client_id.as_deref().and_then(ClientId::parse);
            let once = name.zip(accepted.content_hash);
            let once = once.map(|(client_id, content_hash)| Once { client_id, content_hash });
            let first = once.as_ref().and_then(|once| known.first_of(accepted.message.sender, once));
            let Some(First::Stored { stored, content_hash }) = first else { return None };
            let is_same = accepted.content_hash.is_some_and(|hash| hash[..] == content_hash[..]);
            (stored.id != accepted.message.id).then(|| retried(stored, is_same))
        };
        let mut new_ones = Vec::with_capacity(accepted.len());
        for accepted in accepted {
            match outcome_of_retry(&accepted) {
                Some(outcome) => self.finish(accepted.place, outcome),
                None => new_ones.push(accepted),
            }
        }
        new_ones
    }
}

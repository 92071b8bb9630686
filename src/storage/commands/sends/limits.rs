//! The limits that only the writer can judge, since it knows who has written to whom.
//!
//! A message that is stored already is never refused for a limit. So a draft may only be refused here once its client
//! id was looked up, which it is not when the cache shows that the draft can be accepted: such a draft is judged before
//! that, and is looked up when it is one too many.

use crate::domain::{Answer, Command, DirectKey, Draft, Limiter, Objection, Outcome, Refusal, UserId};
use crate::limits::Limiters;
use crate::storage::commands::batch::Batch;

/// Returns the bytes of ciphertext that a receiver gets.
fn inbound_bytes(draft: &Draft) -> usize {
    draft.sender_copy.as_bytes().len() + draft.receiver_copy.as_bytes().len()
}

impl Batch<'_> {
    /// Judges the drafts whose conversations are in the cache, before anything is looked up for them.
    pub(in crate::storage::commands) fn limit_known(&mut self, commands: &mut [Command]) {
        let Some(limiters) = self.storage.limiters() else { return };
        limiters.at_once(|| {
            for command in commands {
                if let Command::Send(draft) = command {
                    self.limit_known_draft(limiters, draft);
                }
            }
        });
    }

    fn limit_known_draft(&mut self, limiters: &Limiters, draft: &mut Draft) {
        let is_to_count = draft.objection.is_none() && !draft.is_counted;
        let Some(direct) = draft.conversation.filter(|_| is_to_count) else { return };
        let receiver = direct.partner_of(draft.sender);
        if receiver == draft.sender {
            return;
        }
        let Some(conversation) = self.cache.conversations.peek(&direct) else { return };
        let is_partner = conversation.has_written(direct, receiver);
        match limiters.count_inbound(receiver, is_partner, inbound_bytes(draft)) {
            Ok(()) => draft.is_counted = true,
            Err(limited) if is_partner => draft.objection = Some(Objection::Limited(limited)),
            // By another server the receiver may have written meanwhile: the store is asked again.
            Err(_) => drop(self.cache.conversations.pop(&direct)),
        }
    }

    /// Judges a draft that may be stored otherwise. Its client id was looked up, or it was judged before.
    pub(super) fn limit_send(&mut self, draft: &Draft, direct: DirectKey, is_new: bool) -> Result<(), Refusal> {
        let Some(limiters) = self.storage.limiters() else { return Ok(()) };
        let receiver = direct.partner_of(draft.sender);
        if receiver == draft.sender || draft.is_counted {
            return Ok(());
        }
        if is_new {
            limiters.take(Limiter::ContactUser, draft.sender).map_err(Refusal::Limited)?;
        }
        let known = self.conversation(direct);
        let is_partner = known.is_some_and(|known| known.has_written(direct, receiver));
        limiters.count_inbound(receiver, is_partner, inbound_bytes(draft)).map_err(Refusal::Limited)
    }

    /// Marks what was admitted, and so has been counted, in commands that are carried out again if nothing is stored.
    pub(in crate::storage::commands) fn note_counted(&self, commands: &mut [Command]) {
        for (command, outcome) in commands.iter_mut().zip(&self.outcomes) {
            if let Command::Send(draft) = command {
                let is_admitted = |outcome: &Outcome| matches!(&outcome.answer, Ok(Answer::Stored(s)) if !s.duplicate);
                draft.is_counted |= outcome.as_ref().is_some_and(is_admitted);
            }
        }
    }

    /// Notes in the cache that a user writes to the other side.
    pub(super) fn note_written(&mut self, direct: DirectKey, sender: UserId) {
        if let Some(conversation) = self.cache.conversations.peek_mut(&direct) {
            let side = usize::from(direct.sides()[0] != sender);
            conversation.has_written[side] = true;
        }
    }
}

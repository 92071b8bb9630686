//! What becomes of a message by a deletion or by its expiry.

use crate::domain::{Answer, Audience, Deletion, Refusal, Scope, Seq, Timestamp, UserId};
use crate::storage::commands::clock_marks::stored_at;
use crate::storage::commands::deletions::targets::Target;
use crate::storage::schema::kinds::{EventKind, GoneHow};

/// The time, in seconds, for which a sender may delete a message for everyone.
pub(in crate::storage) const EVERYONE_WITHIN_S: i64 = 24 * 60 * 60;

/// When a command is carried out.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) seq: Seq,
    pub(super) moment: Timestamp,
    /// Everything older is gone by the server's retention.
    pub(super) retained_from: Timestamp,
}

/// The answer to a command, and whom it concerns.
pub(super) struct Decided {
    pub(super) answer: Answer,
    pub(super) event: Option<(Audience, EventKind, Deletion)>,
}

impl Target {
    /// Deletes the message for one side or for both.
    pub(super) fn delete(&mut self, at: At, user: UserId, scope: Scope) -> Result<Decided, Refusal> {
        if !self.is_there(at) || self.gone_how.is_unknown_to_clients() || ![self.sender, self.receiver].contains(&user)
        {
            return Err(Refusal::NotFound);
        }
        if scope == Scope::Everyone && user != self.sender {
            return Err(Refusal::Forbidden);
        }
        let standing = self.standing(user).filter(|standing| scope == Scope::Me || standing.scope == scope);
        if let Some(deletion) = standing {
            return Ok(Decided { answer: Answer::Deleted { deletion, duplicate: true }, event: None });
        }
        let until = stored_at(self.timestamp, self.marked_at).plus_secs(EVERYONE_WITHIN_S);
        if scope == Scope::Everyone && at.moment > until {
            return Err(Refusal::Forbidden);
        }

        let deletion = self.deletion(at.seq, scope, Some(user));
        let answer = Answer::Deleted { deletion: deletion.clone(), duplicate: false };
        let event = match scope {
            Scope::Everyone => {
                (self.sender_gone, self.receiver_gone) = (Some(at.seq), Some(at.seq));
                (self.gone_seq, self.gone_how, self.expires_at) = (Some(at.seq), GoneHow::ForEveryone, None);
                (Audience::Members(deletion.conversation()), EventKind::DeletedForAll, deletion)
            }
            Scope::Me => {
                self.lose(at.seq, user);
                (Audience::User(user), EventKind::DeletedForMe, deletion)
            }
        };
        Ok(Decided { answer, event: Some(event) })
    }

    /// Expires the message. A side that has deleted it already is not told again.
    pub(super) fn expire(&mut self, at: At) -> Decided {
        let is_due = self.is_there(at) && self.gone_seq.is_none() && self.expires_at.is_some();
        self.expires_at = None;
        if !is_due {
            // It is gone already, by retention or with an account.
            return Decided { answer: Answer::Done, event: None };
        }
        let deletion = self.deletion(at.seq, Scope::Everyone, None);
        let told = match (self.sender_gone, self.receiver_gone) {
            (None, None) => Audience::Members(deletion.conversation()),
            (None, Some(_)) => Audience::User(self.sender),
            (Some(_), _) => Audience::User(self.receiver),
        };
        self.sender_gone.get_or_insert(at.seq);
        self.receiver_gone.get_or_insert(at.seq);
        (self.gone_seq, self.gone_how) = (Some(at.seq), GoneHow::Expired);
        Decided { answer: Answer::Done, event: Some((told, EventKind::Expired, deletion)) }
    }

    /// Returns whether clients may know of the message: a message is found only while its conversation is there.
    fn is_there(&self, at: At) -> bool {
        self.conversation.is_some() && self.timestamp >= at.retained_from
    }

    /// Returns the deletion by which `user` has lost the message.
    fn standing(&self, user: UserId) -> Option<Deletion> {
        let seq = if user == self.sender { self.sender_gone } else { self.receiver_gone }?;
        let for_all = self.gone_seq == Some(seq);
        Some(match self.gone_how {
            GoneHow::ForEveryone if for_all => self.deletion(seq, Scope::Everyone, Some(self.sender)),
            GoneHow::Expired if for_all => self.deletion(seq, Scope::Everyone, None),
            _ => self.deletion(seq, Scope::Me, Some(user)),
        })
    }

    fn deletion(&self, seq: Seq, scope: Scope, by: Option<UserId>) -> Deletion {
        let Self { id, conversation_id, sender, receiver, .. } = *self;
        Deletion { seq, id, conversation_id, sender, receiver, scope, by }
    }

    /// One side loses the message. It is gone when the other side has lost it before.
    fn lose(&mut self, seq: Seq, user: UserId) {
        if user == self.sender {
            self.sender_gone = Some(seq);
        }
        if user == self.receiver {
            self.receiver_gone = Some(seq);
        }
        if self.sender_gone.is_some() && self.receiver_gone.is_some() {
            self.gone_seq = Some(seq);
            self.expires_at = None;
        }
    }
}

//! Sending, and sending once.

use proptest::prelude::*;
use serde_json::Value;

use super::{Draft, Record, Reference, Stored, check_error};
use crate::model::Checked;
use crate::model::event::Event;

/// What must come of a `send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Verdict {
    /// It is stored.
    New,
    /// It was stored as this message.
    Duplicate(i64),
    /// The sender has used its `client_id` for this other message.
    Conflict(i64),
    /// One of the two has blocked the other.
    Blocked,
}

impl Reference {
    /// What must come of a `send`: the `client_id` is looked up before everything else.
    pub(in crate::model) fn verdict(&self, sender: i64, draft: &Draft) -> Verdict {
        let known = draft.client_id.as_ref().and_then(|id| self.by_client_id.get(&(sender, id.clone())));
        match known {
            Some(id) if self.messages[id].draft == *draft => Verdict::Duplicate(*id),
            Some(id) => Verdict::Conflict(*id),
            None if self.blocked(sender, draft.to) => Verdict::Blocked,
            None => Verdict::New,
        }
    }

    /// Judges the answer to a `send`. `resent`: an earlier try may have reached the server.
    pub(in crate::model) fn judge_send(&mut self, sender: i64, draft: &Draft, answer: &Value, resent: bool) -> Checked {
        prop_assert_eq!(answer["client_id"].as_str(), draft.client_id.as_deref(), "{}", answer);
        match self.verdict(sender, draft) {
            Verdict::New => {
                let stored = Stored::parse(answer)?;
                prop_assert!(resent || !stored.duplicate, "the first try is no duplicate: {}", answer);
                self.store(sender, draft, &stored)
            }
            Verdict::Duplicate(id) => {
                let first = &self.messages[&id].message;
                let expected = Stored {
                    client_id: first.client_id.clone(),
                    conversation_id: first.conversation_id,
                    id: first.id,
                    seq: first.seq,
                    timestamp: first.timestamp.clone(),
                    duplicate: true,
                };
                prop_assert_eq!(Stored::parse(answer)?, expected, "{}", answer);
                Ok(())
            }
            Verdict::Conflict(id) => {
                let first = &self.messages[&id].message;
                check_error(answer, &["conflict"])?;
                let named = (&answer["id"], &answer["seq"], &answer["timestamp"]);
                let (id, seq, timestamp) = (first.id.into(), first.seq.into(), first.timestamp.as_str().into());
                prop_assert_eq!(named, (&id, &seq, &timestamp), "{}", answer);
                Ok(())
            }
            Verdict::Blocked => check_error(answer, &["blocked"]),
        }
    }

    /// Takes up a new message: its numbers must be above all earlier ones that can be compared.
    pub(in crate::model) fn store(&mut self, sender: i64, draft: &Draft, stored: &Stored) -> Checked {
        let message = draft.sent(sender, stored)?;
        let conversation = self.conversation(sender, draft.to);
        for earlier in self.messages.values().map(|record| &record.message) {
            let same_conversation = conversation == Some(earlier.conversation_id);
            if same_conversation || earlier.sender_id == sender {
                prop_assert!(earlier.id < message.id, "id {} is not above {}", message.id, earlier.id);
                prop_assert!(earlier.seq < message.seq, "seq {} is not above {}", message.seq, earlier.seq);
                let (former, this) = (&earlier.timestamp, &message.timestamp);
                prop_assert!(!same_conversation || former < this, "{} is not after {}", this, former);
            }
            prop_assert!(earlier.id != message.id, "two messages have the id {}", message.id);
            let ids = (earlier.conversation_id, message.conversation_id);
            prop_assert_eq!(same_conversation, ids.0 == ids.1, "conversations {:?} of two messages", ids);
        }
        if let Some(client_id) = &draft.client_id {
            self.by_client_id.insert((sender, client_id.clone()), message.id);
        }
        let expires_at = draft.expires_at(&stored.timestamp)?;
        let record = Record { draft: draft.clone(), message, expires_at, deletions: Vec::new() };
        for user in record.users() {
            self.push(user, Event::Message(record.seen_by(user).expect("it is theirs")))?;
        }
        self.messages.insert(record.message.id, record);
        Ok(())
    }

    /// The conversation of two users, once one has written to the other.
    pub(in crate::model) fn conversation(&self, a: i64, b: i64) -> Option<i64> {
        let between = |record: &&Record| {
            let (sender, receiver) = (record.message.sender_id, record.message.receiver_id);
            (sender, receiver) == (a, b) || (sender, receiver) == (b, a)
        };
        self.messages.values().find(between).map(|record| record.message.conversation_id)
    }
}

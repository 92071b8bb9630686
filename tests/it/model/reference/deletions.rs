//! Deleting, and expiry.

use fluent_backend::domain::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::{Record, Reference, check_error};
use crate::model::Checked;
use crate::model::event::{Deleted, Event, Scope};

/// For how long a sender may delete a message for everyone.
const EVERYONE_WITHIN_S: i64 = 24 * 60 * 60;

/// What may come of a `delete`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Permitted {
    /// A new deletion.
    new: bool,
    /// An earlier one, by its `seq`.
    again: Vec<i64>,
    /// Errors.
    refused: &'static [&'static str],
}

impl Reference {
    fn permitted(&self, user: i64, id: i64, scope: Scope, now: Timestamp) -> Permitted {
        let theirs = |record: &&Record| record.users().contains(&user);
        let Some(record) = self.messages.get(&id).filter(theirs) else {
            return Permitted { refused: &["not_found"], ..Permitted::default() };
        };
        let known = |wanted: Option<Scope>| -> Vec<i64> {
            let told = record.deletions.iter().filter(|(owner, _)| *owner == user).map(|(_, deleted)| deleted);
            told.filter(|deleted| wanted.is_none_or(|scope| deleted.scope == scope))
                .map(|deleted| deleted.seq)
                .collect()
        };
        let (own, by_me, by_all) =
            (record.message.sender_id == user, known(Some(Scope::Me)), known(Some(Scope::Everyone)));
        let sent = Timestamp::parse_bound(&record.message.timestamp).expect("it was parsed before");
        let late = now > sent.plus_secs(EVERYONE_WITHIN_S);
        let expired = record.deletions.iter().any(|(_, deleted)| deleted.by.is_none());
        match scope {
            // What comes of deleting what has expired, or for oneself what is gone for everyone, the contract does not
            // say.
            _ if expired => Permitted { new: true, again: known(None), refused: &["not_found", "forbidden"] },
            Scope::Me if !by_me.is_empty() => Permitted { again: known(None), ..Permitted::default() },
            Scope::Me if !by_all.is_empty() => Permitted { new: true, again: by_all, refused: &["not_found"] },
            Scope::Everyone if !own => Permitted { again: by_all, refused: &["forbidden", "not_found"], new: false },
            Scope::Everyone if !by_all.is_empty() => {
                Permitted { again: by_all, refused: if late { &["forbidden"] } else { &[] }, new: false }
            }
            Scope::Everyone if late => Permitted { refused: &["forbidden"], ..Permitted::default() },
            Scope::Me | Scope::Everyone => Permitted { new: true, ..Permitted::default() },
        }
    }

    /// Judges the answer to a `delete`. `resent`: an earlier try may have reached the server.
    pub(in crate::model) fn judge_delete(
        &mut self,
        user: i64,
        (id, scope): (i64, Scope),
        answer: &Value,
        now: Timestamp,
        resent: bool,
    ) -> Checked {
        let permitted = self.permitted(user, id, scope, now);
        if answer["type"] == "error" {
            return check_error(answer, permitted.refused);
        }
        let Event::Deleted(deleted) = Event::parse(answer)? else {
            return Err(TestCaseError::fail(format!("no answer to a delete: {answer}")));
        };
        let again = answer["duplicate"] == true;
        if again && permitted.again.contains(&deleted.seq) {
            let told = self.messages[&id].deletions.contains(&(user, deleted));
            prop_assert!(told, "not the first answer: {}", answer);
            return Ok(());
        }
        prop_assert!(permitted.new && (!again || resent), "permitted: {:?}, got {}", permitted, answer);
        self.delete(user, id, scope, &deleted)
    }

    fn delete(&mut self, user: i64, id: i64, scope: Scope, deleted: &Deleted) -> Checked {
        let record = self.messages.get_mut(&id).expect("it exists");
        let (sender, receiver) = (record.message.sender_id, record.message.receiver_id);
        let seen_by = |owner| Deleted {
            seq: deleted.seq,
            id,
            conversation_id: record.message.conversation_id,
            partner_id: if owner == sender { receiver } else { sender },
            scope,
            by: Some(user),
            reason: "user".to_owned(),
        };
        prop_assert_eq!(deleted, &seen_by(user));
        let mut owners = record.users();
        owners.retain(|owner| scope == Scope::Everyone || *owner == user);
        let told: Vec<(i64, Deleted)> = owners.into_iter().map(|owner| (owner, seen_by(owner))).collect();
        record.deletions.extend(told.iter().cloned());
        told.into_iter().try_for_each(|(owner, deleted)| self.push(owner, Event::Deleted(deleted)))
    }

    /// Messages that have expired by `now`, for users who have not been told of their end: by user, then by id.
    pub(in crate::model) fn expiring(&self, now: Timestamp) -> Vec<(i64, i64)> {
        let expired = self.messages.values().filter(|record| record.expires_at.is_some_and(|at| at <= now));
        let untold = expired.flat_map(|record| {
            let users = record.users().into_iter().filter(|user| !record.gone_for(*user));
            users.map(|user| (user, record.message.id))
        });
        let mut pairs: Vec<(i64, i64)> = untold.collect();
        pairs.sort_unstable();
        pairs
    }

    /// The user is told that a message has expired.
    pub(in crate::model) fn expired(&mut self, user: i64, event: Event) -> Checked {
        let Event::Deleted(deleted) = &event else {
            return Err(TestCaseError::fail(format!("expected that a message expires: {event:?}")));
        };
        let record = self.messages.get_mut(&deleted.id);
        let record = record.ok_or_else(|| TestCaseError::fail(format!("no such message: {event:?}")))?;
        let (sender, receiver) = (record.message.sender_id, record.message.receiver_id);
        let expected = Deleted {
            seq: deleted.seq,
            id: deleted.id,
            conversation_id: record.message.conversation_id,
            partner_id: if user == sender { receiver } else { sender },
            scope: Scope::Everyone,
            by: None,
            reason: "expired".to_owned(),
        };
        prop_assert_eq!(deleted, &expected);
        // Both are told by one event.
        let others = record.deletions.iter().find(|(_, other)| other.by.is_none()).map(|(_, other)| other.seq);
        prop_assert!(others.is_none_or(|seq| seq == deleted.seq), "{:?}, the other user has {:?}", deleted, others);
        record.deletions.push((user, expected));
        self.push(user, event)
    }
}

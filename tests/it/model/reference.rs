//! The reference: the outcome of a history by the contract, without a server. It learns numbers from the server's
//! replies.

mod deletions;
mod messages;
mod receipts;
#[cfg(test)]
mod tests;
mod views;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fluent_backend::domain::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use messages::Verdict;
pub(super) use views::Overview;

use super::Checked;
use super::event::{Block, Deleted, Event, Message, Scope, surviving};

/// A message as a user sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// None in the legacy dialect.
    pub(super) client_id: Option<String>,
    pub(super) to: i64,
    pub(super) receiver_copy: String,
    pub(super) sender_copy: String,
    pub(super) message_type: &'static str,
    pub(super) expires_in_s: Option<i64>,
}

/// What a user asks of the server, and is answered.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Send(Draft),
    Read { partner: i64, up_to: i64 },
    Delete { id: i64, scope: Scope },
}

impl Asked {
    /// As a frame.
    pub(super) fn frame(&self, reference: i64) -> Value {
        let mut frame = match self {
            Self::Send(draft) => draft.fields(),
            Self::Read { partner, up_to } => json!({"type": "read", "partner_id": partner, "up_to_id": up_to}),
            Self::Delete { id, scope } => json!({"type": "delete", "id": id, "for": scope.as_str()}),
        };
        frame["ref"] = reference.into();
        frame
    }
}

impl Draft {
    /// The fields of `send`.
    pub(super) fn fields(&self) -> Value {
        let mut fields = json!({
            "type": "send",
            "client_id": self.client_id,
            "to": self.to,
            "receiver_encrypted": self.receiver_copy,
            "sender_encrypted": self.sender_copy,
            "message_type": self.message_type,
        });
        if let Some(seconds) = self.expires_in_s {
            fields["expires_in_s"] = seconds.into();
        }
        fields
    }

    /// The message that it has become, as its sender sees it.
    pub(super) fn sent(&self, sender: i64, stored: &Stored) -> Checked<Message> {
        Ok(Message {
            seq: stored.seq,
            id: stored.id,
            conversation_id: stored.conversation_id,
            sender_id: sender,
            receiver_id: self.to,
            content: self.sender_copy.clone(),
            message_type: self.message_type.to_owned(),
            timestamp: stored.timestamp.clone(),
            client_id: self.client_id.clone(),
            expires_at: self.expires_at(&stored.timestamp)?.map(|at| at.to_string()),
        })
    }

    fn expires_at(&self, timestamp: &str) -> Checked<Option<Timestamp>> {
        let at = Timestamp::parse_bound(timestamp).map_err(|error| TestCaseError::fail(error.to_string()))?;
        Ok(self.expires_in_s.map(|seconds| at.plus_secs(seconds)))
    }
}

/// `stored`, and the numbers of a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Stored {
    pub(super) client_id: Option<String>,
    pub(super) conversation_id: i64,
    pub(super) id: i64,
    pub(super) seq: i64,
    pub(super) timestamp: String,
    pub(super) duplicate: bool,
}

impl Stored {
    /// From the frame.
    pub(super) fn parse(frame: &Value) -> Checked<Self> {
        prop_assert_eq!(&frame["type"], "stored", "{}", frame);
        serde_json::from_value(frame.clone()).map_err(|error| TestCaseError::fail(format!("{error}: {frame}")))
    }
}

/// A message, its tombstone included.
#[derive(Debug)]
struct Record {
    draft: Draft,
    /// As its sender sees it.
    message: Message,
    expires_at: Option<Timestamp>,
    /// What each of the two users was told of its end.
    deletions: Vec<(i64, Deleted)>,
}

impl Record {
    /// As `user` sees it; `None` when it is not theirs.
    fn seen_by(&self, user: i64) -> Option<Message> {
        if user == self.message.sender_id {
            return Some(self.message.clone());
        }
        let content = self.draft.receiver_copy.clone();
        (user == self.message.receiver_id).then(|| Message { content, client_id: None, ..self.message.clone() })
    }

    fn gone_for(&self, user: i64) -> bool {
        self.deletions.iter().any(|(owner, _)| *owner == user)
    }

    /// Both users, or the one who has written to themselves.
    fn users(&self) -> BTreeSet<i64> {
        BTreeSet::from([self.message.sender_id, self.message.receiver_id])
    }
}

/// How far a user has got in the messages of a partner; 0 is nowhere.
#[derive(Clone, Debug, Default)]
struct Position {
    /// Read, and the `seq` of the receipt that says so.
    read: i64,
    read_seq: i64,
    /// Read, as the partner was told: less while one has blocked the other.
    read_told: i64,
    /// Delivered, as the partner was told.
    delivered_told: i64,
    /// Delivered at most: whether `delivered` counts while one has blocked the other, the contract does not say.
    delivered_most: i64,
}

/// Everything that the contract says of some users.
#[derive(Debug, Default)]
pub(super) struct Reference {
    messages: BTreeMap<i64, Record>,
    by_client_id: HashMap<(i64, String), i64>,
    /// All events of each user, by `seq`.
    events: BTreeMap<i64, BTreeMap<i64, Event>>,
    /// By user and partner.
    positions: BTreeMap<(i64, i64), Position>,
    /// Who blocks whom.
    blocks: BTreeSet<(i64, i64)>,
}

impl Reference {
    /// What a device of the user gets that has nothing after `since`.
    pub(super) fn list(&self, user: i64, since: i64) -> Vec<Event> {
        let mut list = surviving(self.events.get(&user).into_iter().flat_map(BTreeMap::values));
        list.retain(|event| event.seq() > since);
        list
    }

    /// The user's newest event; 0 when there is none.
    pub(super) fn head(&self, user: i64) -> i64 {
        self.events.get(&user).and_then(|events| events.last_key_value()).map_or(0, |(seq, _)| *seq)
    }

    /// Whether one of the two has blocked the other.
    pub(super) fn blocked(&self, a: i64, b: i64) -> bool {
        self.blocks.contains(&(a, b)) || self.blocks.contains(&(b, a))
    }

    /// Whether the user has blocked the other.
    pub(super) fn blocks(&self, user: i64, other: i64) -> bool {
        self.blocks.contains(&(user, other))
    }

    /// Records that the user has blocked another one, or no longer does; the user's devices are told.
    pub(super) fn block(&mut self, user: i64, event: Block) -> Checked {
        if event.blocked {
            self.blocks.insert((user, event.user_id));
        } else {
            self.blocks.remove(&(user, event.user_id));
        }
        self.push(user, Event::Block(event))
    }

    fn push(&mut self, user: i64, event: Event) -> Checked {
        let seq = event.seq();
        let former = self.events.entry(user).or_default().insert(seq, event);
        prop_assert!(former.is_none(), "two events of user {} have seq {}: {:?}", user, seq, former);
        Ok(())
    }
}

/// That an answer is this error.
pub(super) fn check_error(answer: &Value, codes: &[&str]) -> Checked {
    let code = answer["code"].as_str().unwrap_or_default();
    prop_assert!(answer["type"] == "error" && codes.contains(&code), "expected {:?}, got {}", codes, answer);
    prop_assert_eq!(&answer["retryable"], false, "{}", answer);
    Ok(())
}

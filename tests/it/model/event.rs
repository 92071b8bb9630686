//! Events as they are on the wire, and which of them still exist.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::Checked;

/// A frame with a `seq`. Keys that are not compared (`ref`, `attachments`) are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    /// A message was stored.
    Message(Message),
    /// A user has received or read messages.
    Receipt(Receipt),
    /// A message is gone.
    Deleted(Deleted),
    /// The user has blocked another one, or no longer does.
    Block(Block),
}

/// A message as one of its two users sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are called so on the wire")]
pub(super) struct Message {
    pub(super) seq: i64,
    pub(super) id: i64,
    pub(super) conversation_id: i64,
    pub(super) sender_id: i64,
    pub(super) receiver_id: i64,
    pub(super) content: String,
    pub(super) message_type: String,
    pub(super) timestamp: String,
    pub(super) client_id: Option<String>,
    pub(super) expires_at: Option<String>,
}

/// What a receipt says; the same for both sides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Receipt {
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) conversation_id: i64,
    pub(super) user_id: i64,
    pub(super) partner_id: i64,
    pub(super) up_to_id: i64,
    pub(super) timestamp: String,
}

/// The kinds of receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Delivered,
    Read,
}

/// A deletion as one of the two users sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Deleted {
    pub(super) seq: i64,
    pub(super) id: i64,
    pub(super) conversation_id: i64,
    pub(super) partner_id: i64,
    #[serde(rename = "for")]
    pub(super) scope: Scope,
    pub(super) by: Option<i64>,
    pub(super) reason: String,
}

/// For whom a message is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Me,
    Everyone,
}

impl Scope {
    /// As it is on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::Everyone => "everyone",
        }
    }
}

/// Whom the user has blocked, or no longer does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Block {
    pub(super) seq: i64,
    pub(super) user_id: i64,
    pub(super) blocked: bool,
}

/// What takes the place of what: the later of two events with the same one is enough.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// A message, alive or deleted.
    Message(i64),
    /// How far a user has received or read in a conversation.
    Position(Kind, i64, i64),
    /// Whether a user is blocked.
    Blocked(i64),
}

impl Event {
    /// From a frame that has a `seq`.
    pub(super) fn parse(frame: &Value) -> Checked<Self> {
        serde_json::from_value(frame.clone())
            .map_err(|error| TestCaseError::fail(format!("not an event ({error}): {frame}")))
    }

    /// Its place in the order.
    pub(super) fn seq(&self) -> i64 {
        match self {
            Self::Message(event) => event.seq,
            Self::Receipt(event) => event.seq,
            Self::Deleted(event) => event.seq,
            Self::Block(event) => event.seq,
        }
    }

    /// Whether the contract says that an earlier event on the same subject vanishes. Of deletions and blocks it does
    /// not say so: a server may show all of them or the last one.
    pub(super) fn vanishes(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Receipt(_))
    }

    fn subject(&self) -> Subject {
        match self {
            Self::Message(message) => Subject::Message(message.id),
            Self::Deleted(deleted) => Subject::Message(deleted.id),
            Self::Receipt(receipt) => Subject::Position(receipt.kind, receipt.conversation_id, receipt.user_id),
            Self::Block(block) => Subject::Blocked(block.user_id),
        }
    }
}

/// What is left of `events`, which come in the order of `seq`: of each subject the last.
pub(super) fn surviving<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Event> {
    let last: BTreeMap<Subject, &Event> = events.into_iter().map(|event| (event.subject(), event)).collect();
    let mut left: Vec<Event> = last.into_values().cloned().collect();
    left.sort_by_key(Event::seq);
    left
}

/// That `raw`, as the server has replayed it, is `expected`; see [`Event::vanishes`].
pub(super) fn check_replay(raw: &[Event], expected: &[Event], what: &str) -> Checked {
    prop_assert_eq!(&surviving(raw), expected, "{}", what);
    let superseded = raw.iter().find(|event| event.vanishes() && !expected.contains(event));
    prop_assert!(superseded.is_none(), "{}: shows what is superseded or deleted: {:?}", what, superseded);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(frame: &Value) -> Event {
        Event::parse(frame).unwrap()
    }

    fn message(seq: i64) -> Event {
        event(&json!({
            "type": "message", "seq": seq, "id": seq, "conversation_id": 1, "sender_id": 1, "receiver_id": 2,
            "content": "x", "message_type": "text", "timestamp": "t",
        }))
    }

    fn deleted(seq: i64, id: i64) -> Event {
        event(&json!({
            "type": "deleted", "seq": seq, "id": id, "conversation_id": 1, "partner_id": 2, "for": "me", "by": null,
            "reason": "expired",
        }))
    }

    fn receipt(seq: i64, kind: &str, user: i64) -> Event {
        event(&json!({
            "type": "receipt", "seq": seq, "kind": kind, "conversation_id": 1, "user_id": user, "partner_id": 2,
            "up_to_id": 1, "timestamp": "t", "ref": 7,
        }))
    }

    #[test]
    fn of_each_subject_the_last_is_left() {
        let block = |seq, blocked| event(&json!({"type": "block", "seq": seq, "user_id": 2, "blocked": blocked}));
        let all = [
            message(1),
            message(2),
            receipt(3, "read", 1),
            receipt(4, "delivered", 1),
            receipt(5, "read", 2),
            deleted(6, 1),
            receipt(7, "read", 1),
            deleted(8, 1),
            block(9, true),
            block(10, false),
        ];
        let left: Vec<i64> = surviving(&all).iter().map(Event::seq).collect();
        assert_eq!(left, [2, 4, 5, 7, 8, 10]);
    }

    #[test]
    fn a_replay_may_show_deletions_twice_but_nothing_that_is_gone() {
        let expected = [message(1), deleted(8, 2)];
        check_replay(&expected, &expected, "same").unwrap();
        check_replay(&[message(1), deleted(7, 2), deleted(8, 2)], &expected, "more").unwrap();
        check_replay(&[message(1), message(2), deleted(8, 2)], &expected, "deleted").unwrap_err();
        check_replay(&[deleted(8, 2)], &expected, "lost").unwrap_err();
        check_replay(&[message(1), deleted(8, 2), message(9)], &expected, "made up").unwrap_err();
    }

    #[test]
    fn what_is_no_event() {
        Event::parse(&json!({"type": "typing", "conversation_id": 1})).unwrap_err();
        Event::parse(&json!({"type": "message", "seq": 1})).unwrap_err();
    }
}

//! Events: the input of the state machine.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::connection::{Refreshed, Refusal};
use crate::frame::{DeleteFor, Draft};
use crate::millis;

/// An event. In JSON a received frame is the object itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The program has started.
    Start,
    /// [`Action::Connect`](crate::Action::Connect) did not lead to a socket. Success is not an event: the first event
    /// of a socket is its `hello`.
    Refused(Refusal),
    /// A text frame has arrived.
    Received(#[serde(serialize_with = "write_frame", deserialize_with = "read_frame")] String),
    /// The socket has ended.
    Closed {
        /// The close code, if the server sent one.
        code: Option<u16>,
        /// The reason that came with the code.
        reason: String,
        /// How long the socket was open.
        #[serde(rename = "held_ms", with = "millis")]
        held: Duration,
    },
    /// The time of [`Action::Pause`](crate::Action::Pause) is over.
    PauseEnded,
    /// [`Action::Refresh`](crate::Action::Refresh) has ended.
    Refreshed(Refreshed),
    /// History is loaded, for the [`Action::StartOver`](crate::Action::StartOver) of this number.
    Reloaded(u32),
    /// History could not be loaded, for the [`Action::StartOver`](crate::Action::StartOver) of this number.
    NotReloaded(u32),
    /// The person has written a message. It is encrypted once and for all.
    Written(Draft),
    /// A message was encrypted anew, under a new `client_id`.
    Renewed {
        /// The old name of the message.
        client_id: String,
        /// The message that takes its place.
        draft: Draft,
    },
    /// The receiver's key could not be fetched; it may succeed later.
    NotRenewed {
        /// The name of the message.
        client_id: String,
    },
    /// The receiver's key cannot be used.
    NotEncryptable {
        /// The name of the message.
        client_id: String,
        /// The reason, for people.
        why: String,
    },
    /// The person gives up the messages that have failed.
    DiscardFailed,
    /// The time of [`Action::PauseSending`](crate::Action::PauseSending) is over.
    SendingResumed,
    /// The person has seen the partner's messages up to this one.
    Seen {
        /// The partner's user id.
        partner: i64,
        /// The id of the newest message seen.
        id: i64,
    },
    /// The person begins or stops writing.
    Typing {
        /// The receiver's user id.
        to: i64,
        /// Whether the person is writing.
        active: bool,
    },
    /// The person wants a message gone.
    Delete {
        /// The id of the message.
        id: i64,
        /// The sides for which it is deleted.
        #[serde(rename = "for")]
        scope: DeleteFor,
    },
}

fn write_frame<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<Value>(text) {
        Ok(frame @ Value::Object(_)) => frame.serialize(serializer),
        _ => text.serialize(serializer),
    }
}

fn read_frame<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        frame => frame.to_string(),
    })
}

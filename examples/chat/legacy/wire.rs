//! What travels in the legacy dialect, key by key.

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// The only type of message that is understood.
pub(crate) const TEXT: &str = "text";

/// A message to be sent, with a copy for either side.
#[derive(Serialize)]
pub(crate) struct Draft {
    #[serde(rename = "receiverID")]
    pub(crate) receiver_id: i64,
    pub(crate) receiver_encrypted: String,
    pub(crate) sender_encrypted: String,
    #[serde(rename = "messageType")]
    pub(crate) kind: &'static str,
}

/// A stored message, on the socket as in history.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) sender_id: i64,
    pub(crate) receiver_id: i64,
    /// The copy for the one who reads it here.
    pub(crate) content: String,
    #[serde(rename = "message_type")]
    pub(crate) kind: String,
    pub(crate) timestamp: Stamp,
}

/// When a message was stored: no two of a conversation have the same.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Stamp {
    /// As the server wrote it; goes back as the cursor of the next page.
    pub(crate) text: String,
    pub(crate) moment: Timestamp,
}

impl TryFrom<String> for Stamp {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        let moment = text.parse()?;
        Ok(Self { text, moment })
    }
}

/// A text frame from the server.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Incoming {
    /// Has all five keys.
    Message(Message),
    /// Anything else that is known.
    Event(Event),
    /// Types that a newer server may send.
    Unknown(IgnoredAny),
}

/// A frame that names its type.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A message was not stored.
    Error {
        /// Why, for people.
        message: String,
        /// Whether the same message may succeed later.
        #[serde(default)]
        retryable: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_have_the_keys_of_the_app() {
        let draft =
            Draft { receiver_id: 7, receiver_encrypted: "r".to_owned(), sender_encrypted: "s".to_owned(), kind: TEXT };
        let json = r#"{"receiverID":7,"receiver_encrypted":"r","sender_encrypted":"s","messageType":"text"}"#;
        assert_eq!(serde_json::to_string(&draft).unwrap(), json);
    }

    #[test]
    fn frames_are_told_apart() {
        let read = |json: &str| serde_json::from_str::<Incoming>(json).unwrap();
        let message = r#"{"sender_id":1,"receiver_id":2,"content":"x","message_type":"text",
                          "timestamp":"2026-11-22T15:00:00.000000Z","later_key":0}"#;
        assert!(matches!(read(message), Incoming::Message(m) if m.timestamp.text == "2026-11-22T15:00:00.000000Z"));
        let error = r#"{"type":"error","code":"unavailable","message":"no","retryable":true,"retry_after_ms":500}"#;
        assert!(matches!(read(error), Incoming::Event(Event::Error { retryable: true, .. })));
        assert!(matches!(read(r#"{"type":"typing","user_id":1}"#), Incoming::Unknown(_)));
    }
}

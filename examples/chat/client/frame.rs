//! The frames of `fluent.v1`: JSON objects with a `type`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cursor::Cursor;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ClientFrame {
    /// A message. The answer is `stored`, or an `error` with its `client_id`.
    Send(Draft),
    /// Everything up to this event is kept on this device.
    Delivered { up_to_seq: u64 },
    /// The person has seen the partner's messages up to this one.
    Read {
        partner_id: i64,
        up_to_id: i64,
        #[serde(rename = "ref")]
        reference: String,
    },
    /// Takes a message away.
    Delete {
        id: i64,
        #[serde(rename = "for")]
        whom: Whom,
        #[serde(rename = "ref")]
        reference: String,
    },
    /// The person is writing, or has stopped.
    Typing { to: i64, active: bool },
    /// Whose presence this socket wants to hear of; replaces the former list.
    Presence { watch: Vec<i64> },
}

/// A message to be sent. Its bytes never change: a resend is recognised by `client_id` and must carry the same content.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Draft {
    pub(crate) client_id: String,
    pub(crate) to: i64,
    pub(crate) receiver_encrypted: String,
    pub(crate) sender_encrypted: String,
    #[serde(rename = "message_type")]
    pub(crate) kind: String,
    /// The key it is encrypted with: the server refuses it as `stale_key` when the receiver has another one by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receiver_key_id: Option<String>,
}

/// On whose devices a message is deleted.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whom {
    Me,
    Everyone,
}

/// What the server says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerFrame {
    /// First on every socket; `cursor` is where its events start.
    Hello {
        cursor: Cursor,
        #[serde(default)]
        limits: Limits,
    },
    /// The cursor was not honoured: history holds everything up to the new one.
    Reset {
        reason: String,
        cursor: Cursor,
    },
    /// What was missed has been sent; from here on things happen now.
    Live {
        cursor: Cursor,
    },
    Stored(Stored),
    Message(Message),
    Receipt(Receipt),
    Deleted(Deleted),
    /// By server retention everything older is gone.
    DeletedBefore {
        timestamp: String,
    },
    /// Somebody has another key now.
    KeyChanged {
        user_id: i64,
        key_id: String,
    },
    UserDeleted {
        user_id: i64,
    },
    /// This user has blocked somebody, or has ended that, on one of the own devices.
    Block {
        user_id: i64,
        blocked: bool,
    },
    Typing {
        user_id: i64,
        active: bool,
    },
    Presence {
        user_id: i64,
        status: String,
        #[serde(default)]
        last_seen: Option<String>,
    },
    /// The server will close with 1012: come back after this time, counted from the close.
    GoingAway {
        reconnect_after_ms: u64,
    },
    Error(ErrorFrame),
    /// Of a newer server. Its `seq` counts all the same.
    #[serde(other)]
    Unknown,
}

/// What the server bears.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Limits {
    /// Sends without an answer, after which it stops reading.
    pub(crate) in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 64 }
    }
}

/// A message of this device is safe on the server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Stored {
    pub(crate) client_id: String,
    pub(crate) conversation_id: i64,
    pub(crate) id: i64,
    pub(crate) seq: u64,
    pub(crate) timestamp: String,
}

/// A stored message, on the socket as in history.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) id: i64,
    pub(crate) conversation_id: i64,
    pub(crate) sender_id: i64,
    pub(crate) receiver_id: i64,
    /// The copy for this user.
    pub(crate) content: String,
    #[serde(rename = "message_type")]
    pub(crate) kind: String,
    pub(crate) timestamp: String,
    /// Of own messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<String>,
}

/// How far somebody has received or read: cumulative.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Receipt {
    pub(crate) kind: ReceiptKind,
    /// Who received or read.
    pub(crate) user_id: i64,
    /// Whose messages.
    pub(crate) partner_id: i64,
    /// 0: nothing yet.
    pub(crate) up_to_id: i64,
    /// Of the `read` that this answers.
    #[serde(rename = "ref", default, skip_serializing)]
    pub(crate) reference: Option<Value>,
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReceiptKind {
    Delivered,
    /// Implies delivered.
    Read,
}

/// A message is gone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Deleted {
    pub(crate) id: i64,
    pub(crate) partner_id: i64,
    /// Who did it; nobody when it has expired.
    #[serde(default)]
    pub(crate) by: Option<i64>,
}

/// A frame was refused. It never closes the socket and never moves a cursor.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct ErrorFrame {
    pub(crate) code: String,
    /// Why, for people.
    pub(crate) message: String,
    /// Whether the same may succeed later.
    #[serde(default)]
    pub(crate) retryable: bool,
    #[serde(default)]
    pub(crate) retry_after_ms: Option<u64>,
    /// The message that it is about.
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    /// The frame that it is about.
    #[serde(rename = "ref", default, skip_serializing)]
    pub(crate) reference: Option<Value>,
}

/// A frame as it came.
#[derive(Debug, PartialEq)]
pub(crate) struct Incoming {
    /// The number by which the frame moves the cursor, if it does.
    pub(crate) seq: Option<u64>,
    pub(crate) frame: ServerFrame,
}

/// Reads a text frame.
pub(crate) fn parse(text: &str) -> Result<Incoming, serde_json::Error> {
    let value: Value = serde_json::from_str(text)?;
    // An error may name the message it is about, and an answer marked as duplicate repeats an old number.
    let moves_no_cursor = value["type"] == "error" || value["duplicate"] == true;
    let seq = value["seq"].as_u64().filter(|_| !moves_no_cursor);
    Ok(Incoming { seq, frame: ServerFrame::deserialize(value)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_has_the_keys_of_the_contract() {
        let draft = Draft {
            client_id: "c".to_owned(),
            to: 2,
            receiver_encrypted: "r".to_owned(),
            sender_encrypted: "s".to_owned(),
            kind: "text".to_owned(),
            receiver_key_id: None,
        };
        let json = concat!(
            r#"{"type":"send","client_id":"c","to":2,"receiver_encrypted":"r","sender_encrypted":"s","#,
            r#""message_type":"text"}"#
        );
        assert_eq!(serde_json::to_string(&ClientFrame::Send(draft)).unwrap(), json);
        let read = ClientFrame::Read { partner_id: 2, up_to_id: 9, reference: "read-2".to_owned() };
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            r#"{"type":"read","partner_id":2,"up_to_id":9,"ref":"read-2"}"#
        );
    }

    #[test]
    fn only_events_move_the_cursor() {
        let seq = |json: &str| parse(json).unwrap().seq;
        assert_eq!(seq(r#"{"type":"poll","seq":5,"topic":"?"}"#), Some(5), "unknown events count");
        assert_eq!(seq(r#"{"type":"deleted","seq":5,"id":1,"partner_id":2,"for":"me","by":null}"#), Some(5));
        let stored = r#""client_id":"c","conversation_id":1,"id":1,"seq":5,"timestamp":"t""#;
        assert_eq!(seq(&format!(r#"{{"type":"stored","duplicate":false,{stored}}}"#)), Some(5));
        assert_eq!(seq(&format!(r#"{{"type":"stored","duplicate":true,{stored}}}"#)), None);
        assert_eq!(seq(r#"{"type":"error","code":"conflict","message":"","retryable":false,"seq":5}"#), None);
        assert_eq!(seq(r#"{"type":"live","cursor":"e:5"}"#), None);
    }

    #[test]
    fn unknown_fields_are_ignored_and_half_frames_refused() {
        let hello = parse(r#"{"type":"hello","cursor":"e:1","limits":{"in_flight":8,"more":1},"later":[]}"#).unwrap();
        assert_eq!(hello.frame, ServerFrame::Hello { cursor: "e:1".parse().unwrap(), limits: Limits { in_flight: 8 } });
        assert!(parse(r#"{"type":"message","seq":1}"#).is_err());
        assert!(parse("[]").is_err());
    }
}

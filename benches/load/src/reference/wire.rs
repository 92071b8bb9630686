//! The frames of both wires, as far as a relay needs them.

use anyhow::Result;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::marked_frame::Dialect;

/// A message on its way.
pub(super) struct Draft {
    pub(super) sender: i32,
    /// The socket that it came from.
    pub(super) socket: u64,
    pub(super) receiver: i32,
    pub(super) receiver_copy: String,
    pub(super) sender_copy: String,
    /// The sender's name for it, and its content hash; only in fluent.v1.
    pub(super) once: Option<(String, Vec<u8>)>,
}

/// A stored message.
pub(super) struct Message {
    pub(super) draft: Draft,
    pub(super) id: i64,
    pub(super) conversation: i64,
    /// Microseconds since 1970.
    pub(super) timestamp: i64,
}

#[derive(Deserialize)]
struct Legacy {
    #[serde(rename = "receiverID")]
    receiver: i32,
    receiver_encrypted: String,
    sender_encrypted: String,
    #[serde(rename = "messageType")]
    _message_type: String,
}

#[derive(Deserialize)]
struct Send {
    client_id: String,
    to: i32,
    receiver_encrypted: String,
    sender_encrypted: String,
    #[serde(rename = "message_type")]
    _message_type: String,
}

/// Decodes a client's frame.
pub(super) fn decode(dialect: Dialect, text: &str, sender: i32, socket: u64) -> Result<Draft> {
    Ok(match dialect {
        Dialect::Legacy => {
            let Legacy { receiver, receiver_encrypted, sender_encrypted, .. } = serde_json::from_str(text)?;
            Draft {
                sender,
                socket,
                receiver,
                receiver_copy: receiver_encrypted,
                sender_copy: sender_encrypted,
                once: None,
            }
        }
        Dialect::V1 => {
            let Send { client_id, to, receiver_encrypted, sender_encrypted, .. } = serde_json::from_str(text)?;
            let mut hash = digest::Context::new(&digest::SHA256);
            hash.update(receiver_encrypted.as_bytes());
            hash.update(sender_encrypted.as_bytes());
            let once = Some((client_id, hash.finish().as_ref().to_vec()));
            Draft {
                sender,
                socket,
                receiver: to,
                receiver_copy: receiver_encrypted,
                sender_copy: sender_encrypted,
                once,
            }
        }
    })
}

#[derive(Serialize)]
struct LegacyMessage<'a> {
    sender_id: i32,
    receiver_id: i32,
    content: &'a str,
    message_type: &'a str,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    Hello {
        user_id: i32,
        cursor: &'a str,
    },
    Live {
        cursor: &'a str,
    },
    Stored {
        client_id: &'a str,
        conversation_id: i64,
        id: i64,
        seq: i64,
        timestamp: String,
        duplicate: bool,
    },
    Message {
        seq: i64,
        id: i64,
        conversation_id: i64,
        sender_id: i32,
        receiver_id: i32,
        content: &'a str,
        message_type: &'a str,
        timestamp: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
    },
}

/// Returns the first frames of a v1 socket.
pub(super) fn greetings(user_id: i32) -> Result<[String; 2]> {
    let cursor = "reference:0";
    Ok([serde_json::to_string(&Event::Hello { user_id, cursor })?, serde_json::to_string(&Event::Live { cursor })?])
}

/// Encodes a message for one socket of `user`.
pub(super) fn encode(dialect: Dialect, message: &Message, user: i32, socket: u64) -> Result<String> {
    let Message { draft, id, conversation, timestamp } = message;
    let timestamp = format!("{:.6}", jiff::Timestamp::from_microsecond(*timestamp)?);
    let (sender_id, receiver_id) = (draft.sender, draft.receiver);
    let content = if user == sender_id { &draft.sender_copy } else { &draft.receiver_copy };
    let (seq, id, conversation_id, message_type) = (*id, *id, *conversation, "text");
    let client_id = draft.once.as_ref().map(|(client_id, _)| client_id.as_str());
    let text = match (dialect, client_id) {
        (Dialect::Legacy, _) => {
            serde_json::to_string(&LegacyMessage { sender_id, receiver_id, content, message_type, timestamp })
        }
        (Dialect::V1, Some(client_id)) if draft.socket == socket => {
            serde_json::to_string(&Event::Stored { client_id, conversation_id, id, seq, timestamp, duplicate: false })
        }
        (Dialect::V1, client_id) => serde_json::to_string(&Event::Message {
            seq,
            id,
            conversation_id,
            sender_id,
            receiver_id,
            content,
            message_type,
            timestamp,
            client_id: client_id.filter(|_| user == sender_id),
        }),
    };
    Ok(text?)
}

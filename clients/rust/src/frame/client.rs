//! Frames of the client.

use serde::{Deserialize, Serialize};

/// A frame that a client sends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// A message. The reply is `stored`, or an `error` with its `client_id`.
    Send(Draft),
    /// Everything up to this event is kept on this device.
    /// It is cumulative: a program may hold it back for a moment and send only the newest.
    Delivered {
        /// The `seq` of the event.
        up_to_seq: u64,
    },
    /// The person has seen the partner's messages up to this one.
    Read {
        /// The partner's user id.
        partner_id: i64,
        /// The id of the newest message seen.
        up_to_id: i64,
        /// Returned with the answer.
        #[serde(rename = "ref")]
        reference: String,
    },
    /// Deletes a message.
    Delete {
        /// The id of the message.
        id: i64,
        /// The sides for which it is deleted.
        #[serde(rename = "for")]
        scope: DeleteFor,
        /// Returned with the answer.
        #[serde(rename = "ref")]
        reference: String,
    },
    /// The person is writing, or has stopped.
    Typing {
        /// The receiver's user id.
        to: i64,
        /// Whether the person is writing.
        active: bool,
    },
    /// The users whose presence this socket watches. Replaces the former list.
    Presence {
        /// Their ids, at most 256.
        watch: Vec<i64>,
    },
    /// Asks for a `pong`. Only browsers need it, which do not show the pings of WebSocket.
    Ping {},
}

/// A message to be sent. Its bytes never change: the server recognises a resend by `client_id` and refuses one with
/// other content as `conflict`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Draft {
    /// The client's name for the message, `[A-Za-z0-9._:-]{1,64}`; should be a UUID of version 7.
    pub client_id: String,
    /// The receiver's user id.
    pub to: i64,
    /// The receiver's copy, at most 98,304 bytes unless the server's limits differ.
    pub receiver_encrypted: String,
    /// The copy for the sender's own devices, with the same limit.
    pub sender_encrypted: String,
    /// The kind of the payload.
    #[serde(rename = "message_type")]
    pub kind: String,
    /// The name of the key that it is encrypted with: the server refuses it as `stale_key` when the receiver has
    /// another one by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_key_id: Option<String>,
    /// What the sender commits to, so that the receiver can report it: the tag of the plaintext under a key in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub franking_tag: Option<String>,
    /// The ids of uploaded files that the message names, none twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachment_ids: Vec<String>,
}

/// The sides for which a message is deleted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteFor {
    /// The user's own side.
    Me,
    /// Both sides.
    Everyone,
}

//! Frames of the server.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cursor::Cursor;

/// A frame that the server sends.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame on every socket.
    Hello {
        /// Where the events of this socket start.
        cursor: Cursor,
        /// The limits of the server.
        #[serde(default)]
        limits: Limits,
    },
    /// The cursor was not honoured: history holds everything up to the new one.
    Reset {
        /// `epoch`, `future` or `expired`.
        reason: String,
        /// The new cursor.
        cursor: Cursor,
    },
    /// Everything missed has been sent; from here on events are current.
    Live {
        /// Where the replay ended.
        cursor: Cursor,
    },
    /// A message of this device is safe on the server.
    Stored(Stored),
    /// A message.
    Message(Message),
    /// How far a user has received or read.
    Receipt(Receipt),
    /// A message is gone.
    Deleted(Deleted),
    /// The server's retention has destroyed everything older.
    DeletedBefore {
        /// The time before which everything is gone, UTC.
        timestamp: String,
    },
    /// A partner has another key now.
    KeyChanged {
        /// The partner.
        user_id: i64,
        /// The name of the new key.
        key_id: String,
    },
    /// A partner has deleted the account.
    UserDeleted {
        /// The partner.
        user_id: i64,
    },
    /// This user has blocked another one, or has ended that, on any of the own devices.
    Block {
        /// The other user.
        user_id: i64,
        /// Whether the block holds now.
        blocked: bool,
    },
    /// A partner is writing, or has stopped.
    Typing {
        /// The partner.
        user_id: i64,
        /// Whether the partner is writing.
        active: bool,
    },
    /// The presence of a watched user.
    Presence {
        /// The watched user.
        user_id: i64,
        /// `online` or `offline`.
        status: String,
        /// When the user was last seen, UTC.
        #[serde(default)]
        last_seen: Option<String>,
    },
    /// The server will close with 1012.
    GoingAway {
        /// Time to wait before the next attempt, counted from the close.
        reconnect_after_ms: u64,
    },
    /// A frame was refused.
    Error(ErrorFrame),
    /// A type of a newer server. Its `seq` moves the cursor all the same.
    #[serde(other)]
    Unknown,
}

/// The limits of the server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Limits {
    /// Frames without a reply after which the server stops reading.
    pub in_flight: usize,
    /// Most bytes of a file; absent where the server takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 64, media_bytes: None }
    }
}

/// The reply to a `send`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Stored {
    /// The client's name for the message.
    pub client_id: String,
    /// The conversation that it belongs to.
    pub conversation_id: i64,
    /// The server's number of the message.
    pub id: i64,
    /// The number of the event.
    pub seq: u64,
    /// When it was stored, UTC.
    pub timestamp: String,
}

/// A stored message, on the socket as in history.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Message {
    /// The number of the event.
    pub seq: u64,
    /// The server's number of the message.
    pub id: i64,
    /// The conversation that it belongs to.
    pub conversation_id: i64,
    /// The sender's user id.
    pub sender_id: i64,
    /// The receiver's user id.
    pub receiver_id: i64,
    /// The copy for this user.
    pub content: String,
    /// The kind of the payload.
    #[serde(rename = "message_type")]
    pub kind: String,
    /// When it was stored, UTC.
    pub timestamp: String,
    /// The client's name for the message; of own messages only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// When it expires by the server's clock, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What the sender has committed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub franking_tag: Option<String>,
    /// The server's word for it, for a report; of messages of others only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_token: Option<String>,
    /// The files that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A file that a message names.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Attachment {
    /// The file's id.
    pub id: String,
    /// Where it is read, relative to the server's address.
    pub file_url: String,
    /// The size of the ciphertext; absent in a message of this device whose `stored` does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// How far a user has received or read. Receipts are cumulative.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Receipt {
    /// Whether delivered or read.
    pub kind: ReceiptKind,
    /// The user who received or read.
    pub user_id: i64,
    /// The partner whose messages they are.
    pub partner_id: i64,
    /// The id of the newest of these messages; 0 for none.
    pub up_to_id: i64,
    /// The `ref` of the `read` to which this is the reply.
    #[serde(rename = "ref", default, skip_serializing)]
    pub reference: Option<Value>,
}

/// The kind of a receipt.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// A device has the messages.
    Delivered,
    /// The person has seen them; this implies delivered.
    Read,
}

/// A message is gone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Deleted {
    /// The id of the message.
    pub id: i64,
    /// The other side of its conversation.
    pub partner_id: i64,
    /// The user who deleted it; absent when the server did.
    #[serde(default)]
    pub by: Option<i64>,
}

/// A frame was refused. An error never closes the socket and never moves a cursor.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ErrorFrame {
    /// One of the codes of the protocol.
    pub code: String,
    /// The reason, for people.
    pub message: String,
    /// Whether the same frame may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Least time to wait before that.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// The message that it is about.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The `ref` of the frame that it is about.
    #[serde(rename = "ref", default, skip_serializing)]
    pub reference: Option<Value>,
}

//! The server's frames as a strict client reads them, which rejects unknown fields; and random frames of that kind.

use serde::Deserialize;
use serde_json::Value;

/// All frames. Times stay texts; ids are as wide as the contract says.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Strict {
    Hello {
        user_id: i32,
        device_id: String,
        cursor: String,
        server_time: String,
        limits: StrictLimits,
    },
    Stored {
        client_id: Option<String>,
        conversation_id: i64,
        id: i64,
        seq: i64,
        timestamp: String,
        duplicate: bool,
        r#ref: Option<Value>,
    },
    Message {
        seq: i64,
        id: i64,
        conversation_id: i64,
        sender_id: i32,
        receiver_id: i32,
        content: String,
        message_type: String,
        timestamp: String,
        client_id: Option<String>,
        reply_to: Option<i64>,
        expires_at: Option<String>,
        franking_tag: Option<String>,
        report_token: Option<String>,
        attachments: Option<Vec<StrictAttachment>>,
    },
    Receipt {
        seq: Option<i64>,
        kind: String,
        conversation_id: i64,
        user_id: i32,
        partner_id: i32,
        up_to_id: i64,
        timestamp: Option<String>,
        duplicate: Option<bool>,
        r#ref: Option<Value>,
    },
    Deleted {
        seq: i64,
        id: i64,
        conversation_id: i64,
        partner_id: i32,
        r#for: String,
        by: Option<i32>,
        reason: String,
        duplicate: Option<bool>,
        r#ref: Option<Value>,
    },
    DeletedBefore {
        seq: i64,
        timestamp: String,
    },
    KeyChanged {
        seq: i64,
        user_id: i32,
        key_id: String,
    },
    UserDeleted {
        seq: i64,
        user_id: i32,
    },
    Block {
        seq: i64,
        user_id: i32,
        blocked: bool,
    },
    Typing {
        conversation_id: i64,
        user_id: i32,
        active: bool,
    },
    Presence {
        user_id: i32,
        status: String,
        last_seen: Option<String>,
    },
    Live {
        cursor: String,
    },
    Reset {
        reason: String,
        cursor: String,
    },
    Pong {
        r#ref: Option<Value>,
    },
    GoingAway {
        reconnect_after_ms: u64,
    },
    Error {
        code: String,
        message: String,
        retryable: bool,
        r#ref: Option<Value>,
        client_id: Option<String>,
        limiter: Option<String>,
        retry_after_ms: Option<u64>,
        id: Option<i64>,
        seq: Option<i64>,
        timestamp: Option<String>,
        key_id: Option<String>,
        attachment_id: Option<String>,
    },
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct StrictAttachment {
    pub(super) id: String,
    pub(super) file_url: String,
    pub(super) size: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct StrictLimits {
    pub(super) frame_bytes: usize,
    pub(super) ciphertext_bytes: usize,
    pub(super) in_flight: usize,
    pub(super) heartbeat_s: u64,
    pub(super) media_bytes: Option<u64>,
    pub(super) attachments: Option<usize>,
}

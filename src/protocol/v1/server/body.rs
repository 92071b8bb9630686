//! The frames of the server as they are written, key by key, in the order of the contract.

use serde::Serialize;

use super::{Limits, file_url};
use crate::domain::{Attachment, ConversationId, MessageId, Seq, Timestamp, UserId};
use crate::protocol::ErrorCode;
use crate::protocol::franking::ReportToken;
use crate::protocol::json::long_text;
use crate::protocol::v1::Reference;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Body<'a> {
    Hello {
        user_id: UserId,
        device_id: &'a str,
        cursor: String,
        server_time: Timestamp,
        limits: LimitsBody,
    },
    Stored {
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
        conversation_id: ConversationId,
        id: MessageId,
        seq: Seq,
        timestamp: Timestamp,
        duplicate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a Reference>,
    },
    Message {
        seq: Seq,
        id: MessageId,
        conversation_id: ConversationId,
        sender_id: UserId,
        receiver_id: UserId,
        #[serde(serialize_with = "long_text")]
        content: &'a str,
        message_type: &'a str,
        timestamp: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        franking_tag: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        report_token: Option<ReportToken>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<AttachmentBody>,
    },
    Receipt {
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<Seq>,
        kind: &'static str,
        conversation_id: ConversationId,
        user_id: UserId,
        partner_id: UserId,
        up_to_id: MessageId,
        #[serde(skip_serializing_if = "Option::is_none")]
        timestamp: Option<Timestamp>,
        #[serde(skip_serializing_if = "is_false")]
        duplicate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a Reference>,
    },
    Deleted {
        seq: Seq,
        id: MessageId,
        conversation_id: ConversationId,
        partner_id: UserId,
        r#for: &'static str,
        /// The user who did it; null when it was the server.
        by: Option<UserId>,
        reason: &'static str,
        #[serde(skip_serializing_if = "is_false")]
        duplicate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a Reference>,
    },
    DeletedBefore {
        seq: Seq,
        timestamp: Timestamp,
    },
    KeyChanged {
        seq: Seq,
        user_id: UserId,
        key_id: &'a str,
    },
    UserDeleted {
        seq: Seq,
        user_id: UserId,
    },
    Block {
        seq: Seq,
        user_id: UserId,
        blocked: bool,
    },
    Typing {
        conversation_id: ConversationId,
        user_id: UserId,
        active: bool,
    },
    Presence {
        user_id: UserId,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen: Option<Timestamp>,
    },
    Live {
        cursor: String,
    },
    Reset {
        reason: &'static str,
        cursor: String,
    },
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a Reference>,
    },
    GoingAway {
        reconnect_after_ms: u64,
    },
    Error {
        code: ErrorCode,
        message: &'a str,
        retryable: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#ref: Option<&'a Reference>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limiter: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<Seq>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timestamp: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        attachment_id: Option<&'a str>,
    },
}

#[derive(Serialize)]
pub(super) struct LimitsBody {
    frame_bytes: usize,
    ciphertext_bytes: usize,
    in_flight: usize,
    heartbeat_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<usize>,
}

/// A file that a message names.
#[derive(Serialize)]
pub(super) struct AttachmentBody {
    id: String,
    file_url: String,
    size: u64,
}

impl From<&Attachment> for AttachmentBody {
    fn from(file: &Attachment) -> Self {
        Self { id: file.id.to_string(), file_url: file_url(file.id), size: file.size }
    }
}

impl From<Limits> for LimitsBody {
    fn from(limits: Limits) -> Self {
        let Limits { frame_bytes, ciphertext_bytes, in_flight, heartbeat_s, media } = limits;
        let (media_bytes, attachments) = (media.map(|media| media.bytes), media.map(|media| media.per_message));
        Self { frame_bytes, ciphertext_bytes, in_flight, heartbeat_s, media_bytes, attachments }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

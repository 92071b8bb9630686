//! The frames of the server as they are written, key by key, in the order of the contract.

use serde::Serialize;

use super::{Limits, file_url};
use crate::domain::{
    Attachment, ClientId, ConversationId, Deletion, Event, FrankingTag, Message, MessageId, Receipt, ReceiptKind,
    Scope, Seq, Stored, Timestamp, UserId, Viewer,
};
use crate::protocol::ErrorCode;
use crate::protocol::franking::{ReportToken, ReportTokens};
use crate::protocol::json::{self, Text};
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
        client_id: Option<Text<&'a str>>,
        conversation_id: ConversationId,
        id: MessageId,
        seq: Seq,
        #[serde(serialize_with = "json::timestamp")]
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
        content: Text<&'a str>,
        message_type: &'a str,
        #[serde(serialize_with = "json::timestamp")]
        timestamp: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<Text<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        franking_tag: Option<Text<&'a str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        report_token: Option<Text<ReportToken>>,
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

/// Returns the body that tells a sender that its message is stored.
pub(super) fn stored_body<'a>(stored: &'a Stored, reference: Option<&'a Reference>) -> Body<'a> {
    Body::Stored {
        client_id: stored.client_id.as_ref().map(ClientId::as_str).map(Text),
        conversation_id: stored.conversation_id,
        id: stored.id,
        seq: stored.seq,
        timestamp: stored.timestamp,
        duplicate: stored.duplicate,
        r#ref: reference,
    }
}

/// Returns the body of a message as `viewer` sees it.
pub(super) fn message_body<'a>(event: &Event, message: &'a Message, viewer: Viewer, tokens: &ReportTokens) -> Body<'a> {
    Body::Message {
        seq: event.seq,
        id: message.id,
        conversation_id: message.conversation_id,
        sender_id: message.sender,
        receiver_id: message.receiver,
        content: Text(message.content_for(viewer)),
        message_type: &message.message_type,
        timestamp: message.timestamp,
        client_id: message.client_id_for(viewer).map(Text),
        reply_to: message.reply_to,
        expires_at: message.expires_at,
        franking_tag: message.franking_tag.as_ref().map(FrankingTag::as_str).map(Text),
        report_token: tokens.of(message, viewer).map(Text),
        attachments: message.attachments.iter().map(AttachmentBody::from).collect(),
    }
}

/// Returns the body of a receipt.
pub(super) fn receipt_body<'a>(receipt: &Receipt, duplicate: bool, reference: Option<&'a Reference>) -> Body<'a> {
    Body::Receipt {
        seq: Some(receipt.seq),
        kind: kind(receipt.kind),
        conversation_id: receipt.conversation_id,
        user_id: receipt.user,
        partner_id: receipt.partner,
        up_to_id: receipt.up_to,
        timestamp: Some(receipt.timestamp),
        duplicate,
        r#ref: reference,
    }
}

/// Returns the name of a kind of receipt on the wire.
pub(super) const fn kind(kind: ReceiptKind) -> &'static str {
    match kind {
        ReceiptKind::Delivered => "delivered",
        ReceiptKind::Read => "read",
    }
}

/// Returns the body of a deletion as `viewer` sees it.
pub(super) fn deleted_body<'a>(
    deletion: &Deletion,
    viewer: Viewer,
    duplicate: bool,
    reference: Option<&'a Reference>,
) -> Body<'a> {
    Body::Deleted {
        seq: deletion.seq,
        id: deletion.id,
        conversation_id: deletion.conversation_id,
        partner_id: deletion.partner_for(viewer),
        r#for: match deletion.scope {
            Scope::Me => "me",
            Scope::Everyone => "everyone",
        },
        by: deletion.by,
        reason: if deletion.by.is_some() { "user" } else { "expired" },
        duplicate,
        r#ref: reference,
    }
}

//! Frames that the server sends.

use super::{Context, Reference};
use crate::domain::{
    Answer, ClientId, ConversationId, Cursor, DeviceId, Event, EventBody, MediaId, MessageId, ReceiptKind, ResetReason,
    Timestamp, UserId, Viewer,
};
use crate::protocol::franking::ReportTokens;
use crate::protocol::{Detail, Frame, FrameError};

mod body;

use body::{Body, deleted_body, kind, message_body, receipt_body, stored_body};

/// Every `type` that the server may send.
pub const SERVER_FRAMES: [&str; 16] = [
    "hello",
    "stored",
    "message",
    "receipt",
    "deleted",
    "deleted_before",
    "key_changed",
    "user_deleted",
    "block",
    "typing",
    "presence",
    "live",
    "reset",
    "pong",
    "going_away",
    "error",
];

/// The first frame of a socket.
#[derive(Clone, Copy, Debug)]
pub struct Hello<'a> {
    /// The socket's user.
    pub user: UserId,
    /// The name of the device: its own, or one that the server made up.
    pub device: &'a DeviceId,
    /// The cursor from which this socket's stream starts.
    pub cursor: &'a Cursor,
    /// The server's clock.
    pub server_time: Timestamp,
    /// The limits of this socket.
    pub limits: Limits,
}

/// The limits of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame in bytes.
    pub frame_bytes: usize,
    /// Largest encrypted copy in bytes.
    pub ciphertext_bytes: usize,
    /// Most frames without a reply at once.
    pub in_flight: usize,
    /// Seconds between two pings of the server.
    pub heartbeat_s: u64,
    /// Those of files; `None` when the server takes none.
    pub media: Option<MediaLimits>,
}

/// The limits on files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaLimits {
    /// Largest file in bytes.
    pub bytes: u64,
    /// Most files of a message.
    pub per_message: usize,
}

/// The presence of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The user has at least one socket.
    Online,
    /// The user has no socket.
    Offline {
        /// When the user's last socket closed, shown to the minute. `None` when it must not be shown.
        last_seen: Option<Timestamp>,
    },
}

/// Returns the frame `hello`, which names the user, the device and the cursor from which the stream goes on.
#[must_use]
pub fn hello(hello: &Hello<'_>) -> Frame {
    Frame::json(&Body::Hello {
        user_id: hello.user,
        device_id: hello.device.as_str(),
        cursor: hello.cursor.to_string(),
        server_time: hello.server_time,
        limits: hello.limits.into(),
    })
}

/// Returns the frame `live`: everything up to `cursor` was sent; later events follow as they happen.
#[must_use]
pub fn live(cursor: &Cursor) -> Frame {
    Frame::json(&Body::Live { cursor: cursor.to_string() })
}

/// Returns the frame `reset`: the client's cursor cannot be honoured. The client must reload, then go on from `cursor`.
#[must_use]
pub fn reset(reason: ResetReason, cursor: &Cursor) -> Frame {
    let reason = match reason {
        ResetReason::Epoch => "epoch",
        ResetReason::Future => "future",
        ResetReason::Expired => "expired",
    };
    Frame::json(&Body::Reset { reason, cursor: cursor.to_string() })
}

/// Returns the frame `pong`, the reply to a `ping`.
#[must_use]
pub fn pong(reference: Option<&Reference>) -> Frame {
    Frame::json(&Body::Pong { r#ref: reference })
}

/// Returns the frame `going_away`: the server is about to close the socket, and the client should reconnect after
/// `reconnect_after_ms` milliseconds.
#[must_use]
pub fn going_away(reconnect_after_ms: u64) -> Frame {
    Frame::json(&Body::GoingAway { reconnect_after_ms })
}

/// Returns the frame of an event, as `viewer`'s devices get it. A message of somebody else carries one of the `tokens`.
#[must_use]
pub fn event(event: &Event, viewer: Viewer, tokens: &ReportTokens) -> Frame {
    let seq = event.seq;
    let body = match &event.body {
        EventBody::Message(message) => {
            let text_bytes = message.content_for(viewer).len();
            return Frame::json_with(&message_body(event, message, viewer, tokens), text_bytes);
        }
        EventBody::Receipt(receipt) => receipt_body(receipt, false, None),
        EventBody::Deleted(deletion) => deleted_body(deletion, viewer, false, None),
        &EventBody::DeletedBefore(timestamp) => Body::DeletedBefore { seq, timestamp },
        EventBody::KeyChanged { user, key_id } => Body::KeyChanged { seq, user_id: *user, key_id },
        &EventBody::UserDeleted(user_id) => Body::UserDeleted { seq, user_id },
        &EventBody::Block { user, blocked } => Body::Block { seq, user_id: user, blocked },
    };
    Frame::json(&body)
}

/// Returns the reply to a command of `viewer`; `None` for an outcome that has no frame.
#[must_use]
pub fn answer(answer: &Answer, viewer: Viewer, reference: Option<&Reference>) -> Option<Frame> {
    let body = match answer {
        Answer::Stored(stored) => stored_body(stored, reference),
        Answer::Read { receipt, duplicate } => receipt_body(receipt, *duplicate, reference),
        &Answer::NothingRead { conversation_id, user, partner } => Body::Receipt {
            seq: None,
            kind: kind(ReceiptKind::Read),
            conversation_id,
            user_id: user,
            partner_id: partner,
            up_to_id: MessageId(0),
            timestamp: None,
            duplicate: true,
            r#ref: reference,
        },
        Answer::Deleted { deletion, duplicate } => deleted_body(deletion, viewer, *duplicate, reference),
        Answer::KeySet { .. }
        | Answer::Configured(_)
        | Answer::LoginsEnded { .. }
        | Answer::LoginBegun(_)
        | Answer::AccountControlled { .. }
        | Answer::AddressRule(_)
        | Answer::TargetRegistered(_)
        | Answer::Done => return None,
    };
    Some(Frame::json(&body))
}

/// Returns the frame `error`: the reason why a frame was not accepted.
#[must_use]
pub fn error(error: &FrameError, context: &Context) -> Frame {
    let (mut limiter, mut id, mut seq, mut timestamp) = (None, None, None, None);
    let (mut key_id, mut attachment_id) = (None, None);
    match &error.detail {
        Detail::None => {}
        Detail::Limiter(name) => limiter = Some(*name),
        Detail::Conflict { id: of, seq: place, timestamp: at } => {
            (id, seq, timestamp) = (Some(*of), Some(*place), Some(*at));
        }
        Detail::StaleKey { key_id: present } => key_id = Some(present.as_str()),
        Detail::Attachment { id: missing } => attachment_id = Some(missing.as_str()),
    }
    Frame::json(&Body::Error {
        code: error.code,
        message: &error.message,
        retryable: error.code.is_retryable(),
        r#ref: context.reference.as_ref(),
        client_id: context.client_id.as_ref().map(ClientId::as_str),
        limiter,
        retry_after_ms: error.retry_after_ms,
        id,
        seq,
        timestamp,
        key_id,
        attachment_id,
    })
}

/// Returns the frame `typing`: a user is typing, or has stopped.
#[must_use]
pub fn typing(conversation_id: ConversationId, user: UserId, active: bool) -> Frame {
    Frame::json(&Body::Typing { conversation_id, user_id: user, active })
}

/// Returns the frame `presence`: a user has come or gone.
#[must_use]
pub fn presence(user: UserId, status: Status) -> Frame {
    let (status, last_seen) = match status {
        Status::Online => ("online", None),
        Status::Offline { last_seen } => ("offline", last_seen.map(to_minute)),
    };
    Frame::json(&Body::Presence { user_id: user, status, last_seen })
}

/// Returns the path under which a file is read.
#[must_use]
pub fn file_url(id: MediaId) -> String {
    format!("/media/{id}")
}

/// Returns the time rounded down to the minute.
fn to_minute(time: Timestamp) -> Timestamp {
    const MINUTE_US: i64 = 60_000_000;
    Timestamp::from_micros(time.as_micros().div_euclid(MINUTE_US) * MINUTE_US)
}

#[cfg(test)]
mod tests;

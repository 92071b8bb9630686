//! Encodes a frame that a client has read with the server's codec: the reverse of `strict`.

use serde_json::Value;

use super::strict::Strict;
use crate::domain::{
    Answer, Attachment, ClientId, ConversationId, Deletion, DeviceId, Event, EventBody, FrankingTag, MediaId, Message,
    MessageId, Receipt, ReceiptKind, ResetReason, Scope, Seq, Stored, Timestamp, UserId, Viewer,
};
use crate::protocol::franking::ReportTokens;
use crate::protocol::v1::{
    Context, Hello, Limits, MediaLimits, Reference, Status, answer, error, event, going_away, hello, live, pong,
    presence, reset, typing,
};
use crate::protocol::{Detail, ErrorCode, Frame, FrameError};

/// The viewer of frames that name no user.
const VIEWER: Viewer = Viewer { user: UserId(7) };

/// Encodes `frame` with the codec. A value that no type of the server can hold comes out changed, and an unknown word
/// panics.
pub(super) fn encode(frame: Strict) -> Frame {
    let told = |seq, body| event(&Event { seq: Seq(seq), body }, VIEWER, &tokens());
    match frame {
        Strict::Hello { user_id, device_id, cursor, server_time, limits } => hello(&Hello {
            user: UserId(user_id),
            device: &DeviceId::parse(&device_id).unwrap(),
            cursor: &cursor.parse().unwrap(),
            server_time: time(&server_time),
            limits: Limits {
                frame_bytes: limits.frame_bytes,
                ciphertext_bytes: limits.ciphertext_bytes,
                in_flight: limits.in_flight,
                heartbeat_s: limits.heartbeat_s,
                media: limits
                    .media_bytes
                    .zip(limits.attachments)
                    .map(|(bytes, per_message)| MediaLimits { bytes, per_message }),
            },
        }),
        Strict::Live { cursor } => live(&cursor.parse().unwrap()),
        Strict::Reset { reason, cursor } => {
            let reason = match reason.as_str() {
                "epoch" => ResetReason::Epoch,
                "future" => ResetReason::Future,
                "expired" => ResetReason::Expired,
                other => panic!("no reason: {other}"),
            };
            reset(reason, &cursor.parse().unwrap())
        }
        Strict::Pong { r#ref } => pong(reference(r#ref).as_ref()),
        Strict::GoingAway { reconnect_after_ms } => going_away(reconnect_after_ms),
        Strict::DeletedBefore { seq, timestamp } => told(seq, EventBody::DeletedBefore(time(&timestamp))),
        Strict::KeyChanged { seq, user_id, key_id } => {
            told(seq, EventBody::KeyChanged { user: UserId(user_id), key_id })
        }
        Strict::UserDeleted { seq, user_id } => told(seq, EventBody::UserDeleted(UserId(user_id))),
        Strict::Block { seq, user_id, blocked } => told(seq, EventBody::Block { user: UserId(user_id), blocked }),
        Strict::Typing { conversation_id, user_id, active } => {
            typing(ConversationId(conversation_id), UserId(user_id), active)
        }
        Strict::Presence { user_id, status, last_seen } => {
            let status = match status.as_str() {
                "online" => Status::Online,
                "offline" => Status::Offline { last_seen: last_seen.map(|text| time(&text)) },
                other => panic!("no status: {other}"),
            };
            presence(UserId(user_id), status)
        }
        stored @ Strict::Stored { .. } => encode_stored(stored),
        message @ Strict::Message { .. } => encode_message(&message),
        receipt @ Strict::Receipt { .. } => encode_receipt(receipt),
        deleted @ Strict::Deleted { .. } => encode_deleted(deleted),
        wrong @ Strict::Error { .. } => encode_error(&wrong),
    }
}

fn encode_stored(frame: Strict) -> Frame {
    let Strict::Stored { client_id, conversation_id, id, seq, timestamp, duplicate, r#ref } = frame else {
        unreachable!()
    };
    let stored = Stored {
        client_id: client_id.map(|id| ClientId::parse(&id).unwrap()),
        conversation_id: ConversationId(conversation_id),
        id: MessageId(id),
        seq: Seq(seq),
        timestamp: time(&timestamp),
        duplicate,
    };
    answer(&Answer::Stored(stored), VIEWER, reference(r#ref).as_ref()).unwrap()
}

/// Tokens under a key of the tests.
fn tokens() -> ReportTokens {
    ReportTokens::new(&[0; 32]).unwrap()
}

/// The token of a frame, whatever token it has itself.
pub(super) fn report_token(frame: &Strict) -> Option<String> {
    let (message, viewer) = message(frame);
    tokens().of(&message, viewer).map(|token| token.as_str().to_owned())
}

fn encode_message(frame: &Strict) -> Frame {
    let (message, viewer) = message(frame);
    let seq = message.seq;
    event(&Event { seq, body: EventBody::Message(message) }, viewer, &tokens())
}

/// The message of a frame, and whom it is shown to.
fn message(frame: &Strict) -> (Message, Viewer) {
    let Strict::Message { seq, id, conversation_id, sender_id, receiver_id, content, message_type, timestamp, .. } =
        frame
    else {
        unreachable!()
    };
    let Strict::Message { client_id, reply_to, expires_at, franking_tag, attachments, .. } = frame else {
        unreachable!()
    };
    let attachments = attachments.iter().flatten();
    let (sender, receiver) = (UserId(*sender_id), UserId(*receiver_id));
    // The viewer is sender or receiver, as far as the frame shows it.
    let viewer = if client_id.is_some() || sender == VIEWER.user { sender } else { receiver };
    let copy = |of| if viewer == of { content.clone() } else { String::new() };
    let message = Message {
        id: MessageId(*id),
        seq: Seq(*seq),
        conversation_id: ConversationId(*conversation_id),
        sender,
        receiver,
        sender_copy: copy(sender),
        receiver_copy: copy(receiver),
        message_type: message_type.clone(),
        timestamp: time(timestamp),
        client_id: client_id.clone(),
        reply_to: reply_to.map(MessageId),
        expires_at: expires_at.as_deref().map(time),
        franking_tag: franking_tag.as_deref().map(|tag| FrankingTag::parse(tag).unwrap()),
        attachments: attachments
            .map(|file| Attachment { id: MediaId::parse(&file.id).unwrap(), size: file.size })
            .collect(),
    };
    (message, Viewer { user: viewer })
}

fn encode_receipt(frame: Strict) -> Frame {
    let Strict::Receipt { seq, kind, conversation_id, user_id, partner_id, up_to_id, timestamp, duplicate, r#ref } =
        frame
    else {
        unreachable!()
    };
    let (conversation_id, user, partner) = (ConversationId(conversation_id), UserId(user_id), UserId(partner_id));
    let reference = reference(r#ref);
    let Some(seq) = seq else {
        return answer(&Answer::NothingRead { conversation_id, user, partner }, Viewer { user }, reference.as_ref())
            .unwrap();
    };
    let kind = match kind.as_str() {
        "read" => ReceiptKind::Read,
        "delivered" => ReceiptKind::Delivered,
        other => panic!("no kind: {other}"),
    };
    let (up_to, timestamp) = (MessageId(up_to_id), time(&timestamp.unwrap()));
    let receipt = Receipt { seq: Seq(seq), kind, conversation_id, user, partner, up_to, timestamp };
    if reference.is_none() && duplicate.is_none() {
        return event(&Event { seq: Seq(seq), body: EventBody::Receipt(receipt) }, VIEWER, &tokens());
    }
    answer(&Answer::Read { receipt, duplicate: duplicate == Some(true) }, Viewer { user }, reference.as_ref()).unwrap()
}

fn encode_deleted(frame: Strict) -> Frame {
    let Strict::Deleted { seq, id, conversation_id, partner_id, r#for, by, reason: _, duplicate, r#ref } = frame else {
        unreachable!()
    };
    let scope = match r#for.as_str() {
        "me" => Scope::Me,
        "everyone" => Scope::Everyone,
        other => panic!("for nobody: {other}"),
    };
    let deletion = Deletion {
        seq: Seq(seq),
        id: MessageId(id),
        conversation_id: ConversationId(conversation_id),
        sender: VIEWER.user,
        receiver: UserId(partner_id),
        scope,
        by: by.map(UserId),
    };
    let reference = reference(r#ref);
    if reference.is_none() && duplicate.is_none() {
        return event(&Event { seq: Seq(seq), body: EventBody::Deleted(deletion) }, VIEWER, &tokens());
    }
    answer(&Answer::Deleted { deletion, duplicate: duplicate == Some(true) }, VIEWER, reference.as_ref()).unwrap()
}

fn encode_error(frame: &Strict) -> Frame {
    let Strict::Error { code, message, r#ref, client_id, limiter, retry_after_ms, .. } = frame else { unreachable!() };
    let Strict::Error { id, seq, timestamp, key_id, attachment_id, .. } = frame else { unreachable!() };
    let detail = match (limiter, id, key_id, attachment_id) {
        (None, None, None, None) => Detail::None,
        (None, None, None, Some(id)) => Detail::Attachment { id: id.clone() },
        (Some(limiter), None, None, None) => Detail::Limiter(limiter.clone().leak()),
        (None, Some(id), None, None) => {
            let timestamp = time(timestamp.as_deref().unwrap());
            Detail::Conflict { id: MessageId(*id), seq: Seq(seq.unwrap()), timestamp }
        }
        (None, None, Some(key_id), None) => Detail::StaleKey { key_id: key_id.clone() },
        other => panic!("no error has all of these: {other:?}"),
    };
    let why = FrameError { retry_after_ms: *retry_after_ms, detail, ..FrameError::new(code_of(code), message.clone()) };
    let client_id = client_id.as_deref().map(|id| ClientId::parse(id).unwrap());
    error(&why, &Context { reference: reference(r#ref.clone()), client_id })
}

/// The codes that the contract has on the socket.
pub(super) const CODES: [ErrorCode; 12] = [
    ErrorCode::RateLimited,
    ErrorCode::Unavailable,
    ErrorCode::BadJson,
    ErrorCode::BadFrame,
    ErrorCode::UnknownType,
    ErrorCode::UnknownUser,
    ErrorCode::TooLarge,
    ErrorCode::Blocked,
    ErrorCode::Conflict,
    ErrorCode::StaleKey,
    ErrorCode::NotFound,
    ErrorCode::Forbidden,
];

fn code_of(word: &str) -> ErrorCode {
    CODES.into_iter().find(|code| code.as_str() == word).unwrap_or_else(|| panic!("no code: {word}"))
}

fn reference(value: Option<Value>) -> Option<Reference> {
    value.map(|value| match value {
        Value::String(text) => Reference::text(&text).unwrap(),
        number => Reference::integer(number.to_string().parse().unwrap()).unwrap(),
    })
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_bound(text).unwrap()
}

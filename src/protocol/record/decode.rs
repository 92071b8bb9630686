//! Records from bytes.

use std::sync::Arc;

use prost::Message as _;

use super::wire::{self, EffectKind, Kind};
use super::{RecordError, VERSION, columns};
use crate::domain::{
    Attachment, Audience, ConversationId, Deletion, Effect, Event, EventBody, FrankingTag, LoginEnd, LoginId, Message,
    MessageId, Receipt, ReceiptKind, Record, RecordedEvent, Scope, Seq, Timestamp, UserId,
};

/// Reads the record of the batch with the numbers `first` to `last`. Events and effects of a kind that this version
/// does not know are left out.
pub fn decode(first: Seq, last: Seq, bytes: &[u8]) -> Result<Record, RecordError> {
    record(first, last, body(bytes)?)
}

pub(super) fn body(bytes: &[u8]) -> Result<wire::Body, RecordError> {
    let (version, body) = bytes.split_first().ok_or(RecordError::Malformed)?;
    if *version != VERSION {
        return Err(RecordError::Version(*version));
    }
    let mut body = wire::Body::decode(body).map_err(|_| RecordError::Malformed)?;
    columns::unpack(&mut body)?;
    Ok(body)
}

pub(super) fn record(first: Seq, last: Seq, body: wire::Body) -> Result<Record, RecordError> {
    let mut events = Vec::with_capacity(body.events.len());
    for entry in body.events {
        let seq = Seq(first.0.saturating_add(i64::from(entry.offset)));
        if seq > last {
            return Err(RecordError::Malformed);
        }
        events.extend(event(seq, entry));
    }
    let effects = body.effects.into_iter().filter_map(|entry| entry.kind.map(effect)).collect();
    Ok(Record { first, last, events, effects })
}

fn event(seq: Seq, wire::Entry { users, kind, .. }: wire::Entry) -> Option<RecordedEvent> {
    let body = match kind? {
        Kind::Stored(wire::Stored { sender, receiver, whole: None }) => {
            return Some(RecordedEvent::Message { seq, sender: UserId(sender), receiver: UserId(receiver) });
        }
        Kind::Stored(wire::Stored { sender, receiver, whole: Some(whole) }) => {
            EventBody::Message(message(seq, UserId(sender), UserId(receiver), *whole))
        }
        Kind::Receipt(entry) => EventBody::Receipt(receipt(seq, &entry)?),
        Kind::Deleted(entry) => EventBody::Deleted(deletion(seq, &entry)?),
        Kind::DeletedBefore(before) => EventBody::DeletedBefore(Timestamp::from_micros(before)),
        Kind::KeyChanged(wire::KeyChanged { user, key_id }) => EventBody::KeyChanged { user: UserId(user), key_id },
        Kind::UserDeleted(user) => EventBody::UserDeleted(UserId(user)),
        Kind::Block(wire::Block { user, blocked }) => EventBody::Block { user: UserId(user), blocked },
    };
    let to = if users.is_empty() {
        vec![natural_audience(&body)?]
    } else {
        users.into_iter().map(|user| Audience::User(UserId(user))).collect()
    };
    Some(RecordedEvent::Other { to, event: Arc::new(Event { seq, body }) })
}

/// Returns those who must learn of an event that names nobody.
fn natural_audience(body: &EventBody) -> Option<Audience> {
    match body {
        EventBody::Message(message) => Some(Audience::Members(message.conversation())),
        EventBody::Receipt(receipt) => Some(Audience::Members(receipt.conversation())),
        EventBody::Deleted(deletion) => Some(Audience::Members(deletion.conversation())),
        EventBody::DeletedBefore(_) => Some(Audience::All),
        EventBody::KeyChanged { .. } | EventBody::UserDeleted(_) | EventBody::Block { .. } => None,
    }
}

fn message(seq: Seq, sender: UserId, receiver: UserId, whole: wire::Whole) -> Message {
    Message {
        id: MessageId(whole.id),
        seq,
        conversation_id: ConversationId(whole.conversation),
        sender,
        receiver,
        sender_copy: whole.sender_copy,
        receiver_copy: whole.receiver_copy,
        message_type: whole.message_type,
        timestamp: Timestamp::from_micros(whole.timestamp),
        client_id: whole.client_id,
        reply_to: whole.reply_to.map(MessageId),
        expires_at: whole.expires_at.map(Timestamp::from_micros),
        franking_tag: whole.franking_tag.as_deref().and_then(FrankingTag::parse),
        attachments: whole.attachments.as_deref().and_then(Attachment::read_list).unwrap_or_default(),
    }
}

fn receipt(seq: Seq, entry: &wire::Receipt) -> Option<Receipt> {
    let kind = match entry.kind() {
        wire::ReceiptKind::Unknown => return None,
        wire::ReceiptKind::Delivered => ReceiptKind::Delivered,
        wire::ReceiptKind::Read => ReceiptKind::Read,
    };
    Some(Receipt {
        seq,
        kind,
        conversation_id: ConversationId(entry.conversation),
        user: UserId(entry.user),
        partner: UserId(entry.partner),
        up_to: MessageId(entry.up_to),
        timestamp: Timestamp::from_micros(entry.timestamp),
    })
}

fn deletion(seq: Seq, entry: &wire::Deleted) -> Option<Deletion> {
    let scope = match entry.scope() {
        wire::Scope::Unknown => return None,
        wire::Scope::Me => Scope::Me,
        wire::Scope::Everyone => Scope::Everyone,
    };
    Some(Deletion {
        seq,
        id: MessageId(entry.id),
        conversation_id: ConversationId(entry.conversation),
        sender: UserId(entry.sender),
        receiver: UserId(entry.receiver),
        scope,
        by: entry.by.map(UserId),
    })
}

fn effect(kind: EffectKind) -> Effect {
    match kind {
        EffectKind::LoginsEnded(entry) => {
            let end = match entry.end() {
                // A reason that is not known yet ends them all the same.
                wire::End::Unknown | wire::End::Revoked => LoginEnd::Revoked,
                wire::End::Logout => LoginEnd::Logout,
                wire::End::Password => LoginEnd::Password,
                wire::End::Deleted => LoginEnd::Deleted,
            };
            let logins = entry.logins.into_iter().map(LoginId).collect();
            Effect::LoginsEnded { user: UserId(entry.user), logins, end, closes_all: entry.closes_all }
        }
        EffectKind::AccountDeleted(wire::AccountDeleted { user, until }) => {
            Effect::AccountDeleted { user: UserId(user), until: Timestamp::from_micros(until) }
        }
        EffectKind::AddressRulesChanged(wire::Nothing {}) => Effect::AddressRulesChanged,
        EffectKind::VisibilityChanged(wire::VisibilityChanged { user, other }) => {
            Effect::VisibilityChanged { user: UserId(user), other: other.map(UserId) }
        }
    }
}

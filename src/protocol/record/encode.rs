//! Records as bytes.

use prost::Message as _;

use super::wire::{self, EffectKind, Kind};
use super::{ADDRESS_RULES_LEVEL, COMPACT_LEVEL, FIRST_LEVEL, VERSION, columns};
use crate::domain::{
    Attachment, Audience, Deletion, Effect, EventBody, LoginEnd, Message, Receipt, ReceiptKind, Record, RecordedEvent,
    Scope, Seq, Timestamp,
};

/// Returns the bytes of a record as servers of this level read them, without its numbers: they are kept beside it.
#[must_use]
pub fn encode(record: &Record, level: i32) -> Vec<u8> {
    encode_body(body(record, level), level)
}

/// Returns the record without what servers of this level cannot read.
pub(super) fn body(record: &Record, level: i32) -> wire::Body {
    let effects = record.effects.iter().filter(|effect| level_of(effect) <= level);
    wire::Body {
        events: record.events.iter().map(|event| entry(record.first, event)).collect(),
        effects: effects.map(|effect| wire::EffectEntry { kind: Some(effect_kind(effect)) }).collect(),
        origin: None,
        messages: None,
    }
}

/// Returns the level from which an effect is written.
pub(super) fn level_of(effect: &Effect) -> i32 {
    match effect {
        Effect::LoginsEnded { .. } | Effect::AccountDeleted { .. } | Effect::VisibilityChanged { .. } => FIRST_LEVEL,
        Effect::AddressRulesChanged => ADDRESS_RULES_LEVEL,
    }
}

pub(super) fn encode_body(mut body: wire::Body, level: i32) -> Vec<u8> {
    if level >= COMPACT_LEVEL {
        columns::pack(&mut body);
    }
    let mut bytes = Vec::with_capacity(1 + body.encoded_len());
    bytes.push(VERSION);
    // A vector takes all.
    let _ = body.encode(&mut bytes);
    bytes
}

fn entry(first: Seq, event: &RecordedEvent) -> wire::Entry {
    // A batch has far fewer numbers.
    let offset = u32::try_from(event.seq().0 - first.0).unwrap_or(u32::MAX);
    let (users, kind) = match event {
        RecordedEvent::Message { sender, receiver, .. } => {
            (Vec::new(), Kind::Stored(wire::Stored { sender: sender.0, receiver: receiver.0, whole: None }))
        }
        RecordedEvent::Other { to, event } => (users(to), kind(&event.body)),
    };
    wire::Entry { offset, users, kind: Some(kind) }
}

/// Returns the users who are named one by one.
fn users(to: &[Audience]) -> Vec<i32> {
    let user = |audience: &Audience| if let Audience::User(user) = audience { Some(user.0) } else { None };
    to.iter().filter_map(user).collect()
}

fn kind(body: &EventBody) -> Kind {
    match body {
        EventBody::Message(message) => Kind::Stored(stored(message)),
        EventBody::Receipt(receipt) => Kind::Receipt(receipt_entry(receipt)),
        EventBody::Deleted(deletion) => Kind::Deleted(deleted(deletion)),
        EventBody::DeletedBefore(before) => Kind::DeletedBefore(before.as_micros()),
        EventBody::KeyChanged { user, key_id } => {
            Kind::KeyChanged(wire::KeyChanged { user: user.0, key_id: key_id.clone() })
        }
        EventBody::UserDeleted(user) => Kind::UserDeleted(user.0),
        EventBody::Block { user, blocked } => Kind::Block(wire::Block { user: user.0, blocked: *blocked }),
    }
}

fn stored(message: &Message) -> wire::Stored {
    let whole = wire::Whole {
        id: message.id.0,
        conversation: message.conversation_id.0,
        sender_copy: message.sender_copy.clone(),
        receiver_copy: message.receiver_copy.clone(),
        message_type: message.message_type.clone(),
        timestamp: message.timestamp.as_micros(),
        client_id: message.client_id.clone(),
        reply_to: message.reply_to.map(|id| id.0),
        expires_at: message.expires_at.map(Timestamp::as_micros),
        franking_tag: message.franking_tag.map(|tag| tag.as_str().to_owned()),
        attachments: Some(Attachment::list(&message.attachments)).filter(|list| !list.is_empty()),
    };
    wire::Stored { sender: message.sender.0, receiver: message.receiver.0, whole: Some(whole) }
}

fn receipt_entry(receipt: &Receipt) -> wire::Receipt {
    let kind = match receipt.kind {
        ReceiptKind::Delivered => wire::ReceiptKind::Delivered,
        ReceiptKind::Read => wire::ReceiptKind::Read,
    };
    wire::Receipt {
        kind: kind.into(),
        conversation: receipt.conversation_id.0,
        user: receipt.user.0,
        partner: receipt.partner.0,
        up_to: receipt.up_to.0,
        timestamp: receipt.timestamp.as_micros(),
    }
}

fn deleted(deletion: &Deletion) -> wire::Deleted {
    let scope = match deletion.scope {
        Scope::Me => wire::Scope::Me,
        Scope::Everyone => wire::Scope::Everyone,
    };
    wire::Deleted {
        id: deletion.id.0,
        conversation: deletion.conversation_id.0,
        sender: deletion.sender.0,
        receiver: deletion.receiver.0,
        scope: scope.into(),
        by: deletion.by.map(|user| user.0),
    }
}

fn effect_kind(effect: &Effect) -> EffectKind {
    match effect {
        Effect::LoginsEnded { user, logins, end, closes_all } => EffectKind::LoginsEnded(wire::LoginsEnded {
            user: user.0,
            logins: logins.iter().map(|login| login.0).collect(),
            end: login_end(*end).into(),
            closes_all: *closes_all,
        }),
        Effect::AccountDeleted { user, until } => {
            EffectKind::AccountDeleted(wire::AccountDeleted { user: user.0, until: until.as_micros() })
        }
        Effect::AddressRulesChanged => EffectKind::AddressRulesChanged(wire::Nothing {}),
        Effect::VisibilityChanged { user, other } => {
            EffectKind::VisibilityChanged(wire::VisibilityChanged { user: user.0, other: other.map(|other| other.0) })
        }
    }
}

fn login_end(end: LoginEnd) -> wire::End {
    match end {
        LoginEnd::Logout => wire::End::Logout,
        LoginEnd::Revoked => wire::End::Revoked,
        LoginEnd::Password => wire::End::Password,
        LoginEnd::Deleted => wire::End::Deleted,
    }
}

//! Records as bytes.

use std::sync::Arc;

use prost::Message as _;

use super::wire::{self, EffectKind, Kind};
use super::{ADDRESS_RULES_LEVEL, COMPACT_LEVEL, FIRST_LEVEL, VERSION, columns};
use crate::domain::{
    Attachment, Audience, Deletion, Effect, Event, EventBody, LoginEnd, Message, Receipt, ReceiptKind, Record,
    RecordedEvent, Scope, Seq, Timestamp,
};

/// Returns the bytes of a record as servers of this level read them, without its numbers: they are kept beside it.
#[must_use]
pub fn encode(record: &Record, level: i32) -> Vec<u8> {
    encode_body(body(record, level), level)
}

/// Returns the record without what servers of this level cannot read.
pub(super) fn body(record: &Record, level: i32) -> wire::Body {
    let events = record.events.iter().map(|event| match event {
        RecordedEvent::Message { .. } => entry(record.first, event.clone()),
        RecordedEvent::Other { to, event } => entry_of(record.first, to, event.seq, event.body.clone()),
    });
    wire::Body { events: events.collect(), effects: effects(record, level), origin: None, messages: None }
}

/// Returns the effects of a record that servers of this level can read.
pub(super) fn effects(record: &Record, level: i32) -> Vec<wire::EffectEntry> {
    let effects = record.effects.iter().filter(|effect| level_of(effect) <= level);
    effects.map(|effect| wire::EffectEntry { kind: Some(effect_kind(effect)) }).collect()
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

/// Returns what is written of an event. The texts of one that nobody else holds are moved, not copied.
pub(super) fn entry(first: Seq, event: RecordedEvent) -> wire::Entry {
    match event {
        RecordedEvent::Message { seq, sender, receiver } => {
            let stored = wire::Stored { sender: sender.0, receiver: receiver.0, whole: None };
            wire::Entry { offset: offset(first, seq), users: Vec::new(), kind: Some(Kind::Stored(stored)) }
        }
        RecordedEvent::Other { to, event } => {
            let Event { seq, body } = Arc::unwrap_or_clone(event);
            entry_of(first, &to, seq, body)
        }
    }
}

fn entry_of(first: Seq, to: &[Audience], seq: Seq, body: EventBody) -> wire::Entry {
    wire::Entry { offset: offset(first, seq), users: users(to), kind: Some(kind(body)) }
}

/// Returns how far a number is behind the first of its batch, which has far fewer.
fn offset(first: Seq, seq: Seq) -> u32 {
    u32::try_from(seq.0 - first.0).unwrap_or(u32::MAX)
}

/// Returns the users who are named one by one.
fn users(to: &[Audience]) -> Vec<i32> {
    let user = |audience: &Audience| if let Audience::User(user) = audience { Some(user.0) } else { None };
    to.iter().filter_map(user).collect()
}

fn kind(body: EventBody) -> Kind {
    match body {
        EventBody::Message(message) => Kind::Stored(stored(message)),
        EventBody::Receipt(receipt) => Kind::Receipt(receipt_entry(&receipt)),
        EventBody::Deleted(deletion) => Kind::Deleted(deleted(&deletion)),
        EventBody::DeletedBefore(before) => Kind::DeletedBefore(before.as_micros()),
        EventBody::KeyChanged { user, key_id } => Kind::KeyChanged(wire::KeyChanged { user: user.0, key_id }),
        EventBody::UserDeleted(user) => Kind::UserDeleted(user.0),
        EventBody::Block { user, blocked } => Kind::Block(wire::Block { user: user.0, blocked }),
    }
}

fn stored(message: Message) -> wire::Stored {
    let files = Some(&message.attachments).filter(|files| !files.is_empty());
    let attachments = files.map(|files| Attachment::list(files));
    let whole = wire::Whole {
        id: message.id.0,
        conversation: message.conversation_id.0,
        sender_copy: message.sender_copy,
        receiver_copy: message.receiver_copy,
        message_type: message.message_type,
        timestamp: message.timestamp.as_micros(),
        client_id: message.client_id,
        reply_to: message.reply_to.map(|id| id.0),
        expires_at: message.expires_at.map(Timestamp::as_micros),
        franking_tag: message.franking_tag.map(|tag| tag.as_str().to_owned()),
        attachments,
    };
    wire::Stored { sender: message.sender.0, receiver: message.receiver.0, whole: Some(Box::new(whole)) }
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

//! The protobuf messages of a record.

use prost::{Enumeration, Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Body {
    #[prost(message, repeated, tag = "1")]
    pub(super) events: Vec<Entry>,
    #[prost(message, repeated, tag = "2")]
    pub(super) effects: Vec<EffectEntry>,
    /// Who says so; only between servers, for the journal keeps it beside the record.
    #[prost(message, optional, tag = "3")]
    pub(super) origin: Option<Origin>,
    /// Messages that are told by their numbers. They are nearly all that a batch does, and take a third of the bytes
    /// that they would take among the events.
    #[prost(message, optional, tag = "4")]
    pub(super) messages: Option<Messages>,
}

/// Messages in the order of their numbers, as columns of one length.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Messages {
    /// By how much the number of each is above that of the one before; of the first, above the first of the batch.
    #[prost(uint32, repeated, tag = "1")]
    pub(super) steps: Vec<u32>,
    #[prost(int32, repeated, tag = "2")]
    pub(super) senders: Vec<i32>,
    #[prost(int32, repeated, tag = "3")]
    pub(super) receivers: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Origin {
    #[prost(int64, tag = "1")]
    pub(super) first: i64,
    #[prost(int64, tag = "2")]
    pub(super) last: i64,
    #[prost(sfixed64, tag = "3")]
    pub(super) boot: i64,
    /// When it was committed, in microseconds.
    #[prost(int64, tag = "4")]
    pub(super) at: i64,
    #[prost(sfixed64, tag = "5")]
    pub(super) nonce: i64,
    /// The time stamp of the last number of the batch, in microseconds; only in its last part.
    #[prost(int64, optional, tag = "6")]
    pub(super) clock: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    /// The number of the event, counted from the first of the batch.
    #[prost(uint32, tag = "1")]
    pub(super) offset: u32,
    /// Those who must learn of it, where they do not follow from its kind.
    #[prost(int32, repeated, tag = "2")]
    pub(super) users: Vec<i32>,
    #[prost(oneof = "Kind", tags = "3, 4, 5, 6, 7, 8, 9")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "3")]
    Stored(Stored),
    #[prost(message, tag = "4")]
    Receipt(Receipt),
    #[prost(message, tag = "5")]
    Deleted(Deleted),
    /// Everything older than this time stamp, in microseconds, is gone.
    #[prost(int64, tag = "6")]
    DeletedBefore(i64),
    #[prost(message, tag = "7")]
    KeyChanged(KeyChanged),
    #[prost(int32, tag = "8")]
    UserDeleted(i32),
    #[prost(message, tag = "9")]
    Block(Block),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Stored {
    #[prost(int32, tag = "1")]
    pub(super) sender: i32,
    #[prost(int32, tag = "2")]
    pub(super) receiver: i32,
    /// The rest of the message; only between servers, and only where it is small. Boxed, since most have none, and
    /// lists of entries are moved.
    #[prost(message, optional, boxed, tag = "3")]
    pub(super) whole: Option<Box<Whole>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Whole {
    #[prost(int64, tag = "1")]
    pub(super) id: i64,
    #[prost(int64, tag = "2")]
    pub(super) conversation: i64,
    #[prost(string, tag = "3")]
    pub(super) sender_copy: String,
    #[prost(string, tag = "4")]
    pub(super) receiver_copy: String,
    #[prost(string, tag = "5")]
    pub(super) message_type: String,
    #[prost(int64, tag = "6")]
    pub(super) timestamp: i64,
    #[prost(string, optional, tag = "7")]
    pub(super) client_id: Option<String>,
    #[prost(int64, optional, tag = "8")]
    pub(super) reply_to: Option<i64>,
    #[prost(int64, optional, tag = "9")]
    pub(super) expires_at: Option<i64>,
    /// A server that does not know it shows the message without: its receiver sees that it cannot be reported whole.
    #[prost(string, optional, tag = "10")]
    pub(super) franking_tag: Option<String>,
    /// As a message keeps them. A server that does not know it shows the message without.
    #[prost(string, optional, tag = "11")]
    pub(super) attachments: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Receipt {
    #[prost(enumeration = "ReceiptKind", tag = "1")]
    pub(super) kind: i32,
    #[prost(int64, tag = "2")]
    pub(super) conversation: i64,
    #[prost(int32, tag = "3")]
    pub(super) user: i32,
    #[prost(int32, tag = "4")]
    pub(super) partner: i32,
    #[prost(int64, tag = "5")]
    pub(super) up_to: i64,
    #[prost(int64, tag = "6")]
    pub(super) timestamp: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum ReceiptKind {
    Unknown = 0,
    Delivered = 1,
    Read = 2,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Deleted {
    #[prost(int64, tag = "1")]
    pub(super) id: i64,
    #[prost(int64, tag = "2")]
    pub(super) conversation: i64,
    #[prost(int32, tag = "3")]
    pub(super) sender: i32,
    #[prost(int32, tag = "4")]
    pub(super) receiver: i32,
    #[prost(enumeration = "Scope", tag = "5")]
    pub(super) scope: i32,
    /// Who has deleted it; none when it has expired.
    #[prost(int32, optional, tag = "6")]
    pub(super) by: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum Scope {
    Unknown = 0,
    Me = 1,
    Everyone = 2,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyChanged {
    #[prost(int32, tag = "1")]
    pub(super) user: i32,
    #[prost(string, tag = "2")]
    pub(super) key_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Block {
    #[prost(int32, tag = "1")]
    pub(super) user: i32,
    #[prost(bool, tag = "2")]
    pub(super) blocked: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EffectEntry {
    #[prost(oneof = "EffectKind", tags = "1, 2, 3, 4")]
    pub(super) kind: Option<EffectKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum EffectKind {
    #[prost(message, tag = "1")]
    LoginsEnded(LoginsEnded),
    #[prost(message, tag = "2")]
    AccountDeleted(AccountDeleted),
    #[prost(message, tag = "3")]
    VisibilityChanged(VisibilityChanged),
    #[prost(message, tag = "4")]
    AddressRulesChanged(Nothing),
}

/// What its kind says is all.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Nothing {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LoginsEnded {
    #[prost(int32, tag = "1")]
    pub(super) user: i32,
    #[prost(int64, repeated, tag = "2")]
    pub(super) logins: Vec<i64>,
    #[prost(enumeration = "End", tag = "3")]
    pub(super) end: i32,
    #[prost(bool, tag = "4")]
    pub(super) closes_all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum End {
    Unknown = 0,
    Logout = 1,
    Revoked = 2,
    Password = 3,
    Deleted = 4,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AccountDeleted {
    #[prost(int32, tag = "1")]
    pub(super) user: i32,
    #[prost(int64, tag = "2")]
    pub(super) until: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct VisibilityChanged {
    #[prost(int32, tag = "1")]
    pub(super) user: i32,
    #[prost(int32, optional, tag = "2")]
    pub(super) other: Option<i32>,
}

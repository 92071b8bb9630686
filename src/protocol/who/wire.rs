//! The protobuf messages of words.

use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Word {
    #[prost(sfixed64, tag = "1")]
    pub(super) boot: i64,
    #[prost(uint64, tag = "2")]
    pub(super) n: u64,
    #[prost(int64, tag = "3")]
    pub(super) at: i64,
    #[prost(oneof = "Said", tags = "4, 5, 6, 7, 8")]
    pub(super) said: Option<Said>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Said {
    #[prost(message, tag = "4")]
    Here(Here),
    #[prost(message, tag = "5")]
    Changed(Changed),
    #[prost(message, tag = "6")]
    Asked(Asked),
    #[prost(message, tag = "7")]
    Page(Page),
    #[prost(message, tag = "8")]
    Typing(Typing),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Here {
    #[prost(string, tag = "1")]
    pub(super) label: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
    #[prost(int32, tag = "3")]
    pub(super) level: i32,
    #[prost(int64, tag = "4")]
    pub(super) told: i64,
    #[prost(uint64, tag = "5")]
    pub(super) sockets: u64,
    #[prost(bool, tag = "6")]
    pub(super) store_ok: bool,
    #[prost(int64, optional, tag = "7")]
    pub(super) leaving_until: Option<i64>,
    #[prost(uint64, optional, tag = "8")]
    pub(super) hold_p99_us: Option<u64>,
    #[prost(uint64, tag = "9")]
    pub(super) changes: u64,
    #[prost(bool, tag = "10")]
    pub(super) is_new: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Changed {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(message, repeated, tag = "2")]
    pub(super) users: Vec<UserSockets>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Asked {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Page {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(uint32, tag = "2")]
    pub(super) index: u32,
    #[prost(bool, tag = "3")]
    pub(super) is_last: bool,
    #[prost(message, repeated, tag = "4")]
    pub(super) users: Vec<UserSockets>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UserSockets {
    #[prost(int32, tag = "1")]
    pub(super) user: i32,
    #[prost(int64, repeated, tag = "2")]
    pub(super) stamps: Vec<i64>,
    /// As many as there are stamps.
    #[prost(fixed64, repeated, tag = "3")]
    pub(super) marks: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Typing {
    #[prost(int32, tag = "1")]
    pub(super) from: i32,
    #[prost(int32, tag = "2")]
    pub(super) to: i32,
    #[prost(int64, tag = "3")]
    pub(super) conversation: i64,
    #[prost(bool, tag = "4")]
    pub(super) active: bool,
}

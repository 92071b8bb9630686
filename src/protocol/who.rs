//! What servers on one store tell each other about themselves and their sockets. It may be lost: each later word puts
//! right what the ones before it have said.
//!
//! A version byte, then protobuf. Fields and kinds that the reader does not know are skipped.

mod decode;
mod encode;
mod wire;

use crate::domain::{ConversationId, Timestamp, UserId};

pub use decode::{WhoError, decode};
pub use encode::encode;

/// The version that is written and read.
const VERSION: u8 = 1;

/// A word of one server to the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The run of the server that says it.
    pub boot: i64,
    /// Grows with each word of that run.
    pub n: u64,
    /// When it was said, by the database's clock.
    pub at: Timestamp,
    /// What it says.
    pub said: Said,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// It is there.
    Here(Here),
    /// Some of its users have other sockets than before.
    Changed(Changed),
    /// It asks the receiver for all its sockets.
    Asked,
    /// Some of all its sockets, as the receiver has asked.
    Page(Page),
    /// A user types to another, who has a socket at the receiver.
    Typing(Typing),
}

/// How a server describes itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Here {
    /// Its name, for people.
    pub label: String,
    /// Its version.
    pub version: String,
    /// What it can read.
    pub level: i32,
    /// The number up to which it has announced everything.
    pub told: i64,
    /// Its open sockets.
    pub sockets: u64,
    /// Whether it can write to the store.
    pub store_ok: bool,
    /// When it will have closed its sockets, if it is stopping.
    pub leaving_until: Option<Timestamp>,
    /// The time for which its batches keep others from storing, in microseconds: 99 of 100 take no longer.
    pub hold_p99_us: Option<u64>,
    /// The number of its last word about changes.
    pub changes: u64,
    /// Whether it knows nobody yet, and wants the others to say that they are there.
    pub is_new: bool,
}

/// A change of sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its number: one more than that of the change before it.
    pub number: u64,
    /// The users whose sockets have changed, with all sockets that they have now.
    pub users: Vec<UserSockets>,
}

/// A part of all sockets of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The number of the last change that is in it.
    pub number: u64,
    /// Its place among the parts, from 0.
    pub index: u32,
    /// Whether it is the last part.
    pub is_last: bool,
    /// Users with their sockets.
    pub users: Vec<UserSockets>,
}

/// The sockets of one user at one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSockets {
    /// The user.
    pub user: UserId,
    /// The sockets; none when the user has left.
    pub sockets: Vec<(Stamp, Mark)>,
}

/// The place of a socket among all that were ever opened on the store: a later one has a greater stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

/// What other servers must know of a socket, in eight bytes: a hash of its device, and whether it is in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub u64);

impl Mark {
    /// Returns the mark of a socket with a device's hash, or of one without a device.
    #[must_use]
    pub fn new(device: Option<u64>, is_background: bool) -> Self {
        // 0 stands for none.
        Self((device.map_or(0, |hash| hash.max(2) & !1)) | u64::from(is_background))
    }

    /// Returns whether both are of the same device.
    #[must_use]
    pub fn is_same_device(self, other: Self) -> bool {
        self.0 >> 1 != 0 && self.0 >> 1 == other.0 >> 1
    }

    /// Returns whether the socket leaves its user's presence as it is.
    #[must_use]
    pub fn is_background(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A notice that a user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Who types.
    pub from: UserId,
    /// To whom.
    pub to: UserId,
    /// Their conversation.
    pub conversation: ConversationId,
    /// Whether the user types, or has stopped.
    pub active: bool,
}

#[cfg(test)]
mod tests;

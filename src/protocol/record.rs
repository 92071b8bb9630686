//! The bytes of records, which servers on one store read from each other.
//!
//! A version byte, then protobuf (<https://protobuf.dev/programming-guides/encoding/>). Within a version, fields and
//! kinds that the reader does not know are skipped: a newer server writes them only when all others know them.

mod columns;
mod decode;
mod encode;
mod parts;
mod wire;

pub use decode::decode;
pub use encode::encode;
pub use parts::{AnnouncedRecord, decode_part, encode_parts};

/// The version that is written and read.
const VERSION: u8 = 1;

/// What this version can read: all that servers of this level or a lower one write. A new kind of event or effect, or
/// a new version of records, is a new level, and is written only when all live servers have it.
pub const LEVEL: i32 = ADDRESS_RULES_LEVEL;

/// The level that every server can read which keeps a journal.
pub const FIRST_LEVEL: i32 = 1;

/// The level from which records are compact: messages that are told by their numbers stand in columns, and copies that
/// nobody needs elsewhere are left out of what servers tell each other.
pub const COMPACT_LEVEL: i32 = 2;

/// The level from which records say that the rules about addresses have changed.
pub const ADDRESS_RULES_LEVEL: i32 = 3;

/// The bytes are no record that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The record is of another version.
    #[error("a record of version {0}, which this server cannot read")]
    Version(u8),
    /// The bytes are no record.
    #[error("a record that cannot be read")]
    Malformed,
}

#[cfg(test)]
mod tests;

//! The journal: what the batches of the last minute have done, for all servers on one PostgreSQL.
//!
//! A batch's record is written by its own transaction, in the message that commits it, so it costs no round trip. Its
//! key refuses numbers that were given before. No ciphertext is in it.

pub(in crate::storage) mod append;
mod lease;
mod messages;
mod read;
mod relay_key;

pub use read::{JournalPage, JournalRow};

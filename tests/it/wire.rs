//! Recorded sessions of each dialect, byte by byte: a change of the wire shows as a change of a file in `wire/`.
//!
//! Clock and ids are fixed; what is random is replaced by a placeholder that is numbered at its first appearance. A
//! recording is the same on both stores, but for that of readiness. After an intended change:
//! `UPDATE_SNAPSHOTS=1 cargo test --test it wire::`, on both stores, then look at the diff.

mod admin;
mod legacy;
mod masks;
mod person;
mod recording;
mod refusals;
mod rest;
mod v1;

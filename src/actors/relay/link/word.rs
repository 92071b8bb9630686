//! What servers say to each other beside the store.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// Whom a word is for, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::actors) enum WordKind {
    /// For all servers: what a batch has done.
    Log,
    /// For all servers: who is where.
    Who,
    /// For the run of a server with this name.
    To(i64),
}

/// Something to say. It may be lost, doubled, or overtaken by another.
pub(in crate::actors) struct Word {
    pub(in crate::actors) kind: WordKind,
    pub(in crate::actors) bytes: Vec<u8>,
}

/// What comes from the link.
pub(in crate::actors) enum Heard {
    /// Everything that is said from now on is heard; what was said before may be missing.
    Up,
    /// Nothing is heard any more.
    Down,
    /// Something was said that could not be taken.
    Missed,
    /// A word of another server, whose seal is whole.
    Word {
        kind: WordKind,
        bytes: Bytes,
        /// Makes room for another word when it is dropped.
        place: OwnedSemaphorePermit,
    },
}

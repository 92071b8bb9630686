//! What servers say to each other beside the store.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::telemetry::{Dropped, Seldom, metrics};

/// Time between two lines about the same trouble.
pub(super) const LOG_EVERY: Duration = Duration::from_mins(1);

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

/// Counts the words that cannot be read, and logs one of them once in a while.
pub(in crate::actors) struct Unreadable(Seldom);

impl Unreadable {
    pub(in crate::actors) fn new() -> Self {
        Self(Seldom::new(LOG_EVERY))
    }

    pub(in crate::actors) fn note(&self, error: &impl Display) {
        metrics().cluster.dropped(Dropped::Malformed);
        if self.0.is_due() {
            tracing::warn!(error = %error, "another server says by NATS what cannot be read: is it newer?");
        }
    }
}

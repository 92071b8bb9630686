//! The messages of the relay, and the handle through which others send them.

use tokio::sync::OwnedSemaphorePermit;

use super::batch::{Batch, Listeners};
use super::journal::Found;
use super::link::Heard;
use crate::actors::mailbox::Slot;
use crate::domain::{Epoch, Seq};
use crate::storage::{CommittedBatch, KnownHistory, StorageError};

pub(in crate::actors) enum RelayMsg {
    /// A batch that this server has committed, and what it has to announce.
    Own { committed: CommittedBatch, batch: Batch },
    /// The writer has found out where the store stands: what it has committed up to this number and not handed over
    /// will not come from it.
    Settled { epoch: Option<Epoch>, head: Seq },
    /// Something from the link to the other servers, in the history `epoch`.
    Heard { epoch: Epoch, heard: Heard },
    /// A batch of another server in the history `epoch`, with the messages that had to be read for it; the place is
    /// free when it is dropped.
    Foreign { epoch: Epoch, first: Seq, last: Seq, batch: Batch, place: OwnedSemaphorePermit },
    /// The gap behind this number is as old as one may be.
    GapIsOld(Seq),
    /// It may be time to look into the journal.
    Look,
    /// The store may have another history than this server knows.
    Doubt,
    /// The result of a look that was begun in the history `epoch`.
    Found { epoch: Option<Epoch>, found: Result<Found, StorageError> },
    /// The history that the store has now, which is not the one that this server knew.
    Anew(Result<Option<KnownHistory>, StorageError>),
    #[cfg(feature = "testing")]
    Crash,
}

/// The handle of the relay and of its successors.
#[derive(Clone)]
pub struct RelayHandle(pub(in crate::actors) Slot<RelayMsg>);

impl RelayHandle {
    /// Makes the relay panic.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(RelayMsg::Crash);
    }
}

/// The way of a committed batch to the registry.
#[derive(Clone)]
pub(in crate::actors) enum Announcer {
    /// Directly: no other server writes to the store.
    Direct(Listeners),
    /// Through the relay, behind the batches of other servers that were committed before it.
    Relayed(RelayHandle),
}

impl Announcer {
    /// Announces what a committed batch has done.
    pub(in crate::actors) fn announce(&self, committed: CommittedBatch, batch: Batch) {
        match self {
            Self::Direct(listeners) => listeners.announce(batch),
            Self::Relayed(relay) => relay.0.cast(RelayMsg::Own { committed, batch }),
        }
    }

    /// Says that the store may have another history than this server knows.
    pub(in crate::actors) fn doubt_history(&self) {
        if let Self::Relayed(relay) = self {
            relay.0.cast(RelayMsg::Doubt);
        }
    }
}

//! The messages of the relay, and the handle through which others send them.

use tokio::sync::OwnedSemaphorePermit;

use super::batch::{Batch, Listeners};
use super::journal::Found;
use super::link::Heard;
use crate::actors::mailbox::Slot;
use crate::domain::Seq;
use crate::storage::StorageError;

pub(in crate::actors) enum RelayMsg {
    /// A batch that this server has committed. `last` is before `first` when it has taken no numbers.
    Own { first: Seq, last: Seq, batch: Batch },
    /// The writer has found out where the store stands: what it has committed up to this number and not handed over
    /// will not come from it.
    Settled(Seq),
    /// Something from the link to the other servers.
    Heard(Heard),
    /// A batch of another server, with the messages that had to be read for it; the place is free when it is dropped.
    Foreign { first: Seq, last: Seq, batch: Batch, place: OwnedSemaphorePermit },
    /// The gap behind this number is as old as one may be.
    GapIsOld(Seq),
    /// It may be time to look into the journal.
    Look,
    /// The result of a look.
    Found(Result<Found, StorageError>),
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
    /// Announces the batch with these numbers.
    pub(in crate::actors) fn announce(&self, first: Seq, last: Seq, batch: Batch) {
        match self {
            Self::Direct(listeners) => listeners.announce(batch),
            Self::Relayed(relay) => relay.0.cast(RelayMsg::Own { first, last, batch }),
        }
    }
}

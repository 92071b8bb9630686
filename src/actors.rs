//! The actors: one a connected user, one that routes between them, one that writes, one that knows who
//! is online, one that clears away, and one that restarts the others.
//!
//! ```text
//! root ─┬─ registry ─┬─ session (one a connected user)
//!       │            └─ …
//!       ├─ persistence
//!       ├─ presence
//!       └─ janitor
//! ```
//! Nobody is named in ractor's process-wide registry, so any number of servers live in one process.

mod attachment;
mod credit;
mod entrance;
mod health;
mod janitor;
mod mailbox;
mod outbox;
mod persistence;
mod presence;
mod registry;
mod replay;
mod room;
mod root;
mod session;
mod stream;
mod thread;
mod ticket;

pub use attachment::{Attachment, NewSocket};
pub use credit::{Credit, Credits, InFlightBytes};
pub use entrance::{Entrance, Entry, NotAdmitted};
pub use health::Health;
pub use outbox::{CloseReason, Letter, LoginEnd, Outbox, OutboxEnd, Outgoing, outbox};
pub use persistence::PersistenceHandle;
pub use presence::PresenceHandle;
pub use registry::RegistryHandle;
pub use replay::Opening;
pub use root::{ActorSystem, ActorSystemError, Fatal};
pub use ticket::Turn;

/// Makes the actor fail that handles this.
#[cfg(feature = "testing")]
fn crash() {
    panic!("crashed on request of a test");
}

/// An actor could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start an actor: {0}")]
pub struct StartError(String);

impl From<ractor::SpawnErr> for StartError {
    fn from(error: ractor::SpawnErr) -> Self {
        Self(error.to_string())
    }
}

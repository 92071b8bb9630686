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

mod health;
mod janitor;
mod mailbox;
mod persistence;
mod presence;
mod registry;
mod root;
mod session;

pub use crate::protocol::{CloseReason, LoginEnd};
pub use health::Health;
pub use persistence::PersistenceHandle;
pub use persistence::reply::RequestPermit;
pub use presence::PresenceHandle;
pub use registry::RegistryHandle;
pub use root::{ActorSystem, ActorSystemError, Fatal};
pub use session::credit::{Credit, Credits, InFlightBytes};
pub use session::replay::Opening;
pub use session::send_queue::{Outgoing, QueueSender, QueuedFrame, SendQueue, send_queue};
pub use session::socket::{NewSocket, SocketLease};

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

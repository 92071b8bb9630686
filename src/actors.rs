//! The actors: one for each connected user, one that routes between them, one that writes, one that knows who is
//! online, one that clears away, and one that restarts the others.
//!
//! ```text
//! root ─┬─ registry ─┬─ session (one for each connected user)
//!       │            └─ …
//!       ├─ persistence
//!       ├─ presence
//!       └─ janitor
//! ```
//! Each actor has a folder for its parts: its messages and its handle are in `messages`, the actor and its state in the
//! file of the folder's name. Messages know only those before them in the order session, presence, registry,
//! persistence, so that no two modules know each other. No actor has a name in ractor's process-wide registry, so that
//! any number of servers live in one process.

mod health;
mod janitor;
mod mailbox;
mod persistence;
mod presence;
#[cfg(test)]
mod probe;
mod registry;
mod root;
mod session;
mod stats;

pub use health::Health;
pub use persistence::messages::PersistenceHandle;
pub use persistence::reply::RequestPermit;
pub use presence::messages::PresenceHandle;
pub use registry::messages::RegistryHandle;
pub use root::{ActorSystem, ActorSystemError, Fatal, StartError};
pub use session::credit::{Credit, Credits, InFlightBytes};
pub use session::messages::SocketLease;
pub use session::new_socket::{NewSocket, Opening};
pub use session::send_queue::{Outgoing, QueueSender, QueuedFrame, SendQueue, send_queue};
pub use stats::ActorSnapshot;

//! The actors: a session for each connected user, the registry that routes between sessions, the writer, presence, the
//! janitor, and the root that restarts the others.
//!
//! ```text
//! root ─┬─ registry ─┬─ session (one for each connected user)
//!       │            └─ …
//!       ├─ relay (on PostgreSQL)
//!       ├─ who (on PostgreSQL with NATS)
//!       ├─ persistence
//!       ├─ presence
//!       ├─ push (with a provider)
//!       └─ janitor
//! ```
//! Each actor has a folder for its parts: its messages and its handle are in `messages`, the actor and its state in the
//! file of the folder's name. In the order session, presence, registry, relay, persistence, the `messages` of an actor
//! use only those before them, so that no two modules use each other. No actor has a name in ractor's process-wide
//! registry, so that one process can run any number of servers.

#[cfg(feature = "testing")]
mod fault;
mod gate;
mod health;
mod janitor;
mod judge;
mod mailbox;
mod persistence;
mod presence;
#[cfg(test)]
mod probe;
mod push;
mod registry;
mod relay;
mod root;
mod session;
mod stats;
mod who;

#[cfg(feature = "testing")]
pub use fault::Fault;
pub use gate::Gate;
pub use health::{Health, RUNTIME_BEAT};
pub use janitor::{Files, RemoveFile};
pub use judge::ActorState;
pub use persistence::messages::PersistenceHandle;
pub use persistence::reply::RequestPermit;
pub use presence::messages::PresenceHandle;
pub use push::PushHandle;
pub use registry::messages::RegistryHandle;
pub use relay::messages::RelayHandle;
pub use root::{ActorSystem, ActorSystemError, Fatal, StartError};
pub use session::credit::{Credit, Credits, InFlightBytes};
pub use session::figures::{QueueFigures, SessionFigures, SocketFigures};
pub use session::messages::SocketLease;
pub use session::new_socket::{NewSocket, Opening};
pub use session::send_queue::{Outgoing, QueueSender, QueuedFrame, SendQueue, SocketHandle, send_queue};
pub use stats::{ActorSnapshot, LastError};
pub use who::messages::{Beat, Others, WhoHandle};
pub use who::peers::Described;

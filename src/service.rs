//! What may be done: the use cases, whichever interface they are asked through.
//!
//! A use case takes typed, already parsed arguments of a user who is already authenticated, and has the change made
//! that belongs to it. Interfaces parse, call, and render the result. What follows for open sockets, tokens and
//! presence is announced by the writer: once a command is handed over, neither a caller who stops waiting nor a fault
//! here loses it.

mod accounts;
mod commands;
mod dialects;
mod error;
mod logins;
mod messages;
mod settings;
mod sync;

use std::sync::Arc;
use std::time::Instant;

pub use dialects::Dialects;
pub use error::ServiceError;
pub use sync::SyncPage;

use crate::actors::{PersistenceHandle, RegistryHandle};
use crate::auth::{Auth, AuthError, WrongPasswords};
use crate::clock::Clock;
use crate::domain::ClientAddress;
use crate::storage::Storage;
use commands::Writer;

#[cfg(test)]
mod tests;

/// The use cases, with everything they act on.
pub struct Service {
    auth: Arc<Auth>,
    storage: Arc<Storage>,
    /// Closes a socket that was opened beside the end of its login.
    registry: RegistryHandle,
    /// Carries out commands.
    writer: Writer,
    /// The dialect of each login.
    dialects: Arc<Dialects>,
    /// Counts wrong passwords for operators.
    wrong_passwords: WrongPasswords,
    clock: Clock,
}

impl Service {
    /// Use cases that act on these parts.
    #[must_use]
    pub fn new(
        auth: Arc<Auth>,
        storage: Arc<Storage>,
        registry: RegistryHandle,
        persistence: PersistenceHandle,
        clock: Clock,
    ) -> Arc<Self> {
        let writer = Writer::new(persistence);
        let dialects = Arc::new(Dialects::new(storage.clone(), clock.clone(), writer.clone()));
        Arc::new(Self { auth, storage, registry, writer, dialects, clock, wrong_passwords: WrongPasswords::default() })
    }

    /// Returns what is known of the dialect of each login.
    #[must_use]
    pub fn dialects(&self) -> &Arc<Dialects> {
        &self.dialects
    }

    /// Logs the wrong passwords of the last minute; to be called every few seconds.
    pub fn log_wrong_passwords(&self) {
        self.wrong_passwords.log_due(Instant::now());
    }

    /// Counts a wrong password, if `outcome` is one.
    fn count_wrong_password<T>(&self, address: Option<ClientAddress>, outcome: &Result<T, AuthError>) {
        if let Err(AuthError::WrongCredentials | AuthError::WrongPassword) = outcome {
            self.wrong_passwords.record(address, Instant::now());
        }
    }
}

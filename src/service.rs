//! What may be done: the use cases, whichever interface they are asked through.
//!
//! A use case takes typed, already parsed arguments of a user who is already authenticated, and does everything that
//! belongs to it: the change in the store, and what follows from it for open sockets, tokens and presence. Interfaces
//! parse, call, and render the result. Once begun, a use case runs to its end even when its caller stops waiting.

mod accounts;
mod commands;
mod error;
mod logins;
mod messages;
mod settings;
mod sync;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

pub use error::ServiceError;
pub use sync::SyncPage;

use crate::actors::{PersistenceHandle, PresenceHandle, RegistryHandle};
use crate::auth::{Auth, AuthError, ClientAddress, WrongPasswords};
use crate::clock::Clock;
use crate::storage::Storage;
use commands::MAX_COMMANDS;

/// The use cases, with everything they act on.
pub struct Service {
    auth: Arc<Auth>,
    storage: Arc<Storage>,
    /// Closes the sockets of logins that end.
    registry: RegistryHandle,
    /// Carries out commands.
    persistence: PersistenceHandle,
    /// Learns when a user may see less or more.
    presence: PresenceHandle,
    /// Counts wrong passwords for operators.
    wrong_passwords: WrongPasswords,
    clock: Clock,
    /// Permits of requests whose commands wait for the writer.
    commands: Arc<Semaphore>,
}

impl Service {
    /// Use cases that act on these parts.
    #[must_use]
    pub fn new(
        auth: Arc<Auth>,
        storage: Arc<Storage>,
        registry: RegistryHandle,
        persistence: PersistenceHandle,
        presence: PresenceHandle,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            auth,
            storage,
            registry,
            persistence,
            presence,
            clock,
            wrong_passwords: WrongPasswords::default(),
            commands: Arc::new(Semaphore::new(MAX_COMMANDS)),
        })
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

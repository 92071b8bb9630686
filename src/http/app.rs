//! What every endpoint can reach.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

use super::body::StrangersBytes;
use super::client_address::ClientAddresses;
use super::places::Places;
use super::shares::Shares;
use crate::actors::{Health, PersistenceHandle, PresenceHandle, RegistryHandle};
use crate::auth::{Auth, AuthError, ClientAddress, Dialects, RateLimiter, WrongPasswords};
use crate::clock::Clock;
use crate::config::Config;
use crate::socket::Sockets;
use crate::storage::Storage;

/// The long-lived parts behind the endpoints.
pub struct App {
    /// All settings.
    pub config: Config,
    /// Accounts and tokens.
    pub auth: Auth,
    /// For reading users and messages.
    pub storage: Arc<Storage>,
    /// The sockets.
    pub sockets: Sockets,
    /// To close the sockets of a login that ended.
    pub registry: RegistryHandle,
    /// For everything that changes messages.
    pub persistence: PersistenceHandle,
    /// To tell when somebody may see less or more.
    pub presence: PresenceHandle,
    /// Commands of requests that may wait for the writer at once.
    pub commands: Arc<Semaphore>,
    /// Which login sessions only know the legacy dialect.
    pub dialects: Dialects,
    /// The time.
    pub clock: Clock,
    /// For readiness.
    pub health: Arc<Health>,
    /// Places for clients' connections.
    pub places: Arc<Places>,
    /// What one account, and all answers, may take.
    pub shares: Arc<Shares>,
    /// How often one address may log in.
    pub auth_limiter: RateLimiter,
    /// Whose address limits count by.
    pub client_addresses: ClientAddresses,
    /// Room for the bodies of requests without a token.
    pub strangers_bytes: StrangersBytes,
    /// Who gives wrong passwords.
    pub wrong_passwords: WrongPasswords,
}

impl App {
    /// Counts a wrong password, if that is what came of it.
    pub(super) fn note_guess<T>(&self, address: Option<ClientAddress>, outcome: &Result<T, AuthError>) {
        if let Err(AuthError::WrongCredentials | AuthError::WrongPassword) = outcome {
            self.wrong_passwords.note(address, Instant::now());
        }
    }
}

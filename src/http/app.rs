//! The parts that every endpoint can reach.

use std::sync::Arc;

use super::body::StrangersBytes;
use super::client_address::ClientAddresses;
use super::operators::Operators;
use super::places::Places;
use super::shares::Shares;
use crate::actors::Health;
use crate::auth::{Auth, Dialects, RateLimiter};
use crate::clock::Clock;
use crate::config::Config;
use crate::service::Service;
use crate::socket::Sockets;
use crate::storage::Storage;

/// The long-lived parts behind the endpoints.
pub struct App {
    /// All settings.
    pub config: Config,
    /// What may be done.
    pub service: Arc<Service>,
    /// Accounts and tokens.
    pub auth: Arc<Auth>,
    /// For reading users and messages.
    pub storage: Arc<Storage>,
    /// The sockets.
    pub sockets: Sockets,
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
    /// The names under which operators reach their listener.
    pub operators: Operators,
    /// Room for the bodies of requests without a token.
    pub strangers_bytes: StrangersBytes,
}

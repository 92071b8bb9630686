//! What every endpoint can reach.

use std::sync::Arc;

use crate::actors::{Health, RegistryHandle};
use crate::auth::{Auth, RateLimiter};
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
    /// For readiness.
    pub health: Arc<Health>,
    /// How often one address may log in.
    pub auth_limiter: RateLimiter,
}

//! Password hashing: argon2id (RFC 9106) on the blocking pool, a bounded number at once.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AuthError;
use crate::config;
use crate::telemetry::metrics;

/// Hashes and verifies passwords.
pub(super) struct Passwords {
    params: Params,
    turns: Arc<Semaphore>,
    wait: Duration,
    /// Verified against when there is no such user, so that the answer takes as long.
    dummy: String,
}

impl Passwords {
    pub(super) async fn new(config: &config::Auth) -> Result<Self, AuthError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let at_once = if config.hash_concurrency == 0 { cores } else { config.hash_concurrency };
        let mut passwords = Self {
            params: Params::new(config.argon2_memory_kib, config.argon2_passes, 1, None)
                .map_err(|error| AuthError::Internal(error.to_string()))?,
            turns: Arc::new(Semaphore::new(at_once)),
            wait: Duration::from_millis(config.hash_wait_ms),
            dummy: String::new(),
        };
        passwords.dummy = passwords.hash(SecretString::from(crate::clock::random_token()?)).await?;
        Ok(passwords)
    }

    /// The hash of a password in PHC form.
    pub(super) async fn hash(&self, password: SecretString) -> Result<String, AuthError> {
        self.in_turn(move |argon2| Ok(argon2.hash_password(password.expose_secret().as_bytes())?.to_string())).await
    }

    /// Whether a hash was made with other settings than today's.
    pub(super) fn is_outdated(&self, hash: &str) -> bool {
        let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
        params.is_none_or(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost())
                != (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
        })
    }

    /// Whether the password has this hash. `None`, of an unknown user, takes the same time and is false.
    pub(super) async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, AuthError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let matches = self
            .in_turn(move |argon2| {
                let parsed = PasswordHash::new(&hash)?;
                match argon2.verify_password(password.expose_secret().as_bytes(), &parsed) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            })
            .await?;
        Ok(matches && known)
    }

    /// Runs `work` when fewer than the allowed number are running; [`AuthError::Busy`] when that takes too long.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let started = Instant::now();
        let permit = self.permit().await?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let result = tokio::task::spawn_blocking(move || {
            // Held by the work itself: a request that is given up does not stop its hash.
            let _permit = permit;
            work(argon2)
        })
        .await;
        metrics().password_seconds.record(started.elapsed());
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(HashError(error))) => Err(AuthError::Internal(format!("argon2: {error}"))),
            Err(error) => Err(AuthError::Internal(format!("argon2: {error}"))),
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, AuthError> {
        let turn = self.turns.clone().acquire_owned();
        match tokio::time::timeout(self.wait, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(AuthError::Busy),
        }
    }
}

/// Either of the two error types of the argon2 crates, as text.
struct HashError(String);

impl<E: std::error::Error> From<E> for HashError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

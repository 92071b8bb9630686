//! The writer as requests use it: each holds a permit while its commands are with the writer.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::{Service, ServiceError};
use crate::actors::{PersistenceHandle, RequestPermit};
use crate::domain::{ClientAddress, Proof, UserId};
use crate::telemetry::in_current_request;

/// Requests whose commands may wait for the writer at once. A request brings at most 257 commands and
/// `http.max_body_bytes`.
const MAX_COMMANDS: usize = 256;
/// Longest wait for a permit.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a password is checked anew.
const TRIES: usize = 3;

/// The writer, and the permits of requests whose commands wait for it. Clones share both.
#[derive(Clone)]
pub(super) struct Writer {
    persistence: PersistenceHandle,
    permits: Arc<Semaphore>,
}

impl Writer {
    pub(super) fn new(persistence: PersistenceHandle) -> Self {
        Self { persistence, permits: Arc::new(Semaphore::new(MAX_COMMANDS)) }
    }

    /// Waits for a permit, and returns it with the writer. [`ServiceError::Overloaded`] when too many others wait.
    pub(super) async fn permitted(&self) -> Result<(&PersistenceHandle, RequestPermit), ServiceError> {
        // The semaphore is never closed: an error means an overload.
        let permit = tokio::time::timeout(PERMIT_TIMEOUT, self.permits.clone().acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(ServiceError::Overloaded)?;
        Ok((&self.persistence, RequestPermit::new(permit)))
    }

    /// Takes all permits, as many requests do while the writer stands still.
    #[cfg(test)]
    pub(super) fn take_all(&self) -> RequestPermit {
        let all = u32::try_from(MAX_COMMANDS).unwrap();
        RequestPermit::new(self.permits.clone().try_acquire_many_owned(all).unwrap())
    }

    /// As [`permitted`](Self::permitted), without waiting; `None` when too many others wait.
    pub(super) fn permitted_if_idle(&self) -> Option<(&PersistenceHandle, RequestPermit)> {
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some((&self.persistence, RequestPermit::new(permit)))
    }
}

/// Runs `work` to its end even when the caller stops waiting.
pub(super) async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::spawn(in_current_request(work.in_current_span()))
        .await
        .map_err(|error| ServiceError::Internal(error.to_string()))
}

/// Whether a change asks for a code of the second factor beside the password.
pub(super) enum AskedCode {
    /// The password is enough.
    NotAsked,
    /// A code is needed where the user has a second factor; this one was given.
    Asked(Option<String>),
}

impl Service {
    /// Carries out what only the password allows. Where `code` is asked for and the user has a second factor, a code is
    /// needed too, and used up. When the password's hash is replaced between the check and the
    /// command, perhaps by one of the same password, the password is checked anew.
    pub(super) async fn proved<T, F>(
        &self,
        user: UserId,
        password: SecretString,
        mut code: AskedCode,
        address: Option<ClientAddress>,
        mut act: impl FnMut(Proof) -> F,
    ) -> Result<T, ServiceError>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        self.auth.limit_password(user, address)?;
        for _ in 0..TRIES {
            let proof = self.auth.check_password(user, password.clone(), address).await;
            self.count_wrong_password(address, &proof);
            let proof = proof?;
            self.auth.password_was_right(address);
            if let AskedCode::Asked(given) = std::mem::replace(&mut code, AskedCode::NotAsked)
                && let Some(right) = self.auth.check_code(user, given.as_deref()).await?
            {
                self.auth.use_code(user, right).await?;
            }
            match act(proof).await {
                Err(error) if error.is_forbidden() => {}
                done => return done,
            }
        }
        Err(ServiceError::Overloaded)
    }
}

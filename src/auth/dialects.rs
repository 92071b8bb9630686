//! Which dialect a login session speaks: one that has only ever used the legacy one cannot say what it has read, so a look at
//! the newest messages counts.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::AuthError;
use crate::domain::{DeviceId, LoginId};
use crate::storage::{Dialect, Storage};

/// Login sessions that are remembered: 16 bytes each and the map around them.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// The dialects of login sessions, remembered.
pub struct Dialects {
    storage: Arc<Storage>,
    known: Mutex<LruCache<LoginId, Dialect>>,
}

impl Dialects {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(storage: Arc<Storage>) -> Self {
        Self { storage, known: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// A legacy socket is about to be opened. [`AuthError::InvalidToken`] when the login session is gone, as after its account
    /// was deleted.
    pub async fn opens_legacy(&self, login: LoginId) -> Result<(), AuthError> {
        if self.dialect(login).await?.ok_or(AuthError::InvalidToken)? == Dialect::Unknown {
            self.storage.note_legacy(login).await?;
            self.remember(login, Dialect::Legacy);
        }
        Ok(())
    }

    /// Something of `fluent.v1` is used. Errors as in [`opens_legacy`](Self::opens_legacy).
    pub async fn uses_v1(&self, login: LoginId) -> Result<(), AuthError> {
        if self.dialect(login).await?.ok_or(AuthError::InvalidToken)? != Dialect::V1 {
            self.storage.note_v1(login).await?;
            self.remember(login, Dialect::V1);
        }
        Ok(())
    }

    /// A device with a name of its own is about to open a `fluent.v1` socket.
    pub async fn note_device(&self, login: LoginId, device: &DeviceId) -> Result<(), AuthError> {
        Ok(self.storage.note_device(login, device).await?)
    }

    /// Whether the login session has used a legacy socket and nothing of `fluent.v1`.
    pub async fn is_legacy(&self, login: LoginId) -> Result<bool, AuthError> {
        Ok(self.dialect(login).await? == Some(Dialect::Legacy))
    }

    async fn dialect(&self, login: LoginId) -> Result<Option<Dialect>, AuthError> {
        if let Some(known) = self.known().get(&login) {
            return Ok(Some(*known));
        }
        let found = self.storage.dialect(login).await?;
        if let Some(dialect) = found {
            self.remember(login, dialect);
        }
        Ok(found)
    }

    fn remember(&self, login: LoginId, dialect: Dialect) {
        self.known().put(login, dialect);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<LoginId, Dialect>> {
        // A map of plain values is whole after any panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

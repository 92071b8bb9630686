//! Which dialect a login session speaks: one that has only ever used the legacy one cannot say what it has read, so a look at
//! the newest messages counts.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use crate::domain::{DeviceId, LoginId};
use crate::storage::{Dialect, Storage, StorageError};

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

    /// A legacy socket was opened.
    pub async fn opened_legacy(&self, login: LoginId) -> Result<(), StorageError> {
        if self.dialect(login).await? == Dialect::Unknown {
            self.storage.note_legacy(login).await?;
            self.remember(login, Dialect::Legacy);
        }
        Ok(())
    }

    /// Something of `fluent.v1` was used.
    pub async fn used_v1(&self, login: LoginId) -> Result<(), StorageError> {
        if self.dialect(login).await? != Dialect::V1 {
            self.storage.note_v1(login).await?;
            self.remember(login, Dialect::V1);
        }
        Ok(())
    }

    /// A `fluent.v1` socket was opened by a device.
    pub async fn opened_v1(&self, login: LoginId, device: &DeviceId) -> Result<(), StorageError> {
        self.used_v1(login).await?;
        self.storage.note_device(login, device).await
    }

    /// Whether the login session has used a legacy socket and nothing of `fluent.v1`.
    pub async fn is_legacy(&self, login: LoginId) -> Result<bool, StorageError> {
        Ok(self.dialect(login).await? == Dialect::Legacy)
    }

    async fn dialect(&self, login: LoginId) -> Result<Dialect, StorageError> {
        if let Some(known) = self.known().get(&login) {
            return Ok(*known);
        }
        let found = self.storage.dialect(login).await?;
        self.remember(login, found);
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

//! The dialect of each login. A login that has only ever used the legacy dialect cannot report what it has read, so
//! fetching the newest messages counts as reading them.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::{Access, AuthError};
use crate::clock::Clock;
use crate::domain::{DeviceId, LoginId, UserId};
use crate::storage::{LoginDialect, Storage};

/// Most logins in the cache: 24 bytes each, plus the map around them.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// A cache of the dialects of logins.
pub struct Dialects {
    storage: Arc<Storage>,
    clock: Clock,
    known: Mutex<LruCache<LoginId, (UserId, LoginDialect)>>,
}

impl Dialects {
    /// Makes an empty cache over `storage`.
    #[must_use]
    pub fn new(storage: Arc<Storage>, clock: Clock) -> Self {
        Self { storage, clock, known: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Checks a token's claims against the store. Returns [`AuthError::InvalidToken`] when there is no such login, as
    /// after its account was deleted, or when it is another user's.
    pub async fn check(&self, access: Access) -> Result<(), AuthError> {
        self.dialect(access).await.map(drop)
    }

    /// Records that a legacy socket is about to be opened. Errors are those of [`check`](Self::check).
    pub async fn opens_legacy(&self, access: Access) -> Result<(), AuthError> {
        if self.dialect(access).await? == LoginDialect::Unknown {
            self.storage.mark_legacy(access.login).await?;
            self.remember(access, LoginDialect::Legacy);
        }
        Ok(())
    }

    /// Records that the login uses a feature of `fluent.v1`. Errors are those of [`check`](Self::check).
    pub async fn uses_v1(&self, access: Access) -> Result<(), AuthError> {
        if self.dialect(access).await? != LoginDialect::V1 {
            self.storage.mark_v1(access.login).await?;
            self.remember(access, LoginDialect::V1);
        }
        Ok(())
    }

    /// Records that a device that has named itself is about to open a `fluent.v1` socket.
    pub async fn note_device(&self, login: LoginId, device: &DeviceId) -> Result<(), AuthError> {
        Ok(self.storage.mark_device(login, device).await?)
    }

    /// Returns whether the login has used a legacy socket and nothing of `fluent.v1`. Errors are those of
    /// [`check`](Self::check).
    pub async fn is_legacy(&self, access: Access) -> Result<bool, AuthError> {
        Ok(self.dialect(access).await? == LoginDialect::Legacy)
    }

    async fn dialect(&self, access: Access) -> Result<LoginDialect, AuthError> {
        let known = self.known().get(&access.login).copied();
        let (user, dialect) = if let Some(known) = known {
            known
        } else {
            let found = self.storage.login(access.login, self.clock.now()).await?;
            let found = found.ok_or(AuthError::InvalidToken)?;
            self.known().put(access.login, found);
            found
        };
        if user == access.user { Ok(dialect) } else { Err(AuthError::InvalidToken) }
    }

    fn remember(&self, access: Access, dialect: LoginDialect) {
        self.known().put(access.login, (access.user, dialect));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<LoginId, (UserId, LoginDialect)>> {
        // A map of plain values is whole after any panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

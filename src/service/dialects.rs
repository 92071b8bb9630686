//! The dialect of each login. A login that has only ever used the legacy dialect cannot report what it has read, so
//! fetching the newest messages counts as reading them.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::ServiceError;
use super::commands::Writer;
use crate::auth::{Access, AuthError};
use crate::clock::Clock;
use crate::domain::{DeviceId, LoginId, LoginMark, Seq, UserId};
use crate::protocol::who::Stamp;
use crate::storage::{LoginDialect, Storage};

/// Most logins in the cache: 24 bytes each, plus the map around them.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// A cache of the dialects of logins.
pub struct Dialects {
    storage: Arc<Storage>,
    clock: Clock,
    writer: Writer,
    known: Mutex<LruCache<LoginId, (UserId, LoginDialect)>>,
}

impl Dialects {
    /// Makes an empty cache over `storage`, whose marks `writer` writes.
    pub(super) fn new(storage: Arc<Storage>, clock: Clock, writer: Writer) -> Self {
        Self { storage, clock, writer, known: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Checks a token's claims against the store. Returns [`AuthError::InvalidToken`] when there is no such login, as
    /// after its account was deleted, or when it is another user's.
    pub async fn check(&self, access: Access) -> Result<(), ServiceError> {
        self.dialect(access).await.map(drop)
    }

    /// Records that a legacy socket is about to be opened. Returns its stamp, and the number above which it is told:
    /// another server may have told this user what this one has not heard of yet. Errors are those of
    /// [`check`](Self::check).
    pub async fn opens_legacy(&self, access: Access) -> Result<(Seq, Option<Stamp>), ServiceError> {
        if self.dialect(access).await? == LoginDialect::Unknown {
            self.mark(LoginMark::Legacy(access.login)).await?;
            self.remember(access, LoginDialect::Legacy);
        }
        Ok(self.storage.shared_head().await?)
    }

    /// Records that the login uses a feature of `fluent.v1`, now or, while nothing can be written, when it does so the
    /// next time. Errors are those of [`check`](Self::check).
    pub async fn uses_v1(&self, access: Access) -> Result<(), ServiceError> {
        if self.dialect(access).await? != LoginDialect::V1 {
            // A request that only reads is neither refused nor held up because its mark cannot be written.
            let Some((writer, permit)) = self.writer.permitted_if_idle() else { return Ok(()) };
            match writer.mark_login(LoginMark::V1(access.login), permit).await {
                Ok(()) => self.remember(access, LoginDialect::V1),
                Err(error) => tracing::debug!(login.id = %access.login, error = %error, "a mark was not written"),
            }
        }
        Ok(())
    }

    /// Records that a device that has named itself is about to open a `fluent.v1` socket. Writes only the first time.
    pub async fn note_device(&self, login: LoginId, device: &DeviceId) -> Result<(), ServiceError> {
        if !self.storage.has_device(login, device).await? {
            self.mark(LoginMark::Device(login, device.clone())).await?;
        }
        Ok(())
    }

    /// Returns whether the login has used a legacy socket and nothing of `fluent.v1`. Errors are those of
    /// [`check`](Self::check).
    pub async fn is_legacy(&self, access: Access) -> Result<bool, ServiceError> {
        Ok(self.dialect(access).await? == LoginDialect::Legacy)
    }

    async fn dialect(&self, access: Access) -> Result<LoginDialect, ServiceError> {
        let known = self.known().get(&access.login).copied();
        let (user, dialect) = if let Some(known) = known {
            known
        } else {
            let found = self.storage.login(access.login, self.clock.now()).await?;
            let found = found.ok_or(ServiceError::Auth(AuthError::InvalidToken))?;
            self.known().put(access.login, found);
            found
        };
        if user == access.user { Ok(dialect) } else { Err(AuthError::InvalidToken.into()) }
    }

    async fn mark(&self, mark: LoginMark) -> Result<(), ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        writer.mark_login(mark, permit).await.map_err(ServiceError::of_login)
    }

    fn remember(&self, access: Access, dialect: LoginDialect) {
        self.known().put(access.login, (access.user, dialect));
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<LoginId, (UserId, LoginDialect)>> {
        // A map of plain values is whole after any panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

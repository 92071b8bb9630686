//! Accounts as operators find them.

use super::{Service, ServiceError};
use crate::domain::{AccountState, TargetState, UserId};
use crate::storage::UserPage;

/// An account with what belongs to it.
#[derive(Clone, Debug)]
pub struct AccountDetail {
    /// The account.
    pub state: AccountState,
    /// Logins that have neither ended nor expired.
    pub sessions: usize,
    /// Bytes of its files.
    pub media_bytes: u64,
    /// Its devices that are woken.
    pub push_targets: Vec<TargetState>,
}

impl Service {
    /// Returns the account that signs in with this name.
    pub async fn account_named(&self, name: &str) -> Result<Option<AccountState>, ServiceError> {
        Ok(self.storage.account_named(name).await?)
    }

    /// Returns an account as operators see it.
    pub async fn account_state(&self, user: UserId) -> Result<AccountState, ServiceError> {
        self.storage.account_state(user).await?.ok_or(ServiceError::NoSuchUser)
    }

    /// Returns accounts before this one, newest first, at most `limit`.
    pub async fn newest_accounts(&self, before: Option<UserId>, limit: u64) -> Result<Vec<AccountState>, ServiceError> {
        Ok(self.storage.newest_accounts(before, limit).await?)
    }

    /// Returns the accounts after this one whose names contain the text, by id, at most `limit`; a text that is an id
    /// finds that account first.
    pub async fn find_accounts(
        &self,
        text: &str,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<AccountState>, ServiceError> {
        let users = self.storage.search_users(text, UserPage { after, limit }).await?;
        let ids: Vec<UserId> = users.into_iter().map(|user| user.id).collect();
        let mut found = self.storage.account_states(&ids).await?;
        let id = text.trim().parse().ok().map(UserId).filter(|id| after.is_none() && !ids.contains(id));
        if let Some(id) = id
            && let Some(state) = self.storage.account_state(id).await?
        {
            found.insert(0, state);
        }
        Ok(found)
    }

    /// Returns an account with what belongs to it.
    pub async fn account_detail(&self, user: UserId) -> Result<AccountDetail, ServiceError> {
        let state = self.account_state(user).await?;
        let sessions = self.auth.open_logins(user, None, MAX_SESSIONS).await?.len();
        let (media_bytes, push_targets) =
            (self.storage.media_bytes(user).await?, self.storage.push_targets(user).await?);
        Ok(AccountDetail { state, sessions, media_bytes, push_targets })
    }
}

/// Logins of a user; nobody has more.
const MAX_SESSIONS: u64 = 100;

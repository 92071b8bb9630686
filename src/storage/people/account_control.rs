//! What operators do to an account: disabling it, and replacing what its owner signs in with.

use crate::domain::{AccountState, Timestamp, UserId, login_keys};
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

macro_rules! account {
    ($condition:literal) => {
        concat!(
            "SELECT id, name, disabled_at, (SELECT COUNT(*) FROM second_factors \
             WHERE user_id = users.id AND enrolled_at IS NOT NULL) FROM users WHERE ",
            $condition
        )
    };
}

const BY_ID: &str = account!("id = $1");
const BY_NAME: &str = account!("name_key = $1");
/// Locks the account, so that a login that begins meanwhile is either stored before, and ends with the others, or is
/// refused.
const SET_DISABLED: &str = "UPDATE users SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
const SET_ENABLED: &str = "UPDATE users SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
const REMOVE_FACTOR: &str = "DELETE FROM second_factors WHERE user_id = $1";

impl Storage {
    /// Returns an account as operators see it.
    pub async fn account_state(&self, user: UserId) -> Result<Option<AccountState>, StorageError> {
        self.reads.query_one(self.statement(BY_ID, [user.0.into()])).await?.map(read).transpose()
    }

    /// Returns the account that signs in with this name.
    pub async fn account_named(&self, name: &str) -> Result<Option<AccountState>, StorageError> {
        for key in login_keys(name) {
            if let Some(row) = self.reads.query_one(self.statement(BY_NAME, [key.into()])).await? {
                return read(row).map(Some);
            }
        }
        Ok(None)
    }

    /// Disables an account at this moment, or enables it. Returns whether it was otherwise before.
    pub async fn set_disabled(&self, user: UserId, disabled_at: Option<Timestamp>) -> Result<bool, StorageError> {
        let statement = match disabled_at {
            Some(at) => self.statement(SET_DISABLED, [user.0.into(), at.as_micros().into()]),
            None => self.statement(SET_ENABLED, [user.0.into()]),
        };
        self.change_account(statement).await
    }

    /// Replaces the hash of a password. Returns false when the account is gone.
    pub async fn replace_password(&self, user: UserId, hash: String) -> Result<bool, StorageError> {
        let changed = self.change_account(self.statement(SET_PASSWORD, [user.0.into(), hash.into()])).await?;
        // The old hash is still in the write-ahead log.
        self.mark_destroyed();
        Ok(changed)
    }

    /// Removes the second factor, or the secret that waits for its first code. Returns whether there was one.
    pub async fn reset_factor(&self, user: UserId) -> Result<bool, StorageError> {
        self.change_account(self.statement(REMOVE_FACTOR, [user.0.into()])).await
    }

    async fn change_account(&self, statement: sea_orm::Statement) -> Result<bool, StorageError> {
        let tx = self.begin().await?;
        let changed = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(changed > 0)
    }
}

fn read(row: Row) -> Result<AccountState, StorageError> {
    let (id, name, disabled_at, factors): (UserId, String, Option<Timestamp>, i64) = row.read()?;
    Ok(AccountState { id, name, disabled_at, second_factor: factors > 0 })
}

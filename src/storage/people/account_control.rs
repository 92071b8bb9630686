//! Accounts as operators see them.

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
}

fn read(row: Row) -> Result<AccountState, StorageError> {
    let (id, name, disabled_at, factors): (UserId, String, Option<Timestamp>, i64) = row.read()?;
    Ok(AccountState { id, name, disabled_at, second_factor: factors > 0 })
}

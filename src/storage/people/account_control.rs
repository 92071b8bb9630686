//! Accounts as operators see them.

use crate::domain::{AccountState, Timestamp, UserId, login_keys};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

macro_rules! account {
    ($found:literal) => {
        concat!(
            "SELECT id, name, created_at, (SELECT MAX(last_used_at) FROM logins WHERE user_id = users.id), \
             disabled_at, (SELECT COUNT(*) FROM second_factors WHERE user_id = users.id AND enrolled_at IS NOT NULL) \
             FROM ",
            $found
        )
    };
}

const BY_ID: &str = account!("users WHERE id = $1");
const BY_NAME: &str = account!("users WHERE name_key = $1");
const NEWEST: &str = account!("users WHERE id < $1 ORDER BY id DESC LIMIT $2 + 0");
/// `CROSS JOIN` fixes the join order on SQLite.
const THESE: &str = concat!("WITH {rows} ", account!("v CROSS JOIN users WHERE users.id = v.column1"));
const EMAIL: &str = "SELECT email FROM users WHERE id = $1";
impl Storage {
    /// Returns an account as operators see it.
    pub async fn account_state(&self, user: UserId) -> Result<Option<AccountState>, StorageError> {
        self.reads.query_one(self.statement(BY_ID, [user.0.into()])).await?.as_ref().map(read).transpose()
    }

    /// Returns the account that signs in with this name.
    pub async fn account_named(&self, name: &str) -> Result<Option<AccountState>, StorageError> {
        for key in login_keys(name) {
            if let Some(row) = self.reads.query_one(self.statement(BY_NAME, [key.into()])).await? {
                return read(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns accounts with lower ids than `before`, the highest first, at most `limit`.
    pub async fn newest_accounts(&self, before: Option<UserId>, limit: u64) -> Result<Vec<AccountState>, StorageError> {
        let values = [before.map_or(i32::MAX, |id| id.0).into(), bind(limit)];
        self.reads.query(self.statement(NEWEST, values)).await?.iter().map(read).collect()
    }

    /// Returns these accounts, by id; unknown ids are left out.
    pub async fn account_states(&self, users: &[UserId]) -> Result<Vec<AccountState>, StorageError> {
        let mut states = Vec::with_capacity(users.len());
        for statement in Bulk::new(users.iter().map(|id| [Cell::Int(id.0)])).statements(self.backend(), THESE) {
            for row in self.reads.query(statement).await? {
                states.push(read(&row)?);
            }
        }
        states.sort_unstable_by_key(|state| state.id);
        Ok(states)
    }

    /// Returns the e-mail address of an account.
    pub async fn email(&self, user: UserId) -> Result<Option<String>, StorageError> {
        let row = self.reads.query_one(self.statement(EMAIL, [user.0.into()])).await?;
        row.map(|row| row.get(0)).transpose()
    }
}

fn read(row: &Row) -> Result<AccountState, StorageError> {
    let (id, name, created_at, last_seen_at): (UserId, String, Timestamp, Option<Timestamp>) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let (disabled_at, factors): (Option<Timestamp>, i64) = (row.get(4)?, row.get(5)?);
    Ok(AccountState { id, name, created_at, last_seen_at, disabled_at, second_factor: factors > 0 })
}

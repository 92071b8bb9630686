//! Rotation of refresh tokens: each use of a token gives its successor.

use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use crate::domain::{LoginId, Network, NewRefreshToken, Timestamp, UserId};
use crate::storage::engine::begin::unique;
use crate::storage::engine::tx::PoolTransaction;
use crate::storage::people::logins::{Hash, insert_token};
use crate::storage::schema::entity::{login, refresh_token, user};
use crate::storage::{Storage, StorageError};

/// The outcome of presenting a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The token is valid; its successor is derived from the token and `salt`.
    Granted {
        /// The user whose login it is.
        user: UserId,
        /// The user's name.
        name: String,
        /// The login.
        login: LoginId,
        /// The salt of the successor, the same one each time.
        salt: Hash,
    },
    /// There is no such token, or it or its login has expired or ended.
    Refused,
    /// The token was spent before and its successor was used, so two parties hold it. The login has ended.
    Reused {
        /// The user whose login it is.
        user: UserId,
        /// The login.
        login: LoginId,
    },
}

impl Storage {
    /// Returns the login of the token with this `hash`, spent or not; `None` when it was never issued, or was dropped.
    pub async fn login_of_token(&self, hash: Hash) -> Result<Option<LoginId>, StorageError> {
        let token = unique(refresh_token::Entity::find_by_id(hash.to_vec()), &self.reads).await?;
        Ok(token.map(|token| LoginId(token.login_id)))
    }

    /// Spends the token with this `hash`, in one transaction, or finds that it was spent.
    ///
    /// `salt` is the salt for a new successor; `successor` returns the hash of the successor for a salt. A spent token
    /// is still [granted](Rotation::Granted) for `grace_s` seconds, and as long as its successor was not used: the
    /// response may have been lost.
    pub async fn rotate(
        &self,
        hash: Hash,
        salt: Hash,
        successor: impl Fn(&Hash) -> NewRefreshToken + Send + Sync,
        grace_s: i64,
        (network, now): (Option<Network>, Timestamp),
    ) -> Result<Rotation, StorageError> {
        // Any client can present a token: one that was never issued takes no write lock.
        let shown = unique(refresh_token::Entity::find_by_id(hash.to_vec()), &self.reads).await?;
        let Some(shown) = shown else { return Ok(Rotation::Refused) };
        let tx = self.begin().await?;
        // The locks are for PostgreSQL; on SQLite the transaction holds the only lock.
        let row = unique(login::Entity::find_by_id(shown.login_id).lock(LockType::NoKeyUpdate), &tx).await?;
        let Some(row) = row.filter(|row| row.ended_at.is_none()) else {
            return Ok(Rotation::Refused);
        };
        let token = unique(refresh_token::Entity::find_by_id(hash.to_vec()).lock_exclusive(), &tx).await?;
        let Some(token) = token.filter(|token| token.expires_at > now.as_micros()) else {
            return Ok(Rotation::Refused);
        };
        let owner = unique(user::Entity::find_by_id(row.user_id), &tx).await?;
        let owner = owner.filter(|owner| owner.disabled_at.is_none());
        let Some(owner) = owner else { return Ok(Rotation::Refused) };

        let (user, login) = (UserId(owner.id), LoginId(row.id));
        let granted = |salt| Rotation::Granted { user, name: owner.name, login, salt };
        let Some(spent_at) = token.spent_at else {
            spend(&tx, &hash, &salt, now).await?;
            let successor = successor(&salt);
            insert_token(&tx, login, successor).await?;
            touch(&tx, login, successor.expires_at, (network, now)).await?;
            tx.commit().await?;
            return Ok(granted(salt));
        };

        let stored: Hash = token
            .successor_salt
            .and_then(|salt| salt.try_into().ok())
            .ok_or(StorageError::Corrupt("a spent refresh token without salt"))?;
        if now <= Timestamp::from_micros(spent_at).plus_secs(grace_s) {
            return Ok(granted(stored));
        }
        let next = unique(refresh_token::Entity::find_by_id(successor(&stored).hash.to_vec()), &tx).await?;
        if next.is_some_and(|next| next.spent_at.is_none()) {
            return Ok(granted(stored));
        }
        // In this transaction: whatever happens next, who holds a stolen token has lost the login.
        end(&tx, login, now).await?;
        tx.commit().await?;
        Ok(Rotation::Reused { user, login })
    }
}

async fn spend(tx: &PoolTransaction, hash: &Hash, salt: &Hash, now: Timestamp) -> Result<(), StorageError> {
    let row = refresh_token::ActiveModel {
        hash: Set(hash.to_vec()),
        spent_at: Set(Some(now.as_micros())),
        successor_salt: Set(Some(salt.to_vec())),
        ..Default::default()
    };
    refresh_token::Entity::update(row).exec(tx).await?;
    Ok(())
}

/// Prolongs a login, notes from which network it was used, and forgets its expired tokens.
async fn touch(
    tx: &PoolTransaction,
    login: LoginId,
    expires_at: Timestamp,
    (network, now): (Option<Network>, Timestamp),
) -> Result<(), StorageError> {
    let row = login::ActiveModel {
        id: Set(login.0),
        last_used_at: Set(now.as_micros()),
        expires_at: Set(expires_at.as_micros()),
        network: Set(network.map(|network| network.to_string())),
        ..Default::default()
    };
    login::Entity::update(row).exec(tx).await?;
    refresh_token::Entity::delete_many()
        .filter(refresh_token::Column::LoginId.eq(login.0))
        .filter(refresh_token::Column::ExpiresAt.lt(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(())
}

async fn end(tx: &PoolTransaction, login: LoginId, now: Timestamp) -> Result<(), StorageError> {
    let row = login::ActiveModel { id: Set(login.0), ended_at: Set(Some(now.as_micros())), ..Default::default() };
    login::Entity::update(row).exec(tx).await?;
    Ok(())
}

//! Login sessions and their chains of refresh tokens.

use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::entity::{login, refresh_token, user};
use super::transaction::PoolTransaction;
use super::{Storage, StorageError, unique};
use crate::domain::{LoginId, Timestamp, UserId};

/// A SHA-256.
type Hash = [u8; 32];

/// A refresh token to store: only its hash.
#[derive(Clone, Copy)]
pub struct NewRefreshToken {
    /// SHA-256 of the token.
    pub hash: Hash,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// What came of showing a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The token is good; its successor is what the token makes with `salt`.
    Granted {
        /// Whose login it is.
        user: UserId,
        /// Their name.
        name: String,
        /// The login.
        login: LoginId,
        /// Makes the successor, the same one each time.
        salt: Hash,
    },
    /// No such token, or it or its login has expired or ended.
    Refused,
    /// It was spent before and its successor was used: one of two holders is a thief. The login has been ended.
    Reused {
        /// Whose login it was.
        user: UserId,
        /// The login that has ended.
        login: LoginId,
    },
}

impl Storage {
    /// Begins a login session with its first refresh token, and forgets the user's expired ones.
    pub async fn create_login(
        &self,
        user: UserId,
        token: NewRefreshToken,
        now: Timestamp,
    ) -> Result<LoginId, StorageError> {
        let tx = self.begin().await?;
        login::Entity::delete_many()
            .filter(login::Column::UserId.eq(user.0))
            .filter(login::Column::ExpiresAt.lt(now.as_micros()))
            .exec(&tx)
            .await?;
        let row = login::ActiveModel {
            user_id: Set(user.0),
            created_at: Set(now.as_micros()),
            last_used_at: Set(now.as_micros()),
            expires_at: Set(token.expires_at.as_micros()),
            ended_at: Set(None),
            ..Default::default()
        };
        let login = LoginId(login::Entity::insert(row).exec(&tx).await?.last_insert_id);
        insert_token(&tx, login, token).await?;
        tx.commit().await?;
        Ok(login)
    }

    /// Spends the token with this `hash`, in one transaction, or finds that it was spent.
    ///
    /// `salt` is used when it was not; `successor` gives the hash of the token that a salt makes. A spent token is still
    /// [granted](Rotation::Granted) for `grace_s` seconds, and for as long as its successor was not used: the answer may
    /// have been lost on the way.
    pub async fn rotate(
        &self,
        hash: Hash,
        salt: Hash,
        successor: impl Fn(&Hash) -> NewRefreshToken + Send + Sync,
        grace_s: i64,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        // Anybody can show a token: one that nobody was ever given costs no turn at writing.
        if unique(refresh_token::Entity::find_by_id(hash.to_vec()), &self.reader).await?.is_none() {
            return Ok(Rotation::Refused);
        }
        let tx = self.begin().await?;
        // The lock is for PostgreSQL; on SQLite the transaction has the only one there is.
        let token = unique(refresh_token::Entity::find_by_id(hash.to_vec()).lock_exclusive(), &tx).await?;
        let Some(token) = token.filter(|token| token.expires_at > now.as_micros()) else {
            return Ok(Rotation::Refused);
        };
        let session = unique(login::Entity::find_by_id(token.login_id), &tx).await?;
        let Some(session) = session.filter(|session| session.ended_at.is_none()) else {
            return Ok(Rotation::Refused);
        };
        let owner = unique(user::Entity::find_by_id(session.user_id), &tx).await?;
        let Some(owner) = owner else { return Ok(Rotation::Refused) };

        let (user, login) = (UserId(owner.id), LoginId(session.id));
        let granted = |salt| Rotation::Granted { user, name: owner.name, login, salt };
        let Some(spent_at) = token.spent_at else {
            spend(&tx, &hash, &salt, now).await?;
            let successor = successor(&salt);
            insert_token(&tx, login, successor).await?;
            touch(&tx, login, successor.expires_at, now).await?;
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
        end(&tx, login, now).await?;
        tx.commit().await?;
        Ok(Rotation::Reused { user, login })
    }

    /// Logins that ended after `since`: their access tokens may still be valid by their dates.
    pub async fn logins_ended_since(&self, since: Timestamp) -> Result<Vec<LoginId>, StorageError> {
        let rows = login::Entity::find().filter(login::Column::EndedAt.gt(since.as_micros())).all(&self.reader).await?;
        Ok(rows.into_iter().map(|row| LoginId(row.id)).collect())
    }
}

async fn insert_token(tx: &PoolTransaction, login: LoginId, token: NewRefreshToken) -> Result<(), StorageError> {
    let row = refresh_token::ActiveModel {
        hash: Set(token.hash.to_vec()),
        login_id: Set(login.0),
        expires_at: Set(token.expires_at.as_micros()),
        spent_at: Set(None),
        successor_salt: Set(None),
    };
    refresh_token::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
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

/// Prolongs a login and forgets its expired tokens.
async fn touch(
    tx: &PoolTransaction,
    login: LoginId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), StorageError> {
    let row = login::ActiveModel {
        id: Set(login.0),
        last_used_at: Set(now.as_micros()),
        expires_at: Set(expires_at.as_micros()),
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

//! A user's login sessions as the user sees them: which there are, and ending them.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::entity::{login, user};
use super::transaction::PoolTransaction;
use super::{Storage, StorageError};
use crate::domain::{LoginId, Timestamp, UserId};

/// A login session that has neither ended nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSession {
    /// Its id.
    pub id: LoginId,
    /// When the password was given.
    pub created_at: Timestamp,
    /// When its tokens were last refreshed.
    pub last_used_at: Timestamp,
    /// Devices that have opened a socket in it.
    pub device_ids: Vec<String>,
}

/// Which of a user's login sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Only(LoginId),
    /// All but this one.
    Except(LoginId),
    /// All.
    All,
}

impl Storage {
    /// The user's login sessions, oldest first.
    pub async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>, StorageError> {
        let rows = login::Entity::find()
            .filter(login::Column::UserId.eq(user.0))
            .filter(login::Column::EndedAt.is_null())
            .filter(login::Column::ExpiresAt.gt(now.as_micros()))
            .order_by_asc(login::Column::Id)
            .all(&self.reader)
            .await?;
        let mut devices = self.devices_of(user).await?;
        let session = |row: login::Model| LoginSession {
            id: LoginId(row.id),
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: Timestamp::from_micros(row.last_used_at),
            device_ids: devices.remove(&LoginId(row.id)).unwrap_or_default(),
        };
        Ok(rows.into_iter().map(session).collect())
    }

    /// Ends login sessions of the user; answers those that had not ended before.
    pub async fn end_logins(&self, user: UserId, which: Which, now: Timestamp) -> Result<Vec<LoginId>, StorageError> {
        let tx = self.begin().await?;
        let ended = end(&tx, user, which, now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Sets a new password hash and ends all other login sessions, together.
    pub async fn change_password(
        &self,
        user: UserId,
        password_hash: String,
        keep: LoginId,
        now: Timestamp,
    ) -> Result<Vec<LoginId>, StorageError> {
        let tx = self.begin().await?;
        user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, Expr::value(password_hash))
            .filter(user::Column::Id.eq(user.0))
            .exec(&tx)
            .await?;
        let ended = end(&tx, user, Which::Except(keep), now).await?;
        tx.commit().await?;
        Ok(ended)
    }
}

async fn end(tx: &PoolTransaction, user: UserId, which: Which, now: Timestamp) -> Result<Vec<LoginId>, StorageError> {
    let mut query = login::Entity::update_many()
        .col_expr(login::Column::EndedAt, Expr::value(now.as_micros()))
        .filter(login::Column::UserId.eq(user.0))
        .filter(login::Column::EndedAt.is_null());
    match which {
        Which::Only(login) => query = query.filter(login::Column::Id.eq(login.0)),
        Which::Except(login) => query = query.filter(login::Column::Id.ne(login.0)),
        Which::All => {}
    }
    Ok(query.exec_with_returning(tx).await?.into_iter().map(|row| LoginId(row.id)).collect())
}

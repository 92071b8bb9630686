//! Socket tickets: each opens one socket, within a short time.

use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use crate::domain::{LoginId, Timestamp, UserId};
use crate::storage::engine::begin::unique;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::entity::{login, ticket};
use crate::storage::{Storage, StorageError};

/// Finds and removes a ticket in one statement, so that only one of two clients with the same ticket gets it. Whether
/// its login has ended is read here, too: the server that is asked may not have been told yet.
const CONSUME: &str = "DELETE FROM tickets WHERE hash = $1 RETURNING user_id, login_id, expires_at, \
     EXISTS (SELECT 1 FROM logins AS l WHERE l.id = tickets.login_id AND l.ended_at IS NULL)";

impl Storage {
    /// Stores the hash of a new ticket, and deletes those that have expired. Returns false when the user has no such
    /// login.
    pub async fn create_ticket(
        &self,
        hash: [u8; 32],
        user: UserId,
        login: LoginId,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let tx = self.begin().await?;
        let row = unique(login::Entity::find_by_id(login.0).lock(LockType::KeyShare), &tx).await?;
        if !row.is_some_and(|row| row.user_id == user.0 && row.ended_at.is_none()) {
            return Ok(false);
        }
        ticket::Entity::delete_many().filter(ticket::Column::ExpiresAt.lte(now.as_micros())).exec(&tx).await?;
        let row = ticket::ActiveModel {
            hash: Set(hash.to_vec()),
            user_id: Set(user.0),
            login_id: Set(login.0),
            expires_at: Set(expires_at.as_micros()),
        };
        ticket::Entity::insert(row).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Consumes a ticket, and returns the user and login it was made for, unless that has ended.
    pub async fn consume_ticket(
        &self,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<(UserId, LoginId)>, StorageError> {
        // Any client can present a ticket: one that was never issued takes no write lock.
        if unique(ticket::Entity::find_by_id(hash.to_vec()), &self.reads).await?.is_none() {
            return Ok(None);
        }
        let tx = self.begin().await?;
        let row = tx.query_one(self.statement(CONSUME, [hash.to_vec().into()])).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let (user, login, expires_at, is_live): (UserId, LoginId, Timestamp, bool) = row.read()?;
        Ok((is_live && expires_at > now).then_some((user, login)))
    }
}

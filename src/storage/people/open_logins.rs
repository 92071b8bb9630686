//! The logins of a user that have neither ended nor expired, and those that have ended not long ago.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use crate::domain::{LoginId, Timestamp, UserId};
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::entity::login;
use crate::storage::{Storage, StorageError};

/// A login that has neither ended nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLogin {
    /// Its id.
    pub id: LoginId,
    /// When the password was given.
    pub created_at: Timestamp,
    /// When its tokens were last refreshed.
    pub last_used_at: Timestamp,
    /// The network that it was used from last: an IPv4 /24 or an IPv6 /48. `None` where that was not noted.
    pub network: Option<String>,
    /// Whether it began with a code beside the password.
    pub second_factor: bool,
    /// Devices that have opened a socket in it.
    pub device_ids: Vec<String>,
}

impl Storage {
    /// Returns the user's logins after `after`, oldest first, at most `limit`.
    pub async fn open_logins(
        &self,
        user: UserId,
        after: Option<LoginId>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<OpenLogin>, StorageError> {
        let rows = login::Entity::find()
            .filter(login::Column::UserId.eq(user.0))
            .filter(login::Column::Id.gt(after.map_or(0, |login| login.0)))
            .filter(login::Column::EndedAt.is_null())
            .filter(login::Column::ExpiresAt.gt(now.as_micros()))
            .order_by_asc(login::Column::Id)
            .limit(limit)
            .all(&self.reads)
            .await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
        let mut devices = self.devices_of(user, LoginId(first.id)..=LoginId(last.id)).await?;
        let open_login = |row: login::Model| OpenLogin {
            id: LoginId(row.id),
            created_at: Timestamp::from_micros(row.created_at),
            last_used_at: Timestamp::from_micros(row.last_used_at),
            network: row.network,
            second_factor: row.second_factor,
            device_ids: devices.remove(&LoginId(row.id)).unwrap_or_default(),
        };
        Ok(rows.into_iter().map(open_login).collect())
    }

    /// Returns the logins that ended after `since`, whose access tokens may not have expired yet.
    pub async fn logins_ended_since(&self, since: Timestamp) -> Result<Vec<LoginId>, StorageError> {
        let rows = login::Entity::find().filter(login::Column::EndedAt.gt(since.as_micros())).all(&self.reads).await?;
        Ok(rows.into_iter().map(|row| LoginId(row.id)).collect())
    }

    /// Returns the users of deleted accounts whose access tokens may not have expired yet, each with the last expiry.
    pub async fn ended_users(&self) -> Result<Vec<(UserId, Timestamp)>, StorageError> {
        let rows = self.reads.query(self.statement("SELECT user_id, until FROM ended_users", [])).await?;
        rows.into_iter().map(Row::read).collect()
    }
}

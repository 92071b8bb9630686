//! The dialect and the devices of a login.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use sea_orm::Value;

use crate::domain::{DeviceId, LoginId, Timestamp, UserId};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

const DEVICES: &str = "SELECT d.login_id, d.device_id FROM logins AS l JOIN devices AS d ON d.login_id = l.id \
     WHERE l.user_id = $1 AND l.id >= $2 AND l.id <= $3 ORDER BY d.device_id";

/// The dialect of a login. It never goes back to the legacy one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginDialect {
    /// Neither dialect was used yet.
    Unknown,
    /// A legacy socket was opened, and nothing of `fluent.v1` was used.
    Legacy,
    /// Marks that something of `fluent.v1` was used.
    V1,
}

impl Storage {
    /// Returns the user and the dialect of a login; `None` when it has ended or expired, as after its account was
    /// deleted.
    pub async fn login(&self, login: LoginId, now: Timestamp) -> Result<Option<(UserId, LoginDialect)>, StorageError> {
        let sql = "SELECT user_id, dialect FROM logins WHERE id = $1 AND ended_at IS NULL AND expires_at > $2";
        let values = [login.0.into(), now.as_micros().into()];
        let Some(row) = self.reads.query_one(self.statement(sql, values)).await? else { return Ok(None) };
        let (user, dialect): (UserId, i16) = row.read()?;
        let dialect = match dialect {
            1 => LoginDialect::Legacy,
            2 => LoginDialect::V1,
            _ => LoginDialect::Unknown,
        };
        Ok(Some((user, dialect)))
    }

    /// Whether it is noted that the device has opened a socket in the login.
    pub async fn has_device(&self, login: LoginId, device: &DeviceId) -> Result<bool, StorageError> {
        let key = [Value::from(login.0), device.as_str().into()];
        let known = "SELECT 1 FROM devices WHERE login_id = $1 AND device_id = $2";
        Ok(self.reads.query_one(self.statement(known, key)).await?.is_some())
    }

    /// Returns the devices of the user's logins in this range of ids, by login.
    pub(in crate::storage) async fn devices_of(
        &self,
        user: UserId,
        logins: RangeInclusive<LoginId>,
    ) -> Result<HashMap<LoginId, Vec<String>>, StorageError> {
        let values = [user.0.into(), logins.start().0.into(), logins.end().0.into()];
        let rows = self.reads.query(self.statement(DEVICES, values)).await?;
        let mut devices: HashMap<LoginId, Vec<String>> = HashMap::new();
        for row in rows {
            let (login, device): (LoginId, String) = row.read()?;
            devices.entry(login).or_default().push(device);
        }
        Ok(devices)
    }
}

//! What a login session is used with: which dialect, and which devices.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use sea_orm::{ConnectionTrait as _, Value};

use crate::domain::{DeviceId, LoginId, Timestamp, UserId};
use crate::storage::people::login_marks::LoginMark;
use crate::storage::{Storage, StorageError};

const DEVICES: &str = "SELECT d.login_id, d.device_id FROM logins AS l JOIN devices AS d ON d.login_id = l.id \
     WHERE l.user_id = $1 AND l.id >= $2 AND l.id <= $3 ORDER BY d.device_id";

/// The dialect that a login session speaks. It never goes back to the legacy one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginDialect {
    /// Neither was used yet.
    Unknown,
    /// It has opened a legacy socket, and used nothing of `fluent.v1`.
    Legacy,
    /// It has used something of `fluent.v1`.
    V1,
}

impl Storage {
    /// Whose login session this is, and its dialect; `None` when there is none that goes on, as after its account was deleted.
    pub async fn login(&self, login: LoginId, now: Timestamp) -> Result<Option<(UserId, LoginDialect)>, StorageError> {
        let sql = "SELECT user_id, dialect FROM logins WHERE id = $1 AND ended_at IS NULL AND expires_at > $2";
        let values = [login.0.into(), now.as_micros().into()];
        let Some(row) = self.reads.query_one_raw(self.statement(sql, values)).await? else { return Ok(None) };
        let dialect = match row.try_get_by_index::<i16>(1)? {
            1 => LoginDialect::Legacy,
            2 => LoginDialect::V1,
            _ => LoginDialect::Unknown,
        };
        Ok(Some((UserId(row.try_get_by_index(0)?), dialect)))
    }

    /// A legacy socket was opened; says nothing against what is known already.
    pub async fn mark_legacy(&self, login: LoginId) -> Result<(), StorageError> {
        self.mark_login(LoginMark::Legacy(login)).await
    }

    /// Something of `fluent.v1` was used.
    pub async fn mark_v1(&self, login: LoginId) -> Result<(), StorageError> {
        self.mark_login(LoginMark::V1(login)).await
    }

    /// A device has opened a socket. Costs a turn at writing only the first time.
    pub async fn mark_device(&self, login: LoginId, device: &DeviceId) -> Result<(), StorageError> {
        let key = [Value::from(login.0), device.as_str().into()];
        let known = "SELECT 1 FROM devices WHERE login_id = $1 AND device_id = $2";
        if self.reads.query_one_raw(self.statement(known, key)).await?.is_none() {
            self.mark_login(LoginMark::Device(login, device.clone())).await?;
        }
        Ok(())
    }

    /// By login session, of those with these ids.
    pub(in crate::storage) async fn devices_of(
        &self,
        user: UserId,
        logins: RangeInclusive<LoginId>,
    ) -> Result<HashMap<LoginId, Vec<String>>, StorageError> {
        let values = [user.0.into(), logins.start().0.into(), logins.end().0.into()];
        let rows = self.reads.query_all_raw(self.statement(DEVICES, values)).await?;
        let mut devices: HashMap<LoginId, Vec<String>> = HashMap::new();
        for row in rows {
            devices.entry(LoginId(row.try_get_by_index(0)?)).or_default().push(row.try_get_by_index(1)?);
        }
        Ok(devices)
    }
}

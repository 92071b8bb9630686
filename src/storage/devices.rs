//! What a login session is used with: which dialect, and which devices.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait as _, Value};

use super::notes::Note;
use super::{Storage, StorageError};
use crate::domain::{DeviceId, LoginId, UserId};

const DEVICES: &str = "SELECT d.login_id, d.device_id FROM logins AS l JOIN devices AS d ON d.login_id = l.id \
     WHERE l.user_id = $1 ORDER BY d.device_id";

/// The dialect that a login session speaks. It never goes back to the legacy one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Neither was used yet.
    Unknown,
    /// It has opened a legacy socket, and used nothing of `fluent.v1`.
    Legacy,
    /// It has used something of `fluent.v1`.
    V1,
}

impl Storage {
    /// The dialect of a login session; `None` when there is no such session, as after its account was deleted.
    pub async fn dialect(&self, login: LoginId) -> Result<Option<Dialect>, StorageError> {
        let sql = "SELECT dialect FROM logins WHERE id = $1";
        let row = self.reader.query_one_raw(self.statement(sql, [login.0.into()])).await?;
        let dialect = row.map(|row| row.try_get_by_index::<i16>(0)).transpose()?;
        Ok(dialect.map(|dialect| match dialect {
            1 => Dialect::Legacy,
            2 => Dialect::V1,
            _ => Dialect::Unknown,
        }))
    }

    /// A legacy socket was opened; says nothing against what is known already.
    pub async fn note_legacy(&self, login: LoginId) -> Result<(), StorageError> {
        self.note(Note::Legacy(login)).await
    }

    /// Something of `fluent.v1` was used.
    pub async fn note_v1(&self, login: LoginId) -> Result<(), StorageError> {
        self.note(Note::V1(login)).await
    }

    /// A device has opened a socket. Costs a turn at writing only the first time.
    pub async fn note_device(&self, login: LoginId, device: &DeviceId) -> Result<(), StorageError> {
        let key = [Value::from(login.0), device.as_str().into()];
        let known = "SELECT 1 FROM devices WHERE login_id = $1 AND device_id = $2";
        if self.reader.query_one_raw(self.statement(known, key)).await?.is_none() {
            self.note(Note::Device(login, device.clone())).await?;
        }
        Ok(())
    }

    pub(super) async fn devices_of(&self, user: UserId) -> Result<HashMap<LoginId, Vec<String>>, StorageError> {
        let rows = self.reader.query_all_raw(self.statement(DEVICES, [user.0.into()])).await?;
        let mut devices: HashMap<LoginId, Vec<String>> = HashMap::new();
        for row in rows {
            devices.entry(LoginId(row.try_get_by_index(0)?)).or_default().push(row.try_get_by_index(1)?);
        }
        Ok(devices)
    }
}

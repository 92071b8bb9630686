//! Settings that operators switch while servers run. They are read at each use, so that all servers on a database obey
//! at once.

use crate::domain::{RegistrationMode, Timestamp};
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// The name of the switch for who may register.
const REGISTRATION: &str = "registration";

const READ: &str = "SELECT value, switched_at FROM switches WHERE name = $1";
const SWITCH: &str = "INSERT INTO switches (name, value, switched_at) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET value = $2, switched_at = $3";

impl Storage {
    /// Returns who may register, and since when, if an operator has ever switched it.
    pub async fn registration(&self) -> Result<Option<(RegistrationMode, Timestamp)>, StorageError> {
        let row = self.reads.query_one(self.statement(READ, [REGISTRATION.into()])).await?;
        let Some((mode, at)) = row.map(Row::read::<(String, Timestamp)>).transpose()? else { return Ok(None) };
        let mode = RegistrationMode::parse(&mode).ok_or(StorageError::Corrupt("a mode of registration"))?;
        Ok(Some((mode, at)))
    }

    /// Switches who may register.
    pub async fn switch_registration(&self, mode: RegistrationMode, now: Timestamp) -> Result<(), StorageError> {
        let values = [REGISTRATION.into(), mode.as_str().into(), now.as_micros().into()];
        let tx = self.begin().await?;
        tx.execute(self.statement(SWITCH, values)).await?;
        tx.commit().await
    }
}

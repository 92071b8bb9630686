//! Maintenance of a store by operators: backup, restore, copy, new epoch.

mod backup;
pub(in crate::storage) mod copy;
mod error;
pub(in crate::storage) mod file;
mod holding;
mod restore;

use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::store_row::new_epoch;
use crate::storage::{Storage, StorageError};

pub use backup::backup;
pub use error::MaintenanceError;
pub use holding::Holding;
pub use restore::restore;

/// Tables whose ids come from a counter of their own.
const COUNTED: [&str; 3] = ["users", "logins", "conversations"];
/// Ids that are skipped after a restore, for those that the store gave out after the backup was made. Access tokens of
/// lost accounts may still be valid, and phones remember their ids and keys: none may stand for a new account.
const LOST_IDS: i64 = 1_000_000;
const SKIP: PerEngine<&str> = PerEngine {
    sqlite: "UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = $2",
    postgres: "SELECT setval(s, nextval(s) + $1) FROM CAST(pg_get_serial_sequence($2, 'id') AS regclass) AS s",
};

impl Storage {
    /// Gives the store's history a new name after a restore from a backup, and returns it. Cursors of the old history
    /// are no longer honoured, and `LOST_IDS` ids are skipped.
    pub async fn new_epoch(&self) -> Result<String, StorageError> {
        let epoch = new_epoch()?;
        let tx = self.begin().await?;
        let sql = "UPDATE store SET epoch = $1 WHERE id = 1";
        tx.execute(self.statement(sql, [epoch.as_str().into()])).await?;
        for table in COUNTED {
            let skip = SKIP.of(self.backend());
            tx.execute(self.statement(skip, [LOST_IDS.into(), table.into()])).await?;
        }
        tx.commit().await?;
        Ok(epoch)
    }
}

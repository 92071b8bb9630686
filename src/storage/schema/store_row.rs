//! The one row of the table `store`.

use crate::clock;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

impl Storage {
    pub(in crate::storage) async fn ensure_store_row(&self) -> Result<(), StorageError> {
        let epoch = new_epoch()?;
        let sql = "INSERT INTO store (id, epoch, last_seq, clock) VALUES (1, $1, 0, 0) ON CONFLICT (id) DO NOTHING";
        self.request_writes.execute(self.statement(sql, [epoch.into()])).await?;
        Ok(())
    }
}

/// Returns a random name for a history, which no other history has.
pub(in crate::storage) fn new_epoch() -> Result<String, StorageError> {
    Ok(clock::random_token()?.chars().take(8).collect())
}

//! What servers on one PostgreSQL share to know each other by outside of it.

use crate::clock::random_bytes;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Reads the key; the first to come makes the key of the bytes `$1`.
const KEY: &str = "UPDATE store SET relay_key = COALESCE(relay_key, $1) WHERE id = 1 RETURNING relay_key";

impl Storage {
    /// Returns the name of this run of this server among all that write to the store.
    #[must_use]
    pub fn boot(&self) -> i64 {
        self.boot
    }

    /// Returns the key of what servers tell each other, and makes it when there is none yet: secret random bytes, the
    /// same for all histories.
    pub async fn relay_key(&self) -> Result<Vec<u8>, StorageError> {
        let db = self.journal.as_ref().ok_or(StorageError::Corrupt("a relay on SQLite"))?;
        let new: [u8; 32] = random_bytes()?;
        let row = db.query_one(self.statement(KEY, [new.to_vec().into()])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        row.get(0)
    }
}

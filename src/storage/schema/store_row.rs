//! The one row of the table `store`.

use crate::clock;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::{Storage, StorageError};

/// Tables whose ids come from a counter of their own.
const COUNTED: [&str; 3] = ["users", "logins", "conversations"];
/// Ids that are skipped in a new history, for those that were given out in the part of the former one that is lost.
/// Access tokens of lost accounts may still be valid, and phones remember their ids and keys: none may stand for a new
/// account.
pub(in crate::storage) const LOST_IDS: i64 = 1_000_000;
const SKIP: PerEngine<&str> = PerEngine {
    sqlite: "UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = $2",
    postgres: "SELECT setval(s, nextval(s) + $1) FROM CAST(pg_get_serial_sequence($2, 'id') AS regclass) AS s",
};

impl Storage {
    pub(in crate::storage) async fn ensure_store_row(&self) -> Result<(), StorageError> {
        let epoch = new_epoch()?;
        let sql = "INSERT INTO store (id, epoch, last_seq, clock) VALUES (1, $1, 0, 0) ON CONFLICT (id) DO NOTHING";
        self.request_writes.execute(self.statement(sql, [epoch.into()])).await?;
        Ok(())
    }
}

/// Skips so many ids of each table that counts them.
pub(in crate::storage) async fn skip_ids(
    storage: &Storage,
    tx: &PoolTransaction,
    count: i64,
) -> Result<(), StorageError> {
    for table in COUNTED {
        let skip = SKIP.of(storage.backend());
        tx.execute(storage.statement(skip, [count.into(), table.into()])).await?;
    }
    Ok(())
}

/// Returns a random name for a history, which no other history has.
pub(in crate::storage) fn new_epoch() -> Result<String, StorageError> {
    Ok(clock::random_token()?.chars().take(8).collect())
}

//! The audit log: dropped by age and by number.

use crate::domain::Timestamp;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx as _;
use crate::storage::retention::messages::{BATCH, Cleared};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

/// Deletes those of the oldest entries that are older than `$1` or beyond the newest `$2`. Ids are given in order.
const DROP: &str = "DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id \
     LIMIT $3 + 0 {skip}) AS oldest WHERE at < $1 OR id <= (SELECT MAX(id) FROM audit) - $2)";
const SKIP_LOCKED: PerEngine<&str> = PerEngine { sqlite: "", postgres: "FOR UPDATE SKIP LOCKED" };

impl Storage {
    /// Drops some entries of the audit log that are older than `horizon` or beyond the newest `keep`.
    pub async fn drop_audit(&self, horizon: Timestamp, keep: i64) -> Result<Cleared, StorageError> {
        let sql = DROP.replace("{skip}", SKIP_LOCKED.of(self.backend()));
        let tx = self.begin_on((Pool::Cleanup, &self.cleanup), None).await?;
        let values = [horizon.as_micros().into(), keep.into(), BATCH.into()];
        let dropped = tx.execute(self.statement(sql, values)).await?;
        if dropped == 0 {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped > 0 })
    }
}

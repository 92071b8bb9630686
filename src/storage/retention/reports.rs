//! Reports: what they disclose is wiped soon after the decision, the rest is dropped later.

use crate::domain::Timestamp;
use crate::storage::retention::messages::{BATCH, Cleared};
use crate::storage::{Storage, StorageError};

/// For how long a decided report keeps what it discloses, in seconds: 30 days.
pub(super) const DISCLOSED_S: i64 = 30 * 24 * 3600;
/// For how long a report is kept, in seconds: 180 days.
pub(super) const KEEP_S: i64 = 180 * 24 * 3600;
/// Wipes what some reports disclose that were decided by `$1`.
const WIPE: &str = "UPDATE reports SET plaintext = NULL WHERE id IN (SELECT id FROM reports \
     WHERE plaintext IS NOT NULL AND decided_at <= $1 LIMIT $2 + 0 {skip})";
/// Deletes some reports that were made by `$1`.
const DROP: &str = "DELETE FROM reports WHERE id IN (SELECT id FROM (SELECT id, created_at FROM reports ORDER BY id \
     LIMIT $2 + 0 {skip}) AS oldest WHERE created_at <= $1)";

impl Storage {
    /// Wipes some plaintexts, and drops some reports, whose time is over.
    pub async fn drop_reports(&self, now: Timestamp) -> Result<Cleared, StorageError> {
        let destroyed = self.drop_some(WIPE, now.plus_secs(-DISCLOSED_S)).await?;
        let dropped = self.drop_some(DROP, now.plus_secs(-KEEP_S)).await?;
        // What is dropped may disclose something, too.
        if destroyed + dropped > 0 {
            self.mark_destroyed();
        }
        let is_full = destroyed.max(dropped) >= BATCH.unsigned_abs();
        Ok(Cleared { destroyed: 0, dropped, has_more: is_full })
    }
}

//! Devices that have not been seen for long, wake-ups that were owed for too long, and old requests.

use crate::domain::{DEBT_LASTS_S, Timestamp};
use crate::storage::retention::messages::{BATCH, Cleared};
use crate::storage::{Storage, StorageError};

/// For how long requests are kept, in seconds: 7 days.
pub(super) const ATTEMPTS_S: i64 = 7 * 24 * 3600;
pub(in crate::storage) const ATTEMPTS: &str =
    "DELETE FROM push_attempts WHERE id IN (SELECT id FROM push_attempts WHERE at <= $1 LIMIT $2 + 0 {skip})";
pub(in crate::storage) const TARGETS: &str = "DELETE FROM push_targets WHERE (user_id, device_id) IN \
     (SELECT user_id, device_id FROM push_targets WHERE acked_at <= $1 LIMIT $2 + 0 {skip})";
/// Drops what was owed for too long, but for devices with a request on its way.
const DEBTS: &str = "UPDATE push_targets SET woken_seq = owed_seq, owed_seq = NULL, owed_urgent = FALSE, \
     owed_since = NULL, due_at = NULL, attempts = 0 WHERE (user_id, device_id) IN \
     (SELECT user_id, device_id FROM push_targets WHERE due_at IS NOT NULL AND owed_since <= $1 \
     AND lease_until IS NULL LIMIT $2 + 0 {skip})";

impl Storage {
    /// Drops some requests, debts, and devices that have not been seen for `forget_after_s` seconds.
    pub async fn drop_push(&self, forget_after_s: i64, now: Timestamp) -> Result<Cleared, StorageError> {
        let mut most = 0;
        let mut dropped = 0;
        for (sql, seconds) in [(ATTEMPTS, ATTEMPTS_S), (TARGETS, forget_after_s), (DEBTS, DEBT_LASTS_S)] {
            let some = self.drop_some(sql, now.plus_secs(-seconds)).await?;
            (most, dropped) = (some.max(most), dropped + some);
        }
        Ok(Cleared { destroyed: 0, dropped, has_more: most >= BATCH.unsigned_abs() })
    }
}

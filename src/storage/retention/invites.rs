//! Invites that have ended.

use crate::domain::Timestamp;
use crate::storage::retention::messages::Cleared;
use crate::storage::{Storage, StorageError};

/// For how long an invite stays in the list of operators after its end, in seconds: 30 days.
pub(super) const KEEP_S: i64 = 30 * 24 * 3600;
/// Deletes some invites that were used up, revoked or had expired by `$1`.
const INVITES: &str = "DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE expires_at <= $1 \
     OR revoked_at <= $1 OR uses_left = 0 AND used_at <= $1 LIMIT $2 + 0 {skip})";

impl Storage {
    /// Drops some invites that have ended long ago.
    pub async fn drop_invites(&self, now: Timestamp) -> Result<Cleared, StorageError> {
        let dropped = self.drop_some(INVITES, now.plus_secs(-KEEP_S)).await?;
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped > 0 })
    }
}

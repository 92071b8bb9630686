//! Files that no message has named in time, and those of deleted accounts.

use std::sync::LazyLock;

use crate::domain::Timestamp;
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::rows::with_states;
use crate::storage::retention::messages::{BATCH, Cleared};
use crate::storage::{Storage, StorageError};

/// Whether there is something for [`EXPIRED`] or [`OWNERLESS`].
static HAS_OVER: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM media WHERE expires_at <= $1) \
         OR EXISTS (SELECT 1 FROM media WHERE owner_id IS NULL AND state < {deleting})",
    )
});
static EXPIRED: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET {gone} WHERE id IN (SELECT id FROM media WHERE expires_at <= $1 ORDER BY expires_at \
         LIMIT $2 + 0 {skip})",
    )
});
/// A server of an older version deletes accounts without their files.
static OWNERLESS: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET {gone} WHERE id IN (SELECT id FROM media WHERE owner_id IS NULL AND state < {deleting} \
         AND created_at <= $1 LIMIT $2 + 0 {skip})",
    )
});

impl Storage {
    /// Takes some files from users whose time is over, or whose owner is gone. Their bytes are removed afterwards.
    pub async fn expire_media(&self, now: Timestamp) -> Result<Cleared, StorageError> {
        // Nearly always there is nothing, and writers need not wait.
        let over = self.statement(HAS_OVER.as_str(), [now.as_micros().into()]);
        if self.reads.query_one(over).await?.is_none() {
            return Ok(Cleared::default());
        }
        let mut dropped = 0;
        for sql in [&EXPIRED, &OWNERLESS] {
            dropped += self.drop_some(sql, now).await?;
        }
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped >= BATCH.unsigned_abs() })
    }
}

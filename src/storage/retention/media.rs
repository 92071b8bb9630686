//! Files that no message has named in time, and what servers of an older version have left behind.

use std::sync::LazyLock;

use crate::domain::Timestamp;
use crate::storage::commands::attachments::release;
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::columns::with_states;
use crate::storage::retention::messages::{BATCH, Cleared};
use crate::storage::{Storage, StorageError};

/// A message that is gone and names files: a server that does not know of files has deleted it.
const UNRELEASED: &str = "FROM messages WHERE gone_seq IS NOT NULL AND attachments IS NOT NULL";
/// Whether there is something to do.
static HAS_OVER: LazyLock<String> = LazyLock::new(|| {
    with_states(&format!(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM media WHERE expires_at <= $1) \
         OR EXISTS (SELECT 1 FROM media WHERE owner_id IS NULL AND state < {{deleting}}) \
         OR EXISTS (SELECT 1 {UNRELEASED})"
    ))
});
static EXPIRED: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET {gone} WHERE id IN (SELECT id FROM media WHERE expires_at <= $1 ORDER BY expires_at \
         LIMIT $2 + 0 {skip})",
    )
});
/// Files of accounts that such a server has deleted.
static OWNERLESS: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET {gone} WHERE id IN (SELECT id FROM media WHERE owner_id IS NULL AND state < {deleting} \
         AND created_at <= $1 LIMIT $2 + 0 {skip})",
    )
});

impl Storage {
    /// Takes some files from users whose time is over, or that only an older server has kept. Their bytes are removed
    /// afterwards.
    pub async fn expire_media(&self, now: Timestamp) -> Result<Cleared, StorageError> {
        // Nearly always there is nothing, and writers need not wait.
        let over = self.statement(HAS_OVER.as_str(), [now.as_micros().into()]);
        if self.reads.query_one(over).await?.is_none() {
            return Ok(Cleared::default());
        }
        let mut dropped = self.release_unreleased().await?;
        for sql in [&EXPIRED, &OWNERLESS] {
            dropped += self.drop_some(sql, now).await?;
        }
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped >= BATCH.unsigned_abs() })
    }

    /// Releases the files of some messages that are gone and still keep them. Returns how many messages these were.
    async fn release_unreleased(&self) -> Result<u64, StorageError> {
        let tx = self.begin_cleanup().await?;
        let sql = format!("SELECT id {UNRELEASED} ORDER BY id LIMIT $1 + 0");
        let rows = tx.query(self.statement(sql, [BATCH.into()])).await?;
        let ids = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>, _>>()?;
        let Some(last) = ids.last() else {
            tx.rollback().await?;
            return Ok(0);
        };
        release(&tx, self.backend(), &ids).await?;
        let done = "UPDATE messages SET attachments = NULL \
             WHERE gone_seq IS NOT NULL AND attachments IS NOT NULL AND id <= $1";
        tx.execute(self.statement(done, [(*last).into()])).await?;
        tx.commit().await?;
        Ok(ids.len() as u64)
    }
}

//! The end of files: by their owners, and after their time. First the row says so, then the bytes go, then the row.

use std::sync::LazyLock;

use crate::domain::{Media, MediaId, MediaState, Timestamp, UserId};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::Columns as _;
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::columns::{MediaColumns, media, with_states};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

static DELETE: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET {gone} WHERE id = $1 AND owner_id = $2 AND state < {attached} AND expires_at > $3 \
         AND lost_at IS NULL",
    )
});
static LIST: LazyLock<String> = LazyLock::new(|| {
    with_states(&format!(
        "SELECT {} FROM media WHERE state = {{deleting}} AND id > $1 ORDER BY id LIMIT $2 + 0",
        MediaColumns::select()
    ))
});
static FORGET: LazyLock<String> =
    LazyLock::new(|| with_states("DELETE FROM media WHERE id = $1 AND state = {deleting}"));

/// What has come of the deletion of a file by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaDeletion {
    /// It is gone.
    Done,
    /// Messages name it.
    Attached,
    /// There is no such file of this user.
    NotFound,
}

impl Storage {
    /// Deletes a file of this user that no message names.
    pub async fn delete_media(
        &self,
        owner: UserId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<MediaDeletion, StorageError> {
        let values = [id.0.to_vec().into(), owner.0.into(), now.as_micros().into()];
        let tx = self.begin().await?;
        let deleted = tx.execute(self.statement(DELETE.as_str(), values)).await? > 0;
        tx.commit().await?;
        if deleted {
            return Ok(MediaDeletion::Done);
        }
        let found = self.media_of(owner, id, now).await?;
        let is_attached = found.is_some_and(|media| media.state == MediaState::Attached);
        Ok(if is_attached { MediaDeletion::Attached } else { MediaDeletion::NotFound })
    }

    /// Returns files whose bytes are to be removed, by their ids, at most `limit`; those after this one.
    pub async fn deleting_media(&self, after: Option<MediaId>, limit: u64) -> Result<Vec<Media>, StorageError> {
        let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
        let rows = self.reads.query(self.statement(LIST.as_str(), [after.into(), bind(limit)])).await?;
        rows.into_iter().map(media).collect()
    }

    /// Removes the rows of files whose bytes are removed.
    pub async fn forget_media(&self, ids: &[MediaId]) -> Result<(), StorageError> {
        if ids.is_empty() {
            return Ok(());
        }
        let tx = self.begin_on((Pool::Cleanup, &self.cleanup), None).await?;
        for id in ids {
            tx.execute(self.statement(FORGET.as_str(), [id.0.to_vec().into()])).await?;
        }
        tx.commit().await
    }
}

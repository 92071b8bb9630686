//! Files against their rows: what is lost, what has come back, and how much there is.

use std::sync::LazyLock;

use crate::domain::{Media, MediaId, MediaState, Timestamp, UserId};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::Columns as _;
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::columns::{MediaColumns, bytes, media, stored, with_states};
use crate::storage::{Storage, StorageError};

static ALL: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM media WHERE id > $1 ORDER BY id LIMIT $2 + 0", MediaColumns::select()));
static LOSE: LazyLock<String> = LazyLock::new(|| {
    with_states("UPDATE media SET lost_at = $2 WHERE id = $1 AND state < {deleting} AND lost_at IS NULL")
});
const RECOVER: &str = "UPDATE media SET lost_at = NULL WHERE id = $1 AND lost_at IS NOT NULL";
static LOWER: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "UPDATE media SET received = $2, state = CASE WHEN $2 = 0 THEN {created} ELSE {uploading} END \
         WHERE id = $1 AND {open} AND received > $2",
    )
});
const COUNT: &str = "SELECT state, CASE WHEN lost_at IS NULL THEN 0 ELSE 1 END, COUNT(*), \
     CAST(SUM(size) AS BIGINT) FROM media GROUP BY 1, 2";
static OF_USER: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM media \
         WHERE owner_id = $1 AND state < {deleting} AND lost_at IS NULL",
    )
});

/// How many files there are, and how large they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaCounts {
    /// Files in each state, lost ones left out.
    pub files: [(MediaState, u64); 5],
    /// Files whose bytes are missing.
    pub lost: u64,
    /// Bytes of all files that are whole and not lost.
    pub stored_bytes: u64,
}

impl Storage {
    /// Returns the bytes of all files that a user has uploaded, or has begun to upload, and that are there.
    pub async fn media_bytes(&self, user: UserId) -> Result<u64, StorageError> {
        let row = self.reads.query_one(self.statement(OF_USER.as_str(), [user.0.into()])).await?;
        let bytes: i64 = row.ok_or(StorageError::Corrupt("a sum without a row"))?.get(0)?;
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Returns files by their ids, in any state, at most `limit`; those after this one.
    pub async fn all_media(&self, after: Option<MediaId>, limit: u64) -> Result<Vec<Media>, StorageError> {
        let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
        let rows = self.reads.query(self.statement(ALL.as_str(), [after.into(), bind(limit)])).await?;
        rows.into_iter().map(media).collect()
    }

    /// Notes that the bytes of a file are missing: to users it does not exist. Returns whether that is new.
    pub async fn lose_media(&self, id: MediaId, now: Timestamp) -> Result<bool, StorageError> {
        self.change_media(&LOSE, [id.0.to_vec().into(), now.as_micros().into()]).await
    }

    /// Notes that the bytes of a lost file are back. Returns whether it was lost.
    pub async fn recover_media(&self, id: MediaId) -> Result<bool, StorageError> {
        self.change_media(RECOVER, [id.0.to_vec().into()]).await
    }

    /// Notes that fewer bytes of an upload are there than were noted. Returns whether that is so.
    pub async fn lower_offset(&self, id: MediaId, offset: u64) -> Result<bool, StorageError> {
        self.change_media(&LOWER, [id.0.to_vec().into(), bytes(offset).into()]).await
    }

    async fn change_media<const N: usize>(&self, sql: &str, values: [sea_orm::Value; N]) -> Result<bool, StorageError> {
        let tx = self.begin().await?;
        let changed = tx.execute(self.statement(sql, values)).await? > 0;
        tx.commit().await?;
        Ok(changed)
    }

    /// Counts all files. Reads an index of them all.
    pub async fn media_counts(&self) -> Result<MediaCounts, StorageError> {
        let mut counts = MediaCounts { files: MediaState::ALL.map(|state| (state, 0)), lost: 0, stored_bytes: 0 };
        for row in self.reads.query(self.statement(COUNT, [])).await? {
            let (state, is_lost, files, size): (MediaState, i32, i64, i64) = row.read()?;
            let (files, size) = (files.unsigned_abs(), size.unsigned_abs());
            if is_lost != 0 {
                counts.lost += files;
                continue;
            }
            if matches!(state, MediaState::Complete | MediaState::Attached) {
                counts.stored_bytes += size;
            }
            for (_, count) in counts.files.iter_mut().filter(|(of, _)| stored(*of) == stored(state)) {
                *count += files;
            }
        }
        Ok(counts)
    }
}

//! How far an upload has come.
//!
//! While bytes come, the offset is noted every few megabytes. Only what is noted is kept after a crash, but it need not
//! be the very last: a note does not wait for the disk, so that messages, which do, never wait for uploads. On SQLite
//! it is a commit without a sync on a connection of its own, which a later commit of a message makes durable
//! (<https://sqlite.org/pragma.html#pragma_synchronous>); on PostgreSQL one with `synchronous_commit` off. A power cut
//! may lower an offset that way, and the client sends some bytes again. At the end of a request it is made durable.

use std::sync::LazyLock;

use sea_orm::Value;

use crate::domain::{MediaId, Timestamp};
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::columns::{bytes, with_states};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

/// How long a lease lasts without being prolonged, in microseconds: 30 seconds.
pub(super) const LEASE_US: i64 = 30_000_000;

/// The condition that the upload `$1` may be written to at the time `$2`, by the request `$3` where there are leases.
const OPEN: &str = "id = $1 AND {open} AND expires_at > $2 AND lost_at IS NULL AND ($3 IS NULL OR lease = $3)";

static MARK: LazyLock<String> = LazyLock::new(|| {
    with_states(&format!(
        "UPDATE media SET received = $4, state = CASE WHEN $4 = 0 THEN {{created}} ELSE {{uploading}} END, \
         upload = COALESCE($5, upload), lease_until = CASE WHEN $3 IS NULL THEN lease_until ELSE $2 + {LEASE_US} END \
         WHERE {OPEN} AND $4 <= size RETURNING lease_wanted"
    ))
});
/// The same on PostgreSQL without waiting for the disk: what counts is the setting at the commit, which is the end of
/// the statement (<https://www.postgresql.org/docs/current/wal-async-commit.html>).
static MARK_SOON: LazyLock<String> = LazyLock::new(|| {
    let soon = "WITH soon AS (SELECT set_config('synchronous_commit', 'off', TRUE) AS how)";
    MARK.replacen("UPDATE", &format!("{soon} UPDATE"), 1).replacen("WHERE", "FROM soon WHERE soon.how = 'off' AND", 1)
});
static COMPLETE: LazyLock<String> = LazyLock::new(|| {
    with_states(&format!(
        "UPDATE media SET received = size, state = {{complete}}, expires_at = $4, metadata = NULL, upload = NULL, \
         lease = NULL, lease_until = NULL, lease_wanted = FALSE WHERE {OPEN}"
    ))
});

/// Whether what is noted survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Most likely not in the next second, but a crash of the server.
    Soon,
    /// In any case.
    Durably,
}

/// What a request that writes learns when it notes its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It may go on.
    Done,
    /// The offset is noted, and another request waits to go on in its place.
    Wanted,
    /// Nothing is noted: the upload is gone, or another request writes.
    Gone,
}

impl Storage {
    /// Notes that the first `offset` bytes of an upload are kept for certain, and what the store of files must remember
    /// of it; 0 begins anew. `writer` is the lease of the request, where there are leases.
    pub async fn mark_offset(
        &self,
        id: MediaId,
        offset: u64,
        upload: Option<&str>,
        writer: Option<i64>,
        kept: Kept,
        now: Timestamp,
    ) -> Result<Marked, StorageError> {
        let values: [Value; 5] = [
            id.0.to_vec().into(),
            now.as_micros().into(),
            writer.into(),
            bytes(offset).into(),
            upload.map(str::to_owned).into(),
        ];
        let row = match (kept, &self.upload_notes) {
            (Kept::Soon, None) => self.request_writes.query_one(self.statement(MARK_SOON.as_str(), values)).await?,
            (Kept::Soon, Some(notes)) => {
                let tx = self.begin_on((Pool::Requests, notes), None).await?;
                let row = tx.query_one(self.statement(MARK.as_str(), values)).await?;
                tx.commit().await?;
                row
            }
            (Kept::Durably, _) => {
                let tx = self.begin().await?;
                let row = tx.query_one(self.statement(MARK.as_str(), values)).await?;
                tx.commit().await?;
                row
            }
        };
        let is_wanted = row.map(|row| row.get::<bool>(0)).transpose()?;
        Ok(match is_wanted {
            None => Marked::Gone,
            Some(true) => Marked::Wanted,
            Some(false) => Marked::Done,
        })
    }

    /// Notes that all bytes have come and are kept for certain. Returns false when the upload is gone, or another
    /// request writes.
    pub async fn complete_upload(
        &self,
        id: MediaId,
        writer: Option<i64>,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let values: [Value; 4] =
            [id.0.to_vec().into(), now.as_micros().into(), writer.into(), expires_at.as_micros().into()];
        let tx = self.begin().await?;
        let completed = tx.execute(self.statement(COMPLETE.as_str(), values)).await? > 0;
        tx.commit().await?;
        Ok(completed)
    }
}

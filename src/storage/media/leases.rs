//! Leases of uploads, where several servers use one database: one request at a time writes.
//!
//! A request that finds another one writing asks it to stop, and tries again. The other one learns of it when it notes
//! its offset or prolongs its lease. One that is dead loses its lease after half a minute.

use std::sync::LazyLock;

use crate::domain::{Media, MediaId, Timestamp};
use crate::storage::engine::row::Columns as _;
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::columns::{MediaColumns, media, with_states};
use crate::storage::media::transfers::{LEASE_US, Marked};
use crate::storage::{Storage, StorageError};

/// The condition that there is an upload `$1` to write to at the time `$2`.
const OPEN: &str = "id = $1 AND {open} AND expires_at > $2 AND lost_at IS NULL";

static TAKE: LazyLock<String> = LazyLock::new(|| {
    with_states(&format!(
        "UPDATE media SET lease = $3, lease_until = $2 + {LEASE_US}, lease_wanted = FALSE \
         WHERE {OPEN} AND (lease IS NULL OR lease = $3 OR lease_until <= $2) RETURNING {}",
        MediaColumns::select()
    ))
});
static ASK: LazyLock<String> =
    LazyLock::new(|| with_states(&format!("UPDATE media SET lease_wanted = TRUE WHERE {OPEN}")));
static RENEW: LazyLock<String> = LazyLock::new(|| {
    with_states(&format!(
        "UPDATE media SET lease_until = $2 + {LEASE_US} WHERE {OPEN} AND lease = $3 RETURNING lease_wanted"
    ))
});
const RELEASE: &str =
    "UPDATE media SET lease = NULL, lease_until = NULL, lease_wanted = FALSE WHERE id = $1 AND lease = $2";

/// What has come of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// The request may write, from the offset on that is noted.
    Taken(Media),
    /// Another one writes, and was asked to stop.
    Busy,
    /// There is no such upload.
    Gone,
}

impl Storage {
    /// Gives a request the right to write to an upload, or asks the one that has it to stop.
    pub async fn lease_upload(&self, id: MediaId, writer: i64, now: Timestamp) -> Result<Leased, StorageError> {
        let values = [id.0.to_vec().into(), now.as_micros().into(), writer.into()];
        let tx = self.begin().await?;
        let leased = if let Some(row) = tx.query_one(self.statement(TAKE.as_str(), values)).await? {
            Leased::Taken(media(row)?)
        } else {
            let values = [id.0.to_vec().into(), now.as_micros().into()];
            let is_there = tx.execute(self.statement(ASK.as_str(), values)).await? > 0;
            if is_there { Leased::Busy } else { Leased::Gone }
        };
        tx.commit().await?;
        Ok(leased)
    }

    /// Prolongs the lease of a request that writes.
    pub async fn renew_lease(&self, id: MediaId, writer: i64, now: Timestamp) -> Result<Marked, StorageError> {
        let values = [id.0.to_vec().into(), now.as_micros().into(), writer.into()];
        let tx = self.begin().await?;
        let row = tx.query_one(self.statement(RENEW.as_str(), values)).await?;
        tx.commit().await?;
        Ok(match row.map(|row| row.get::<bool>(0)).transpose()? {
            None => Marked::Gone,
            Some(true) => Marked::Wanted,
            Some(false) => Marked::Done,
        })
    }

    /// Gives a lease back.
    pub async fn release_lease(&self, id: MediaId, writer: i64) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        tx.execute(self.statement(RELEASE, [id.0.to_vec().into(), writer.into()])).await?;
        tx.commit().await
    }
}

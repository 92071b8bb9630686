//! Declaration of uploads: once for each key, and within the quotas.

use std::sync::LazyLock;

use sea_orm::DatabaseBackend;

use crate::domain::{Media, MediaQuota, MediaQuotaKind, MediaState, NewUpload, Timestamp, UserId};
use crate::storage::engine::row::Columns as _;
use crate::storage::engine::tx::{PoolTransaction, Tx};
use crate::storage::media::columns::{MediaColumns, bytes, media, with_states};
use crate::storage::{Storage, StorageError};

/// For how long the key of a declaration stands for it, in seconds: 24 hours.
const KEY_S: i64 = 24 * 3600;

/// Two declarations of one user wait for each other, so that both count.
const LOCK_OWNER: &str = "SELECT id FROM users WHERE id = $1";
static BY_KEY: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM media WHERE owner_id = $1 AND client_key = $2", MediaColumns::select()));
const FREE_KEY: &str = "UPDATE media SET client_key = NULL WHERE owner_id = $1 AND client_key = $2";
static USED: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT), COUNT(*), \
         CAST(COALESCE(SUM(CASE WHEN {open} THEN 1 ELSE 0 END), 0) AS BIGINT) FROM media \
         WHERE owner_id = $1 AND state < {deleting} AND lost_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
    )
});
/// What uploads that are not whole may still take.
static TO_COME: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "SELECT CAST(COALESCE(SUM(size - received), 0) AS BIGINT) FROM media WHERE {open} AND expires_at > $1 \
         AND lost_at IS NULL",
    )
});
static INSERT: LazyLock<String> = LazyLock::new(|| {
    with_states(
        "INSERT INTO media (id, owner_id, size, received, state, sha256, metadata, client_key, created_at, expires_at, \
         store) VALUES ($1, $2, $3, 0, {created}, $4, $5, $6, $7, $8, $9)",
    )
});

/// What has come of the declaration of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreatedUpload {
    /// It is there now.
    New(Media),
    /// It was declared before, under the same key, and is as it is now.
    Repeated(Media),
    /// The key stands for a file of another size.
    Conflict,
    /// It would be beyond a quota of the user.
    OverQuota(MediaQuotaKind),
    /// There would not be room for all uploads.
    NoRoom,
    /// The account is gone.
    NoSuchUser,
}

impl Storage {
    /// Returns what a user has declared under a key in the last 24 hours and still has.
    pub async fn upload_by_key(
        &self,
        owner: UserId,
        client_key: &str,
        now: Timestamp,
    ) -> Result<Option<Media>, StorageError> {
        let found = self.keyed(&self.reads, owner, client_key).await?;
        Ok(found.filter(|media| stands_for(media, now)))
    }

    /// Declares an upload. What is over, lost or expired counts for no quota.
    pub async fn create_upload(
        &self,
        new: &NewUpload,
        quota: MediaQuota,
        now: Timestamp,
    ) -> Result<CreatedUpload, StorageError> {
        let tx = self.begin().await?;
        let created = self.create_in(&tx, new, quota, now).await?;
        match created {
            CreatedUpload::New(_) => tx.commit().await?,
            _ => tx.rollback().await?,
        }
        Ok(created)
    }

    async fn create_in(
        &self,
        tx: &PoolTransaction,
        new: &NewUpload,
        quota: MediaQuota,
        now: Timestamp,
    ) -> Result<CreatedUpload, StorageError> {
        let lock = if self.backend() == DatabaseBackend::Postgres { " FOR NO KEY UPDATE" } else { "" };
        let owner = self.statement(format!("{LOCK_OWNER}{lock}"), [new.owner.0.into()]);
        if tx.query_one(owner).await?.is_none() {
            return Ok(CreatedUpload::NoSuchUser);
        }
        if let Some(key) = &new.client_key
            && let Some(found) = self.keyed(tx, new.owner, key).await?
        {
            if stands_for(&found, now) {
                let is_same = found.size == new.size;
                return Ok(if is_same { CreatedUpload::Repeated(found) } else { CreatedUpload::Conflict });
            }
            tx.execute(self.statement(FREE_KEY, [new.owner.0.into(), key.clone().into()])).await?;
        }
        if let Some(kind) = self.over_quota(tx, new, quota, now).await? {
            return Ok(CreatedUpload::OverQuota(kind));
        }
        if let Some(room) = quota.room {
            let row = tx.query_one(self.statement(TO_COME.as_str(), [now.as_micros().into()])).await?;
            let to_come: i64 = row.map_or(Ok(0), |row| row.get(0))?;
            if bytes(new.size).saturating_add(to_come) > bytes(room) {
                return Ok(CreatedUpload::NoRoom);
            }
        }
        let values = [
            new.id.0.to_vec().into(),
            new.owner.0.into(),
            bytes(new.size).into(),
            new.sha256.map(Vec::from).into(),
            new.metadata.clone().into(),
            new.client_key.clone().into(),
            now.as_micros().into(),
            new.expires_at.as_micros().into(),
            new.store.into(),
        ];
        tx.execute(self.statement(INSERT.as_str(), values)).await?;
        Ok(CreatedUpload::New(Media {
            id: new.id,
            owner: Some(new.owner),
            size: new.size,
            offset: 0,
            state: MediaState::Created,
            sha256: new.sha256,
            metadata: new.metadata.clone(),
            created_at: now,
            expires_at: Some(new.expires_at),
            lost_at: None,
            store: new.store.to_owned(),
            upload: None,
        }))
    }

    /// Returns the first quota that the file would exceed.
    async fn over_quota(
        &self,
        tx: &PoolTransaction,
        new: &NewUpload,
        quota: MediaQuota,
        now: Timestamp,
    ) -> Result<Option<MediaQuotaKind>, StorageError> {
        let values = [new.owner.0.into(), now.as_micros().into()];
        let row = tx.query_one(self.statement(USED.as_str(), values)).await?;
        let row = row.ok_or(StorageError::Corrupt("a sum without a row"))?;
        let (used, files, pending): (i64, i64, i64) = row.read()?;
        Ok(if used.saturating_add(bytes(new.size)) > bytes(quota.bytes) {
            Some(MediaQuotaKind::Bytes)
        } else if files >= bytes(quota.files) {
            Some(MediaQuotaKind::Files)
        } else if pending >= bytes(quota.pending) {
            Some(MediaQuotaKind::Pending)
        } else {
            None
        })
    }

    async fn keyed(&self, db: &impl Tx, owner: UserId, key: &str) -> Result<Option<Media>, StorageError> {
        let row = db.query_one(self.statement(BY_KEY.as_str(), [owner.0.into(), key.into()])).await?;
        row.map(media).transpose()
    }
}

/// Returns whether the key of a declaration still stands for the file.
fn stands_for(media: &Media, now: Timestamp) -> bool {
    media.is_there(now) && media.created_at.plus_secs(KEY_S) > now
}

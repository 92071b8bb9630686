//! The entrance of a server that starts: it must have the secret of the others, and be able to read what they write.

use std::sync::atomic::Ordering;

use super::{LIVE_US, Member, now, timeline};
use crate::domain::Epoch;
use crate::protocol::record::LEVEL;
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::schema::store_row::{LOST_IDS, new_epoch, skip_ids};
use crate::storage::schema::versions;
use crate::storage::{Storage, StorageError};
use crate::version::VERSION;

/// The row of which one server at a time decides, what the others have written there, and whether any is live.
const AGREED: &str = concat!(
    "SELECT level, min_version, secret_check, timeline, ",
    now!(),
    ", EXISTS (SELECT 1 FROM nodes WHERE seen_at > ",
    now!(),
    " - $1) FROM cluster WHERE id = 1 FOR UPDATE"
);
const AGREE: &str = "UPDATE cluster SET secret_check = $1, timeline = $2, level = $3 WHERE id = 1";
const ADD: &str = "INSERT INTO nodes (boot, label, version, level, told, sockets, seen_at) \
     VALUES ($1, $2, $3, $4, 0, 0, $5)";
/// Removes the rows of servers that ended without removing theirs.
const FORGET: &str = "DELETE FROM nodes WHERE seen_at < $1 - 3600000000";

/// What a server that starts brings with it.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Its name, for people.
    pub label: String,
    /// What its secrets are recognised by, that of the signing one first.
    pub secret_checks: Vec<String>,
    /// Whether a commit outlives every failover of the database.
    pub is_lossless: bool,
}

/// What all servers have agreed on.
struct Agreed {
    level: i32,
    min_version: String,
    secret_check: Option<String>,
    timeline: Option<i64>,
    now: i64,
    has_live: bool,
}

impl Agreed {
    fn read(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            level: row.get(0)?,
            min_version: row.get(1)?,
            secret_check: row.get(2)?,
            timeline: row.get(3)?,
            now: row.get(4)?,
            has_live: row.get(5)?,
        })
    }

    /// Returns why this server may not join, if so.
    fn admit(&self, joining: &Joining) -> Result<(), StorageError> {
        versions::check(&self.min_version)?;
        if self.level > LEVEL {
            return Err(StorageError::TooLow { level: self.level, own: LEVEL });
        }
        match &self.secret_check {
            Some(check) if !joining.secret_checks.contains(check) => Err(StorageError::OtherSecret),
            _ => Ok(()),
        }
    }
}

impl Storage {
    /// Adds this server to those that use the database; does nothing on SQLite.
    ///
    /// Returns [`StorageError::OtherSecret`] when it has another secret than the others, [`StorageError::TooOld`] or
    /// [`StorageError::TooLow`] when it is too old for them. After a failover that no other server has lived through,
    /// the store gets a new epoch, unless failovers lose nothing.
    pub async fn join(&self, joining: Joining) -> Result<(), StorageError> {
        if !self.has_journal() {
            return Ok(());
        }
        let timeline = self.timeline().await?;
        let tx = self.begin().await?;
        let row = tx.query_one(self.statement(AGREED, [LIVE_US.into()])).await?;
        let row = row.ok_or(StorageError::Corrupt("the cluster row is missing"))?;
        let agreed = Agreed::read(&row)?;
        agreed.admit(&joining)?;
        let is_other = timeline::is_other(agreed.timeline, timeline);
        // Servers that have lived through the failover know better.
        let left = is_other && !agreed.has_live && !joining.is_lossless;
        let epoch = if left { Some(self.change_epoch(&tx).await?) } else { None };
        let kept = if is_other && agreed.has_live { agreed.timeline } else { timeline.or(agreed.timeline) };
        // One that is alone need not wait for others.
        let level = if agreed.has_live { agreed.level } else { LEVEL };
        let values = [joining.secret_checks.first().cloned().into(), kept.into(), level.into()];
        tx.execute(self.statement(AGREE, values)).await?;
        tx.execute(self.statement(FORGET, [agreed.now.into()])).await?;
        let values = [self.boot.into(), joining.label.clone().into(), VERSION.into(), LEVEL.into(), agreed.now.into()];
        tx.execute(self.statement(ADD, values)).await?;
        tx.commit().await?;
        self.agreed_level.store(level, Ordering::Relaxed);
        if epoch.is_some() {
            timeline::tell_of_new_epoch(agreed.timeline, timeline);
            if let Some(history) = self.present_history().await? {
                self.adopt_history(history);
            }
        }
        let Joining { label, is_lossless, .. } = joining;
        let member = Member { label, joined_at: agreed.now, timeline, is_lossless, has_namesake: false };
        *self.membership.0.lock().await = Some(member);
        Ok(())
    }

    /// Gives the store a new epoch, in a transaction.
    pub(in crate::storage) async fn change_epoch(&self, tx: &PoolTransaction) -> Result<Epoch, StorageError> {
        let epoch = new_epoch()?;
        let sql = "UPDATE store SET epoch = $1 WHERE id = 1";
        tx.execute(self.statement(sql, [epoch.as_str().into()])).await?;
        skip_ids(self, tx, LOST_IDS).await?;
        Epoch::parse(&epoch).ok_or(StorageError::Corrupt("the epoch is no epoch"))
    }

    /// Forgets what the secret of the servers is recognised by: the next one that starts says it anew.
    pub async fn forget_secret(&self) -> Result<(), StorageError> {
        if self.has_journal() {
            let sql = "UPDATE cluster SET secret_check = NULL WHERE id = 1";
            self.request_writes.execute(self.statement(sql, [])).await?;
        }
        Ok(())
    }
}

//! PostgreSQL's timeline, which every promotion of a standby changes.
//!
//! A standby may lack the last commits of its primary. A server that has lived through the promotion compares what it
//! knows ([`history`](super::history)). When there is none, nobody can tell whether something was lost.

use super::{LIVE_US, Member, now};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::{Storage, StorageError};

/// Needs no right that an ordinary user lacks, and is right from the promotion on.
const TIMELINE: &str = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint";
const AGREED: &str = concat!(
    "SELECT c.timeline, EXISTS (SELECT 1 FROM nodes WHERE boot <> $1 AND seen_at > ",
    now!(),
    " - $2) FROM cluster AS c WHERE c.id = 1"
);
const AGREE: &str = "UPDATE cluster SET timeline = $1 WHERE id = 1 AND timeline = $2";

/// Returns whether the timeline is another one than that on which the store was written last.
pub(super) fn is_other(agreed: Option<i64>, now: Option<i64>) -> bool {
    agreed.zip(now).is_some_and(|(agreed, now)| agreed != now)
}

pub(super) fn tell_of_new_epoch(former: Option<i64>, now: Option<i64>) {
    tracing::warn!(
        former,
        timeline = now,
        "PostgreSQL was promoted, and no server can tell whether it has lost commits: the store has a new epoch, and \
         devices load their history anew (database.failover = \"lossless\" says that failovers lose nothing)"
    );
}

impl Storage {
    /// Returns the timeline of PostgreSQL; `None` where it cannot be read, as on some services that are like it.
    pub(super) async fn timeline(&self) -> Result<Option<i64>, StorageError> {
        let Some(db) = &self.journal else { return Ok(None) };
        match db.query_one(self.statement(TIMELINE, [])).await {
            Ok(row) => row.map(|row| row.get(0)).transpose(),
            Err(error) => {
                tracing::debug!(error = %error, "the timeline of PostgreSQL cannot be read");
                Ok(None)
            }
        }
    }

    /// Forgets the timeline on which the store was written last: its new epoch covers whatever has changed.
    pub(in crate::storage) async fn forget_timeline(&self, tx: &PoolTransaction) -> Result<(), StorageError> {
        if self.has_journal() {
            tx.execute(self.statement("UPDATE cluster SET timeline = NULL WHERE id = 1", [])).await?;
        }
        Ok(())
    }

    /// Notices that PostgreSQL was promoted. Either this server has compared its history with that of the database on
    /// the new timeline, or the store gets a new epoch, unless failovers lose nothing.
    pub(super) async fn follow_timeline(&self, member: &mut Member) -> Result<(), StorageError> {
        let (Some(known), Some(now)) = (member.timeline, self.timeline().await?) else { return Ok(()) };
        let Some(db) = &self.journal else { return Ok(()) };
        let row = db.query_one(self.statement(AGREED, [self.boot.into(), LIVE_US.into()])).await?;
        let row = row.ok_or(StorageError::Corrupt("the cluster row is missing"))?;
        let (agreed, has_others): (Option<i64>, bool) = (row.get(0)?, row.get(1)?);
        if !is_other(agreed, Some(now)) {
            member.timeline = Some(now);
            return Ok(());
        }
        if agreed != Some(known) && has_others {
            // This server has come later; one that was there before decides.
            return Ok(());
        }
        let can_compare = agreed == Some(known) && self.journal_reaches_known().await?;
        // Once, also when several servers notice it at the same time.
        if !can_compare && !member.is_lossless && self.leave_history().await? {
            tell_of_new_epoch(agreed, Some(now));
        }
        db.execute(self.statement(AGREE, [now.into(), agreed.into()])).await?;
        member.timeline = Some(now);
        Ok(())
    }
}

//! Time stamps that are ahead of the clock: by how much, and which of them stands for a moment of real time.

use crate::domain::Timestamp;
use crate::storage::commands::clock_marks::MARK_EVERY_S;
use crate::storage::commands::deletions::EVERYONE_WITHIN_S;
use crate::storage::engine::tx::Tx as _;
use crate::storage::retention::messages::Cleared;
use crate::storage::{Storage, StorageError};

/// Finds the time stamp below which all messages were stored before a moment; no row when that is the moment itself.
/// `$1` is the moment less the interval of marks, `$2` the present time. In both tables the column `clock` is a time
/// stamp.
///
/// A mark says that messages from its time stamp up to that of the next mark were stored within the interval after its
/// `committed_at`. So messages below the time stamp of the first mark that was committed after `$1` were stored before
/// the moment.
///
/// Only marks with time stamps after the present time count. A time stamp that the clock has passed is taken as the
/// time of storing, so that a clock that was behind for a while destroys nothing early.
const STAMP_OF: &str = "SELECT COALESCE(f.clock, s.clock + 1) FROM store AS s, \
     (SELECT MIN(clock) AS clock FROM clock_marks WHERE clock > $2 AND committed_at > $1) AS f \
     WHERE s.id = 1 AND EXISTS (SELECT 1 FROM clock_marks AS m WHERE m.clock > $2 AND m.committed_at <= $1 \
     AND m.committed_at < m.clock AND (f.clock IS NULL OR m.clock < f.clock))";

/// Deletes some marks that say of no time stamp after `$1` when it was given.
const OLD_MARKS: &str = "DELETE FROM clock_marks WHERE clock IN (SELECT clock FROM clock_marks \
     WHERE clock < (SELECT MAX(clock) FROM clock_marks WHERE clock <= $1) ORDER BY clock LIMIT $2 + 0 {skip})";

impl Storage {
    /// Drops some marks of time stamps that are so old that it no longer matters how much older their messages are: no
    /// message with one can be deleted for everyone.
    pub async fn drop_clock_marks(&self, now: Timestamp) -> Result<Cleared, StorageError> {
        let dropped = self.drop_some(OLD_MARKS, now.plus_secs(-EVERYONE_WITHIN_S)).await?;
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped > 0 })
    }

    /// Returns how many microseconds the newest time stamp is ahead of `now`; negative when it is not.
    pub async fn ahead_of(&self, now: Timestamp) -> Result<i64, StorageError> {
        let row = self.reads.query_one(self.statement("SELECT clock FROM store WHERE id = 1", [])).await?;
        let newest: i64 = row.ok_or(StorageError::Corrupt("the store row is missing"))?.get(0)?;
        Ok(newest.saturating_sub(now.as_micros()))
    }

    /// Returns the time stamp below which every message was stored before `moment`, which must be at least ten minutes
    /// before `now`. It is `moment` itself unless time stamps are ahead of the clock.
    pub async fn stamp_of(&self, moment: Timestamp, now: Timestamp) -> Result<Timestamp, StorageError> {
        let marked = moment.plus_secs(-MARK_EVERY_S);
        let values = [marked.as_micros().into(), now.as_micros().into()];
        let row = self.reads.query_one(self.statement(STAMP_OF, values)).await?;
        let stamp: Option<i64> = row.map(|row| row.get(0)).transpose()?;
        Ok(stamp.map_or(moment, |stamp| moment.max(Timestamp::from_micros(stamp))))
    }
}

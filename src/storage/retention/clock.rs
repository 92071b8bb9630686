//! Time stamps that are ahead of the clock, and the one that stands for a moment meanwhile.

use crate::domain::Timestamp;
use crate::storage::commands::clock_marks::MARK_EVERY_S;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Messages from one note to the next were stored within the time between two notes. So all up to the first note that
/// is newer than `$1` are older than that and this time.
///
/// Only time stamps later than `$2`, now, are doubted: those that the clock has passed are taken for what they say,
/// whatever it was when they were noted. So nothing is destroyed early for a clock that was behind for a while.
const STAMP_OF: &str = "SELECT COALESCE(f.clock, s.clock + 1) FROM store AS s, \
     (SELECT MIN(clock) AS clock FROM clock_marks WHERE clock > $2 AND committed_at > $1) AS f \
     WHERE s.id = 1 AND EXISTS (SELECT 1 FROM clock_marks AS m WHERE m.clock > $2 AND m.committed_at <= $1 \
     AND m.committed_at < m.clock AND (f.clock IS NULL OR m.clock < f.clock))";

impl Storage {
    /// Returns how many microseconds the newest time stamp is ahead of `now`; negative when it is not.
    pub async fn ahead_of(&self, now: Timestamp) -> Result<i64, StorageError> {
        let row = self.reads.query_one(self.statement("SELECT clock FROM store WHERE id = 1", [])).await?;
        let clock: i64 = row.ok_or(StorageError::Corrupt("the store row is missing"))?.get(0)?;
        Ok(clock.saturating_sub(now.as_micros()))
    }

    /// The time stamp below which every message was stored before `moment`, which is at least ten minutes before `now`.
    /// It is that moment, unless time stamps are ahead of the clock.
    pub async fn stamp_of(&self, moment: Timestamp, now: Timestamp) -> Result<Timestamp, StorageError> {
        let noted = moment.plus_secs(-MARK_EVERY_S);
        let values = [noted.as_micros().into(), now.as_micros().into()];
        let row = self.reads.query_one(self.statement(STAMP_OF, values)).await?;
        let stamp: Option<i64> = row.map(|row| row.get(0)).transpose()?;
        Ok(stamp.map_or(moment, |stamp| moment.max(Timestamp::from_micros(stamp))))
    }
}

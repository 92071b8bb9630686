//! Marks of the clock while time stamps are ahead of it.
//!
//! Time stamps grow in commit order, whatever the clock does. After it was ahead and is right again they go on from the
//! newest one, microsecond by microsecond, until it has caught up. What lasts for some time is measured by the clock
//! all the same, so meanwhile marks record which time stamp was given at what time (migration `m0009_clock_marks`).

use crate::domain::Timestamp;
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place};
use crate::storage::commands::numbers::StoreRow;

/// Time stamps that are ahead by less are right: other servers' clocks may differ by this, and many messages in one
/// microsecond.
const TOLERANCE_US: i64 = 1_000_000;
/// Seconds between two marks.
pub(in crate::storage) const MARK_EVERY_S: i64 = 600;

const MARK: &str = "INSERT INTO clock_marks (clock, committed_at) VALUES ($1, $2) ON CONFLICT (clock) DO NOTHING";
const LAST_MARK: &str = "UPDATE store SET marked_at = $1 WHERE id = 1";

impl StoreRow {
    /// Returns whether the time stamps of a batch that finds this row are ahead of the clock.
    pub(super) fn is_ahead(&self) -> bool {
        self.clock + 1 - self.now.as_micros() > TOLERANCE_US
    }
}

impl Batch<'_> {
    fn is_ahead(&self) -> bool {
        self.first_time - self.now.as_micros() > TOLERANCE_US
    }

    /// Returns when this command is carried out: its time stamp, or, when that is ahead, the time by the clock.
    pub(super) fn moment(&self, place: Place) -> Timestamp {
        if self.is_ahead() { self.now } else { self.time(place) }
    }

    /// Records the time, while time stamps are ahead of it. `marked_at` is when that was done last; 0 when they
    /// were right since.
    pub(super) async fn record_clock_mark(&self, marked_at: i64) -> Result<(), StorageError> {
        let (now, first) = (self.now.as_micros(), self.first_time);
        let (at, last) = if !self.is_ahead() {
            if marked_at == 0 {
                return Ok(());
            }
            (first, 0)
        } else if marked_at != 0 && (marked_at..marked_at + MARK_EVERY_S * 1_000_000).contains(&now) {
            return Ok(());
        } else {
            (now, now)
        };
        self.execute(MARK, [first.into(), at.into()]).await?;
        self.execute(LAST_MARK, [last.into()]).await?;
        Ok(())
    }
}

/// Returns when the message with this time stamp was stored, at the latest. `marked_at` is the time by the clock of the
/// newest mark at or below the time stamp, unless that mark says that time stamps were right again.
pub(super) fn stored_at(timestamp: Timestamp, marked_at: Option<Timestamp>) -> Timestamp {
    marked_at.map_or(timestamp, |at| timestamp.min(at.plus_secs(MARK_EVERY_S)))
}

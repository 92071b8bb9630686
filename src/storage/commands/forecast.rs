//! What the row of `store` will say to the next batch, if nobody else writes meanwhile: a server that is alone knows it
//! from its batch before.
//!
//! Such a batch need not lock the row first. It [says](super::plain::write) what it has foreseen in the statement that
//! stores it, which does nothing when the row says something else; the batch is then carried out as all others are.
//! That is the optimistic method of concurrency control (H. T. Kung and J. T. Robinson, "On Optimistic Methods for
//! Concurrency Control", 1981).

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::storage::cluster::KnownHistory;
use crate::storage::commands::numbers::{StoreRow, Taken};

/// How long it is believed in: the time of the database goes on by this machine's, and the two may go at different
/// rates.
const HOLDS_FOR: Duration = Duration::from_secs(10);
/// Batches that are not foreseen behind one that was foreseen wrongly: what has come between may come again.
const PAUSE: u32 = 16;

/// What is foreseen between two batches.
#[derive(Default)]
pub(in crate::storage) struct Forecast {
    row: Option<StoreRow>,
    /// Batches for which nothing is to be foreseen.
    pause: u32,
}

impl Forecast {
    /// Foresees the row that a committed batch has left, which found it as `row`. `known` is the history with the
    /// batch.
    pub(super) fn keep(&mut self, row: &StoreRow, taken: &Taken, known: Option<KnownHistory>) {
        self.pause = self.pause.saturating_sub(1);
        self.row = known.filter(|_| self.pause == 0).map(|known| StoreRow {
            known,
            head: taken.last.0,
            clock: taken.last_time,
            ..row.clone()
        });
    }

    /// Returns whether batches may be foreseen.
    pub(super) fn is_paused(&self) -> bool {
        self.pause > 0
    }

    /// Foresees nothing until another batch has found the row.
    pub(in crate::storage) fn clear(&mut self) {
        self.row = None;
    }

    /// Foresees nothing for some batches: the last one was foreseen wrongly.
    pub(super) fn was_wrong(&mut self) {
        *self = Self { row: None, pause: PAUSE };
    }

    /// Returns the row that a batch will find that begins now, with the rules under which the cache holds.
    pub(super) fn row(&self, known: Option<&KnownHistory>, rules: i64, clock: &Clock) -> Option<StoreRow> {
        let row = self.row.as_ref().filter(|row| row.rules == rules && row.since.elapsed() < HOLDS_FOR)?;
        let known = known.filter(|known| known.ends_at(row.head) && known.epoch == row.known.epoch)?;
        let since = Instant::now();
        let passed = since.saturating_duration_since(row.since);
        let now = clock.stopped().unwrap_or_else(|| row.now.after(passed));
        Some(StoreRow { known: known.clone(), since, now, ..row.clone() })
    }
}

//! What the row of `store` will say to the next batch: what the batch before it has left there. A server knows that of
//! its own batches, and of those that others tell it of.
//!
//! Such a batch need not lock the row first. It [says](super::plain::write) what it has foreseen in the statement that
//! stores it, which does nothing when the row says something else; the batch is then carried out as all others are.
//! That is the optimistic method of concurrency control (H. T. Kung and J. T. Robinson, "On Optimistic Methods for
//! Concurrency Control", 1981).

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::domain::{Seq, Timestamp};
use crate::storage::cluster::KnownHistory;
use crate::storage::commands::caution::Caution;
use crate::storage::commands::numbers::{StoreRow, Taken};

/// How long it is believed in: the time of the database goes on by this machine's, and the two may go at different
/// rates.
const HOLDS_FOR: Duration = Duration::from_secs(10);

/// What is foreseen between two batches.
#[derive(Default)]
pub(in crate::storage) struct Forecast {
    row: Option<StoreRow>,
    /// With foreseeing the row. Where others write all the time, a wrong row costs a turn.
    pub(super) of_rows: Caution,
    /// With plain batches, in which no message may be stored already.
    pub(super) of_plain: Caution,
}

impl Forecast {
    /// Foresees the row that a committed batch has left, which found it as `row`. `known` is the history with the
    /// batch.
    pub(super) fn keep(&mut self, row: &StoreRow, taken: &Taken, known: Option<KnownHistory>) {
        self.of_rows.pass();
        self.of_plain.pass();
        self.row = known.map(|known| StoreRow { known, head: taken.last.0, clock: taken.last_time, ..row.clone() });
    }

    /// Foresees the row as it was found, locked, by a batch that has changed nothing; nothing when its clock was moved
    /// since the newest batch, of which the history does not tell.
    pub(super) fn leave(&mut self, row: StoreRow) {
        let is_moved = |(head, clock): (Seq, Timestamp)| head.0 == row.head && clock.as_micros() != row.clock;
        self.row = if row.known.end().is_some_and(is_moved) { None } else { Some(row) };
    }

    /// Foresees nothing until another batch has found the row.
    pub(in crate::storage) fn clear(&mut self) {
        self.row = None;
    }

    /// Returns the row that a plain batch will find that begins now, with the rules under which the cache holds: as
    /// this server has left it, or another one that has said so.
    pub(super) fn row(&self, known: Option<&KnownHistory>, rules: i64, clock: &Clock) -> Option<StoreRow> {
        let is_usable = |row: &&StoreRow| row.rules == rules && row.since.elapsed() < HOLDS_FOR;
        let row = self.row.as_ref().filter(|_| self.of_rows.is_over() && self.of_plain.is_over()).filter(is_usable)?;
        let known = known.filter(|known| known.epoch == row.known.epoch)?;
        let (head, left_at) = known.end().filter(|(head, _)| head.0 >= row.head)?;
        let since = Instant::now();
        let passed = since.saturating_duration_since(row.since);
        let now = clock.stopped().unwrap_or_else(|| row.now.after(passed));
        let row =
            StoreRow { known: known.clone(), since, head: head.0, clock: left_at.as_micros(), now, ..row.clone() };
        row.allows_plain().then_some(row)
    }
}

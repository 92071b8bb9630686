//! Reading the journal.

use std::time::Instant;

use crate::clock::Clock;
use crate::domain::{Epoch, Record, Seq, Timestamp};
use crate::protocol::record::decode;
use crate::storage::cluster::history::nonce_at;
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Most rows that are read at once.
const PAGE: i64 = 256;

/// The head of the store, the time, what the history is recognised by with `$3`, and the rows that end after the number
/// `$1`, in their order. The row in which `$1` lies is found by the key, since rows leave no gap.
const ROWS: &str = concat!(
    "SELECT s.last_seq, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint, s.epoch, ",
    nonce_at!("$3"),
    ", b.first, b.last, b.boot, b.nonce, b.at, b.record FROM store AS s \
     LEFT JOIN LATERAL (SELECT first, last, boot, nonce, at, record FROM batches \
     WHERE first >= COALESCE((SELECT MAX(first) FROM batches WHERE first <= $1 + 1), 0) AND last > $1 \
     ORDER BY first LIMIT $2 + 0) AS b ON TRUE WHERE s.id = 1 ORDER BY b.first"
);

/// Removes some of the oldest rows, at most `$2`, that are older than `$1` microseconds. Time and numbers grow
/// together.
const CLEAR: &str = "DELETE FROM batches WHERE first IN (SELECT first FROM batches \
     WHERE first < (SELECT MAX(first) FROM batches) ORDER BY first LIMIT $2 + 0) \
     AND at < (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint - $1";
/// Most rows that are removed by one statement.
const CLEARED_AT_ONCE: i64 = 1000;

/// A part of the journal, as of one moment.
#[derive(Debug)]
pub struct JournalPage {
    /// The history that it is of.
    pub epoch: Epoch,
    /// The number that was given last.
    pub head: Seq,
    /// The time by the database's clock.
    pub time: Timestamp,
    /// The rows, oldest first.
    pub rows: Vec<JournalRow>,
    /// Whether there may be more rows behind these.
    pub is_full: bool,
}

/// A batch in the journal.
#[derive(Debug)]
pub struct JournalRow {
    /// What the batch has done.
    pub record: Record,
    /// When it was committed, by the database's clock.
    pub at: Timestamp,
    /// Whether this run of this server has written it.
    pub is_own: bool,
}

impl Storage {
    /// Corrects a clock by the database's, which is the clock of all servers on it; does nothing on SQLite.
    pub async fn correct_clock(&self, clock: &Clock) -> Result<(), StorageError> {
        if self.has_journal() {
            let asked = Instant::now();
            let page = self.journal_after(Seq(i64::MAX / 2)).await?;
            clock.correct(asked, page.time);
        }
        Ok(())
    }

    /// Returns what the batches above the number `told` have done, at most 256 of them. Returns
    /// [`StorageError::NewEpoch`] or [`StorageError::Diverged`] when the store does not have the history that this
    /// server knows.
    pub async fn journal_after(&self, told: Seq) -> Result<JournalPage, StorageError> {
        let db = self.journal.as_ref().ok_or(StorageError::Corrupt("a journal on SQLite"))?;
        let known = self.known_history().ok_or(StorageError::Corrupt("a history on SQLite"))?;
        let found = db.query(self.statement(ROWS, [told.0.into(), PAGE.into(), known.asked().into()])).await?;
        let first = found.first().ok_or(StorageError::Corrupt("the store row is missing"))?;
        let (head, time): (Seq, Timestamp) = (first.get(0)?, first.get(1)?);
        known.check(&first.get::<String>(2)?, head, first.get(3)?)?;
        let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= PAGE);
        let rows = found.iter().filter_map(|row| self.journal_row(row).transpose()).collect::<Result<_, _>>()?;
        if let Some((last, nonce)) = found.last().and_then(|row| row.get(5).ok().zip(row.get(7).ok())) {
            self.history.saw(&known.epoch, last, nonce, None);
        }
        self.history.saw_head(&known.epoch, head);
        Ok(JournalPage { epoch: known.epoch, head, time, rows, is_full })
    }

    fn journal_row(&self, row: &Row) -> Result<Option<JournalRow>, StorageError> {
        let Some(first) = row.get::<Option<Seq>>(4)? else { return Ok(None) };
        let (last, boot, at, bytes): (Seq, i64, Timestamp, Vec<u8>) =
            (row.get(5)?, row.get(6)?, row.get(8)?, row.get(9)?);
        let record = decode(first, last, &bytes)?;
        Ok(Some(JournalRow { record, at, is_own: boot == self.boot }))
    }

    /// Removes the rows that are older than `keep_s` seconds by the database's clock, but never the newest one.
    pub async fn clear_journal(&self, keep_s: i64) -> Result<u64, StorageError> {
        let Some(db) = &self.journal else { return Ok(0) };
        let mut cleared = 0;
        loop {
            let values = [(keep_s * 1_000_000).into(), CLEARED_AT_ONCE.into()];
            let some = db.execute(self.statement(CLEAR, values)).await?;
            cleared += some;
            if some < CLEARED_AT_ONCE.unsigned_abs() {
                return Ok(cleared);
            }
        }
    }
}

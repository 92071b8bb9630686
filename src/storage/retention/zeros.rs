//! The space of destroyed ciphertexts on SQLite: rows of zeros, whose messages are gone for good.
//!
//! Single rows are not deleted: SQLite then moves their neighbours to other places, and old copies of these stay in
//! unused parts of the file, where nothing overwrites them when they are destroyed in their turn. But where all that
//! may be moved is zeros, rows can go. To fill a page that has become empty, SQLite moves rows among it and two others
//! beside it (`balance_nonroot` in SQLite's btree.c: `NB` is 3). So of a run of zeros all rows go but those within
//! [`PAGES`] pages of a row that stays, and the pages that become free take new messages. What is left of each run is
//! bounded; compaction removes it too.
//!
//! The table is walked once a day, in small steps, and only if something may have become free since.

use std::collections::VecDeque;

use sea_orm::DatabaseBackend;

use crate::domain::Timestamp;
use crate::storage::engine::joint_changes::JointChanges;
use crate::storage::engine::tx::Tx as _;
use crate::storage::retention::messages::Cleared;
use crate::storage::{Storage, StorageError};

/// Pages of zeros that stay beside each row that stays: three that are wholly within the run, and what the run has of
/// the page of that row.
const PAGES: i64 = 4;
/// Rows that one step looks at.
const STEP: i64 = 500;
/// Shortest time between the beginnings of two walks, in seconds.
const EVERY_S: i64 = 24 * 3600;
/// Bytes that each row takes in its page, beside its content, at least (<https://sqlite.org/fileformat2.html> §1.6).
const ROW_BYTES: i64 = 8;
/// The part of a page that a row takes there at least, if the rest of its content is on overflow pages.
const LEAST_PART: i64 = 9;

/// Some rows in their order: the bytes of each, and 1 if it stays.
const ROWS: &str = "SELECT b.id, LENGTH(b.sender_copy) + LENGTH(b.receiver_copy), \
     EXISTS (SELECT 1 FROM messages AS m WHERE m.id = b.id) FROM bodies AS b WHERE b.id > $1 ORDER BY b.id \
     LIMIT $2 + 0";
const PAGE_SIZE: &str = "SELECT page_size FROM pragma_page_size";
const DELETE: &str = "DELETE FROM bodies WHERE id IN (SELECT v.column1 FROM {v})";

/// A walk over the rows, from the oldest to the newest.
#[derive(Debug, Default)]
pub struct ZerosWalk {
    /// When the last walk began.
    begun_at: Option<Timestamp>,
    /// Whether nothing can have become free since.
    is_clean: bool,
    /// How far the walk has come, while there is one.
    run: Option<Run>,
}

impl ZerosWalk {
    /// Notes that rows may have become free.
    pub fn note(&mut self) {
        self.is_clean = false;
    }

    /// Returns whether it is time to begin a walk, and if so takes it for begun.
    fn begins(&mut self, now: Timestamp) -> bool {
        let is_early = self.begun_at.is_some_and(|at| at <= now && at.plus_secs(EVERY_S) > now);
        if self.is_clean || is_early {
            return false;
        }
        (self.is_clean, self.begun_at) = (true, Some(now));
        true
    }
}

/// The run of zeros in which a walk is.
#[derive(Debug)]
struct Run {
    page_bytes: i64,
    /// The row that was passed last.
    after: i64,
    /// Bytes of the run so far.
    bytes: i64,
    /// Rows that are far enough from what is before the run, each with the bytes of the run up to its end.
    waiting: VecDeque<(i64, i64)>,
}

impl Run {
    /// Returns the run at the beginning of the table, before which nothing stays.
    fn new(page_bytes: i64) -> Self {
        Self { page_bytes, after: 0, bytes: PAGES * page_bytes, waiting: VecDeque::new() }
    }

    /// Passes the next row, which is of zeros unless it stays. Adds rows to `far` that are far enough from all that
    /// stay.
    fn pass(&mut self, id: i64, content_bytes: i64, stays: bool, far: &mut Vec<[i64; 1]>) {
        self.after = id;
        if stays {
            self.bytes = 0;
            self.waiting.clear();
            return;
        }
        let margin = PAGES * self.page_bytes;
        let is_far = self.bytes >= margin;
        self.bytes += ROW_BYTES + content_bytes.min(self.page_bytes / LEAST_PART);
        if is_far {
            self.waiting.push_back((id, self.bytes));
        }
        while let Some((id, end)) = self.waiting.front().copied()
            && self.bytes - end >= margin
        {
            self.waiting.pop_front();
            far.push([id]);
        }
    }
}

impl Storage {
    /// Deletes some rows of destroyed ciphertexts. Does nothing on PostgreSQL, where they go with their messages.
    pub async fn drop_zeros(&self, walk: &mut ZerosWalk, now: Timestamp) -> Result<Cleared, StorageError> {
        if self.backend() != DatabaseBackend::Sqlite {
            return Ok(Cleared::default());
        }
        let run = match walk.run.take() {
            Some(run) => run,
            None if walk.begins(now) => Run::new(self.page_bytes().await?),
            None => return Ok(Cleared::default()),
        };
        let stepped = self.step_over_zeros(run).await;
        if stepped.is_err() {
            walk.note();
        }
        let (run, dropped) = stepped?;
        walk.run = run;
        Ok(Cleared { destroyed: 0, dropped, has_more: walk.run.is_some() })
    }

    async fn page_bytes(&self) -> Result<i64, StorageError> {
        let row = self.reads.query_one(self.statement(PAGE_SIZE, [])).await?;
        row.ok_or(StorageError::Corrupt("no page size"))?.get(0)
    }

    /// Goes one step on. Returns where the walk is then, unless it is at its end, and how many rows were deleted.
    async fn step_over_zeros(&self, mut run: Run) -> Result<(Option<Run>, u64), StorageError> {
        let rows = self.reads.query(self.statement(ROWS, [run.after.into(), STEP.into()])).await?;
        let is_end = (rows.len() as u64) < STEP.unsigned_abs();
        let mut far = Vec::new();
        for row in rows {
            let (id, content_bytes, stays): (i64, i64, bool) = row.read()?;
            run.pass(id, content_bytes, stays, &mut far);
        }
        if !far.is_empty() {
            let mut changes = JointChanges::new(self.backend());
            changes.add(DELETE, &far);
            let tx = self.begin_cleanup().await?;
            changes.make(&tx).await?;
            tx.commit().await?;
        }
        Ok(((!is_end).then_some(run), far.len() as u64))
    }
}

#[cfg(test)]
mod tests;

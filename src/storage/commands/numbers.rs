//! The numbers and time stamps of a batch. The one row of `store` gives them out: its lock makes their order the commit
//! order, on PostgreSQL too, where a sequence would not.
//!
//! On PostgreSQL all other writers wait from the lock to the commit. The lock travels with the `BEGIN`, and the row is
//! changed in the message that commits, so neither costs a round trip of its own.

use std::time::Instant;

use crate::clock::Clock;
use crate::domain::{Seq, Timestamp};
use crate::storage::cluster::{KnownHistory, history::nonce_at, now};
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::{Transaction, Tx as _};
use crate::storage::{Storage, StorageError};

/// Takes the next numbers and time stamps for `$1` commands, on SQLite, where nobody else writes.
const TAKE_NUMBERS: &str = "UPDATE store SET last_seq = last_seq + $1, \
     clock = CASE WHEN clock < $2 THEN $2 ELSE clock END + $1 WHERE id = 1 \
     RETURNING last_seq, clock, rules, retained_from, marked_at, EXISTS (SELECT 1 FROM push_targets)";
/// Locks the row on PostgreSQL, and reads what a batch needs of it, as of when it is locked. The time is the
/// database's, and the history may have become another one since the batch before. It has no parameters, since it goes
/// in one message with the `BEGIN`.
const LOCK: &str = concat!(
    "SELECT s.last_seq, s.clock, s.rules, s.retained_from, s.marked_at, ",
    now!(),
    ", s.epoch, ",
    nonce_at!("{asked}"),
    ", EXISTS (SELECT 1 FROM push_targets) FROM (SELECT * FROM store WHERE id = 1 FOR UPDATE) AS s"
);

/// A transaction that holds the row of `store`, for a batch that is yet to be formed.
///
/// On PostgreSQL all other writers wait for it, and the database ends it after two seconds without a statement.
/// Dropped, it is rolled back.
pub struct HeldRow {
    pub(super) tx: Transaction,
    /// What the row says; `None` on SQLite.
    pub(super) row: Option<StoreRow>,
}

/// What the row of `store` says, on PostgreSQL, where it is locked or [foreseen](super::forecast).
#[derive(Clone)]
pub(in crate::storage) struct StoreRow {
    /// The history that was found in it.
    pub(super) known: KnownHistory,
    /// When it was locked, or when the batch began that it is foreseen for.
    pub(super) since: Instant,
    pub(super) head: i64,
    pub(super) clock: i64,
    pub(super) rules: i64,
    pub(super) retained_from: Timestamp,
    pub(super) marked_at: i64,
    pub(super) has_targets: bool,
    pub(super) now: Timestamp,
}

/// The numbers and time stamps of a batch, and what the row said when they were taken.
pub(super) struct Taken {
    pub(super) first: Seq,
    pub(super) last: Seq,
    pub(super) first_time: i64,
    pub(super) last_time: i64,
    pub(super) rules: i64,
    pub(super) retained_from: Timestamp,
    pub(super) marked_at: i64,
    pub(super) has_targets: bool,
    pub(super) now: Timestamp,
    /// When the row was locked.
    pub(super) held_since: Instant,
}

impl StoreRow {
    fn read(row: &Row, known: KnownHistory, clock: &Clock, asked: Instant) -> Result<Self, StorageError> {
        let found: Timestamp = row.get(5)?;
        let now = clock.stopped().unwrap_or(found);
        clock.correct(asked, now);
        let locked = Self {
            known,
            since: Instant::now(),
            head: row.get(0)?,
            clock: row.get(1)?,
            rules: row.get(2)?,
            retained_from: row.get(3)?,
            marked_at: row.get(4)?,
            has_targets: row.get(8)?,
            now,
        };
        locked.known.check(&row.get::<String>(6)?, Seq(locked.head), row.get(7)?)?;
        Ok(locked)
    }

    /// Returns whether it says what another one does of all that a batch says it has foreseen.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let said = |row: &Self| (row.head, row.clock, row.rules, row.retained_from, row.marked_at, row.has_targets);
        said(self) == said(other)
    }

    /// Takes in the time of the database, as the batch was stored just now.
    pub(super) fn saw_time(&mut self, now: Timestamp) {
        (self.since, self.now) = (Instant::now(), now);
    }

    /// Takes the next numbers and time stamps for so many commands. The row says so when [`Taken::keep`] was carried
    /// out.
    pub(super) fn take(&self, count: i64) -> Taken {
        let clock = self.clock.max(self.now.as_micros());
        Taken {
            first: Seq(self.head + 1),
            last: Seq(self.head + count),
            first_time: clock + 1,
            last_time: clock + count,
            rules: self.rules,
            retained_from: self.retained_from,
            marked_at: self.marked_at,
            has_targets: self.has_targets,
            now: self.now,
            held_since: self.since,
        }
    }
}

impl Taken {
    /// Returns the statement, without parameters, by which the locked row says that these numbers were given.
    pub(super) fn keep(&self) -> String {
        format!("UPDATE store SET last_seq = {}, clock = {} WHERE id = 1", self.last.0, self.last_time)
    }
}

impl Storage {
    /// Waits for the right to store a batch, before it is known what will be in it: the transaction has begun, and on
    /// PostgreSQL the row of `store` is locked. For [`carry_out_in`](Self::carry_out_in).
    pub async fn hold_row(&self, clock: &Clock) -> Result<HeldRow, StorageError> {
        let known = self.known_history();
        let tx = self.begin_batch().await?;
        let row = lock_row(&tx, known.as_ref(), clock).await?;
        Ok(HeldRow { tx, row })
    }
}

/// Locks the row in a transaction that begins with this. Fails when the store does not have the history `known`. On
/// SQLite there is nothing to lock.
pub(super) async fn lock_row(
    tx: &Transaction,
    known: Option<&KnownHistory>,
    clock: &Clock,
) -> Result<Option<StoreRow>, StorageError> {
    let Transaction::Postgres(tx) = tx else { return Ok(None) };
    let known = known.ok_or(StorageError::Corrupt("the history of the store is not known"))?;
    let asked = Instant::now();
    let row = tx.begin_with(&LOCK.replace("{asked}", &known.asked().to_string())).await?;
    let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
    StoreRow::read(&row, known.clone(), clock, asked).map(Some)
}

/// Takes numbers and time stamps on SQLite.
pub(super) async fn take_numbers(
    storage: &Storage,
    tx: &Transaction,
    count: i64,
    clock: &Clock,
) -> Result<Taken, StorageError> {
    let (held_since, now) = (Instant::now(), clock.now());
    let statement = storage.statement(TAKE_NUMBERS, [count.into(), now.as_micros().into()]);
    let row = tx.query_one(statement).await?.ok_or(StorageError::Corrupt("the store row is missing"))?;
    let (last, last_time): (i64, i64) = (row.get(0)?, row.get(1)?);
    Ok(Taken {
        first: Seq(last - count + 1),
        last: Seq(last),
        first_time: last_time - count + 1,
        last_time,
        rules: row.get(2)?,
        retained_from: row.get(3)?,
        marked_at: row.get(4)?,
        has_targets: row.get(5)?,
        now,
        held_since,
    })
}

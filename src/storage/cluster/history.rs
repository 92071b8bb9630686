//! What this server knows of the store's history, and the check that the database still has it.
//!
//! On PostgreSQL the history can change under a running server: another epoch after a restore, or fewer commits after a
//! failover to a standby that had not received them all. So each batch, each look into the journal and each recovery of
//! the writer compares, in the statement that it makes anyway, what the database has with what was known before that
//! statement was sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Epoch, Seq, Timestamp};
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::store_row::{LOST_IDS, new_epoch, skip_ids};
use crate::storage::{Storage, StorageError};

/// The nonce of the row of the journal in which the number `$n` lies; NULL when there is none.
macro_rules! nonce_at {
    ($parameter:literal) => {
        concat!(
            "(SELECT CASE WHEN b.last >= ",
            $parameter,
            " THEN b.nonce END FROM batches AS b WHERE b.first <= ",
            $parameter,
            " ORDER BY b.first DESC LIMIT 1)"
        )
    };
}
pub(in crate::storage) use nonce_at;

const PRESENT: &str = "SELECT s.epoch, s.last_seq, b.last, b.nonce FROM store AS s \
     LEFT JOIN LATERAL (SELECT last, nonce FROM batches ORDER BY first DESC LIMIT 1) AS b ON TRUE WHERE s.id = 1";
/// Whether the journal still has the row in which the number `$1` lies.
const REACHES: &str = "SELECT COALESCE((SELECT b.last >= $1 FROM batches AS b WHERE b.first <= $1 \
     ORDER BY b.first DESC LIMIT 1), FALSE)";
const LEAVE: &str = "UPDATE store SET epoch = $1 WHERE id = 1 AND epoch = $2";

/// What is known of a history.
#[derive(Clone, Debug)]
pub struct KnownHistory {
    /// Its name.
    pub epoch: Epoch,
    /// A number that was given in it.
    pub head: Seq,
    /// The newest batch that is known.
    newest: Option<KnownBatch>,
}

/// What is known of a batch in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KnownBatch {
    last: Seq,
    nonce: i64,
    /// The time stamp of its last number, if its server has said it.
    clock: Option<Timestamp>,
}

impl KnownHistory {
    /// Returns the number whose row in the journal is to be compared: no row has 0.
    pub(in crate::storage) fn asked(&self) -> i64 {
        self.newest.map_or(0, |newest| newest.last.0)
    }

    /// Returns the nonce of the row at [`asked`](Self::asked), if one is known.
    pub(in crate::storage) fn nonce(&self) -> Option<i64> {
        self.newest.map(|newest| newest.nonce)
    }

    /// Returns the end of the newest batch, its last number and the time stamp of that; `None` when something behind it
    /// is known, or the time stamp is not.
    pub(in crate::storage) fn end(&self) -> Option<(Seq, Timestamp)> {
        let newest = self.newest.filter(|newest| newest.last == self.head)?;
        Some((newest.last, newest.clock?))
    }

    /// Compares it with the three columns from `at` on: epoch, head and the nonce at [`asked`](Self::asked).
    ///
    /// Numbers leave no gap, so a history that has lost batches is shorter, or has others in their place. Returns
    /// [`StorageError::Diverged`] then, and [`StorageError::NewEpoch`] when the epoch is another one.
    pub(in crate::storage) fn check(&self, epoch: &str, head: Seq, nonce: Option<i64>) -> Result<(), StorageError> {
        if epoch != self.epoch.as_str() {
            return Err(StorageError::NewEpoch);
        }
        let is_other = self.newest.is_some_and(|known| nonce.is_some_and(|found| found != known.nonce));
        if head < self.head || is_other { Err(StorageError::Diverged) } else { Ok(()) }
    }

    fn read(row: &Row) -> Result<Self, StorageError> {
        let epoch = Epoch::parse(&row.get::<String>(0)?).ok_or(StorageError::Corrupt("the epoch is no epoch"))?;
        let newest = row.get::<Option<Seq>>(2)?.zip(row.get::<Option<i64>>(3)?);
        let newest = newest.map(|(last, nonce)| KnownBatch { last, nonce, clock: None });
        Ok(Self { epoch, head: row.get(1)?, newest })
    }
}

/// What an open store knows of its history; nothing on SQLite, whose one process has the file locked.
#[derive(Default)]
pub(in crate::storage) struct History(Mutex<Option<KnownHistory>>);

impl History {
    /// Returns what is known now. What a later statement finds must have all of it.
    pub(in crate::storage) fn known(&self) -> Option<KnownHistory> {
        self.lock().clone()
    }

    /// Takes in that the history `epoch` has a batch with this last number and nonce, and the time stamp of that number
    /// if it is known.
    pub(in crate::storage) fn saw(&self, epoch: &Epoch, last: Seq, nonce: i64, clock: Option<Timestamp>) {
        if let Some(known) = self.lock().as_mut().filter(|known| known.epoch == *epoch) {
            known.head = known.head.max(last);
            let is_news = |newest: KnownBatch| {
                newest.last < last || (newest.last == last && newest.nonce == nonce && newest.clock.is_none())
            };
            if known.newest.is_none_or(is_news) {
                known.newest = Some(KnownBatch { last, nonce, clock });
            }
        }
    }

    /// Takes in that the history `epoch` has given this number.
    pub(in crate::storage) fn saw_head(&self, epoch: &Epoch, head: Seq) {
        if let Some(known) = self.lock().as_mut().filter(|known| known.epoch == *epoch) {
            known.head = known.head.max(head);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<KnownHistory>> {
        // A plain value is consistent after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Returns the history that this server believes in; `None` on SQLite.
    #[must_use]
    pub fn known_history(&self) -> Option<KnownHistory> {
        self.history.known()
    }

    /// Takes in that the history `epoch` has a batch with this last number and nonce, as another server says, and the
    /// time stamp of that number if it says so.
    pub fn note_batch(&self, epoch: &Epoch, last: Seq, nonce: i64, clock: Option<Timestamp>) {
        self.history.saw(epoch, last, nonce, clock);
    }

    /// Takes in that everything up to this number was announced in the history `epoch`, so that it was committed.
    pub fn note_told(&self, epoch: &Epoch, told: Seq) {
        self.history.saw_head(epoch, told);
    }

    /// Reads the history that the database has now; `None` on SQLite.
    pub async fn present_history(&self) -> Result<Option<KnownHistory>, StorageError> {
        let Some(db) = &self.journal else { return Ok(None) };
        let row = db.query_one(self.statement(PRESENT, [])).await?;
        row.as_ref().map(KnownHistory::read).transpose()
    }

    /// Believes in another history from now on.
    pub fn adopt_history(&self, history: KnownHistory) {
        *self.history.lock() = Some(history);
    }

    /// Returns whether the journal reaches back to the newest batch that this server knows, so that every comparison
    /// with it counts.
    pub(super) async fn journal_reaches_known(&self) -> Result<bool, StorageError> {
        let (Some(db), Some(known)) = (&self.journal, self.history.known()) else { return Ok(false) };
        let row = db.query_one(self.statement(REACHES, [known.asked().into()])).await?;
        Ok(row.map(|row| row.get(0)).transpose()? == Some(true))
    }

    /// Gives the present history another name, when it still has the name that this server knows: it lacks something
    /// that was confirmed. Returns whether it did; otherwise another server has done it before.
    pub async fn leave_history(&self) -> Result<bool, StorageError> {
        let Some(known) = self.history.known() else { return Ok(false) };
        let epoch = new_epoch()?;
        let tx = self.begin().await?;
        let values = [epoch.into(), known.epoch.as_str().into()];
        let is_left = tx.execute(self.statement(LEAVE, values)).await? > 0;
        if is_left {
            skip_ids(self, &tx, LOST_IDS).await?;
        }
        tx.commit().await?;
        Ok(is_left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(last: i64, nonce: i64, clock: Option<i64>) -> KnownBatch {
        KnownBatch { last: Seq(last), nonce, clock: clock.map(Timestamp::from_micros) }
    }

    fn known(head: i64, newest: Option<(i64, i64)>) -> KnownHistory {
        let newest = newest.map(|(last, nonce)| batch(last, nonce, None));
        KnownHistory { epoch: Epoch::parse("k3f9").unwrap(), head: Seq(head), newest }
    }

    #[test]
    fn a_history_that_lacks_what_was_confirmed_is_another_one() {
        let history = known(9, Some((9, 77)));
        assert!(history.check("k3f9", Seq(9), Some(77)).is_ok());
        assert!(history.check("k3f9", Seq(12), Some(77)).is_ok());
        // The journal does not reach back so far any more.
        assert!(history.check("k3f9", Seq(500), None).is_ok());
        assert!(matches!(history.check("k3f9", Seq(8), None), Err(StorageError::Diverged)));
        // The lost numbers were given again.
        assert!(matches!(history.check("k3f9", Seq(12), Some(78)), Err(StorageError::Diverged)));
        assert!(matches!(history.check("other", Seq(8), None), Err(StorageError::NewEpoch)));
    }

    #[test]
    fn what_is_learnt_of_a_former_history_is_left_out() {
        let history = History(Mutex::new(Some(known(9, Some((9, 77))))));
        let (now, former) = (Epoch::parse("k3f9").unwrap(), Epoch::parse("former").unwrap());
        let known = || history.known().map(|known| (known.head, known.newest));
        history.saw(&former, Seq(20), 1, None);
        history.saw_head(&former, Seq(21));
        history.saw(&now, Seq(5), 2, None);
        assert_eq!(known(), Some((Seq(9), Some(batch(9, 77, None)))));
        history.saw(&now, Seq(12), 3, None);
        history.saw_head(&now, Seq(13));
        assert_eq!(known(), Some((Seq(13), Some(batch(12, 3, None)))));
    }

    #[test]
    fn the_end_is_known_where_nothing_is_behind_it() {
        let history = History(Mutex::new(Some(known(9, Some((9, 77))))));
        let epoch = Epoch::parse("k3f9").unwrap();
        let end = || history.known().and_then(|known| known.end()).map(|(last, clock)| (last.0, clock.as_micros()));
        assert_eq!(end(), None, "its time stamp is not known");
        history.saw(&epoch, Seq(9), 78, Some(Timestamp::from_micros(5)));
        assert_eq!(end(), None, "another batch");
        history.saw(&epoch, Seq(9), 77, Some(Timestamp::from_micros(6)));
        assert_eq!(end(), Some((9, 6)));
        history.saw(&epoch, Seq(9), 77, None);
        assert_eq!(end(), Some((9, 6)));
        history.saw_head(&epoch, Seq(10));
        assert_eq!(end(), None, "something is behind it");
        history.saw(&epoch, Seq(12), 79, Some(Timestamp::from_micros(8)));
        assert_eq!(end(), Some((12, 8)));
    }
}

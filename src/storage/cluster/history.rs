//! What this server knows of the store's history, and the check that the database still has it.
//!
//! On PostgreSQL the history can change under a running server: another epoch after a restore, or fewer commits after a
//! failover to a standby that had not received them all. So each batch, each look into the journal and each recovery of
//! the writer compares, in the statement that it makes anyway, what the database has with what was known before that
//! statement was sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Epoch, Seq};
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
    /// The newest batch that is known: its last number, and its nonce.
    newest: Option<(Seq, i64)>,
}

impl KnownHistory {
    /// Returns the number whose row in the journal is to be compared: no row has 0.
    pub(in crate::storage) fn asked(&self) -> i64 {
        self.newest.map_or(0, |(last, _)| last.0)
    }

    /// Returns the nonce of the row at [`asked`](Self::asked), if one is known.
    pub(in crate::storage) fn nonce(&self) -> Option<i64> {
        self.newest.map(|(_, nonce)| nonce)
    }

    /// Returns whether nothing is known behind this number, which is the last one of the newest batch.
    pub(in crate::storage) fn ends_at(&self, last: i64) -> bool {
        self.head.0 == last && self.asked() == last
    }

    /// Compares it with the three columns from `at` on: epoch, head and the nonce at [`asked`](Self::asked).
    ///
    /// Numbers leave no gap, so a history that has lost batches is shorter, or has others in their place. Returns
    /// [`StorageError::Diverged`] then, and [`StorageError::NewEpoch`] when the epoch is another one.
    pub(in crate::storage) fn check(&self, epoch: &str, head: Seq, nonce: Option<i64>) -> Result<(), StorageError> {
        if epoch != self.epoch.as_str() {
            return Err(StorageError::NewEpoch);
        }
        let is_other = self.newest.is_some_and(|(_, known)| nonce.is_some_and(|found| found != known));
        if head < self.head || is_other { Err(StorageError::Diverged) } else { Ok(()) }
    }

    fn read(row: &Row) -> Result<Self, StorageError> {
        let epoch = Epoch::parse(&row.get::<String>(0)?).ok_or(StorageError::Corrupt("the epoch is no epoch"))?;
        let newest = row.get::<Option<Seq>>(2)?.zip(row.get::<Option<i64>>(3)?);
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

    /// Takes in that the history `epoch` has a batch with this last number and nonce.
    pub(in crate::storage) fn saw(&self, epoch: &Epoch, last: Seq, nonce: i64) {
        if let Some(known) = self.lock().as_mut().filter(|known| known.epoch == *epoch) {
            known.head = known.head.max(last);
            if known.newest.is_none_or(|(newest, _)| newest < last) {
                known.newest = Some((last, nonce));
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

    /// Takes in that the history `epoch` has a batch with this last number and nonce, as another server says.
    pub fn note_batch(&self, epoch: &Epoch, last: Seq, nonce: i64) {
        self.history.saw(epoch, last, nonce);
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

    fn known(head: i64, newest: Option<(i64, i64)>) -> KnownHistory {
        let newest = newest.map(|(last, nonce)| (Seq(last), nonce));
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
        history.saw(&former, Seq(20), 1);
        history.saw_head(&former, Seq(21));
        history.saw(&now, Seq(5), 2);
        assert_eq!(history.known().map(|known| (known.head, known.newest)), Some((Seq(9), Some((Seq(9), 77)))));
        history.saw(&now, Seq(12), 3);
        history.saw_head(&now, Seq(13));
        assert_eq!(history.known().map(|known| (known.head, known.newest)), Some((Seq(13), Some((Seq(12), 3)))));
    }
}

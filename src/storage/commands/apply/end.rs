//! The end of a batch: what it has done is recorded and committed.

use std::time::Instant;

use crate::clock::random_bytes;
use crate::domain::{Answer, Outcome, Record, Seq, Timestamp};
use crate::storage::StorageError;
use crate::storage::cluster::KnownHistory;
use crate::storage::commands::apply::{Applied, CommittedBatch};
use crate::storage::commands::batch::{Batch, Targets};
use crate::storage::commands::numbers::{StoreRow, Taken};
use crate::storage::commands::plain::write::JournalEntry;
use crate::storage::engine::tx::Transaction;

/// What is known of a batch whose commands were carried out.
pub(super) struct Ending {
    /// The row of `store`, as it was found or foreseen; `None` on SQLite.
    pub(super) row: Option<StoreRow>,
    pub(super) taken: Taken,
    pub(super) known: Option<KnownHistory>,
    /// How many numbers it has taken.
    pub(super) count: i64,
    /// Whether the row was foreseen, so that nothing has locked it.
    pub(super) is_foreseen: bool,
    /// Whether none of its commands changes the row but by its numbers.
    pub(super) is_common: bool,
}

/// How a batch has ended.
pub(super) enum Ended {
    Done(Applied),
    /// Nothing was stored, since its commands changed nothing. That was judged by a row that was foreseen, which
    /// nothing has compared with the one that holds.
    Unsure,
    /// Nothing was stored: the row is not the one that was foreseen, or a message is stored already.
    Unwritten,
}

impl Batch<'_> {
    /// Commits what there is to commit.
    pub(super) async fn finish_all(mut self, ending: Ending) -> Result<Ended, StorageError> {
        let outcomes = std::mem::take(&mut self.outcomes).into_iter();
        let outcomes: Vec<Outcome> =
            outcomes.map(|outcome| outcome.unwrap_or_else(|| Outcome::done(Answer::Done))).collect();
        let effects = std::mem::take(&mut self.effects);
        let (first, last) = (ending.taken.first, ending.taken.last);
        let epoch = ending.known.as_ref().map(|known| known.epoch.clone());
        if !self.changed {
            // There is nothing to keep, and no need to wait for the disk.
            self.tx.rollback().await?;
            if ending.is_foreseen {
                return Ok(Ended::Unsure);
            }
            if let Some(row) = ending.row {
                self.cache.forecast.leave(row);
            }
            let batch = CommittedBatch { epoch, nonce: 0, first, last: Seq(first.0 - 1), clock: None };
            return Ok(Ended::Done(Applied { batch, outcomes, effects }));
        }
        let record = (epoch.is_some() && ending.count > 0).then(|| Record::of(first, last, &outcomes, &effects));
        let clock = (ending.count > 0).then(|| Timestamp::from_micros(ending.taken.last_time));
        let Some(nonce) = self.commit(ending, record).await? else { return Ok(Ended::Unwritten) };
        let batch = CommittedBatch { epoch, nonce, first, last, clock };
        Ok(Ended::Done(Applied { batch, outcomes, effects }))
    }

    /// Commits, and returns the name of the batch in the journal: 0 without a record. `None` when nothing was stored.
    async fn commit(self, ending: Ending, record: Option<Record>) -> Result<Option<i64>, StorageError> {
        let Ending { mut row, taken, known, is_foreseen, is_common, .. } = ending;
        let mut held_since = taken.held_since;
        let owing = self.plain.as_ref().filter(|_| self.targets == Targets::Woken);
        let owing = owing.map(|plain| self.owing_by_user(&plain.urgencies()));
        let Batch { storage, tx, cache, plain, at_commit, targets, owes, destroyed, .. } = self;
        let (mut nonce, was_plain) = (0, plain.is_some());
        if let Some(record) = record {
            nonce = i64::from_be_bytes(random_bytes()?);
            if let (Some(plain), Some(row), Transaction::Postgres(postgres)) = (plain, &mut row, &tx) {
                let entry = JournalEntry { row, taken: &taken, record: &record, nonce, owing };
                if is_foreseen {
                    // The statement locks it.
                    held_since = Instant::now();
                }
                let Some(written) = plain.write(postgres, storage, &entry).await? else {
                    tx.rollback().await?;
                    return Ok(None);
                };
                row.saw_time(written);
                tx.commit().await?;
            } else {
                let mut at_commit = at_commit.unwrap_or_default();
                at_commit.extend([taken.keep(), storage.append_statement(&record, nonce)]);
                tx.commit_with(&at_commit.join("; ")).await?;
            }
            if let Some(known) = &known {
                storage.history.saw(&known.epoch, taken.last, nonce, Some(Timestamp::from_micros(taken.last_time)));
            }
        } else {
            tx.commit().await?;
        }
        if is_foreseen {
            cache.forecast.of_rows.succeeded();
        }
        if was_plain {
            cache.forecast.of_plain.succeeded();
        }
        match row {
            Some(row) if is_common => cache.forecast.keep(&row, &taken, storage.known_history()),
            _ => cache.forecast.clear(),
        }
        storage.hold_times.record(held_since.elapsed());
        if targets != Targets::None {
            // Perhaps only since this batch.
            storage.devices.set_has_targets(true);
        }
        if owes {
            storage.devices.note_due();
        }
        if destroyed {
            storage.mark_destroyed();
        }
        Ok(Some(nonce))
    }
}

//! A batch from its first number to its commit, in one transaction.
//!
//! Commands are carried out in their order. Messages next to each other are stored together, and so are receipts,
//! deletions and marks of logins; a command of another kind is a barrier between them.
//!
//! On PostgreSQL all other writers wait from the lock of the row that gives [numbers](super::numbers) to the commit. So
//! what must be looked up is asked before it where that is possible, and each kind of command makes a few statements
//! for all there are; a [plain batch](super::plain) makes one. Where several servers are live, the lock may be [waited
//! for](Storage::hold_row) before the batch is formed, so that what comes meanwhile is in it. A server that knows of
//! all batches [foresees](super::forecast) what the row says, and locks it in the statement that stores a plain batch.

mod end;
mod run;
mod undone;

use crate::clock::Clock;
use crate::domain::{Command, Effect, Epoch, Outcome, Seq, Timestamp};
use crate::storage::cluster::KnownHistory;
use crate::storage::commands::batch::{Batch, Targets};
use crate::storage::commands::cache::Cache;
use crate::storage::commands::numbers::{HeldRow, StoreRow, lock_row, take_numbers};
use crate::storage::commands::plain::Plain;
use crate::storage::{Storage, StorageError};
use end::{Ended, Ending};
use run::is_gathered;
use undone::Undone;

/// A committed batch in the history of the store.
#[derive(Clone, Debug)]
pub struct CommittedBatch {
    /// The history in which it was committed; `None` on SQLite.
    pub epoch: Option<Epoch>,
    /// Its name in the journal; 0 when it has taken no numbers.
    pub nonce: i64,
    /// The first number given to the batch.
    pub first: Seq,
    /// The last number given to the batch, before `first` when it has taken none; those of commands that changed
    /// nothing are never used.
    pub last: Seq,
    /// The time stamp of its last number, behind which the store goes on; `None` when it has taken no numbers.
    pub clock: Option<Timestamp>,
}

/// What became of a batch that was committed.
#[derive(Debug)]
pub struct Applied {
    /// Its numbers, and its place in the history.
    pub batch: CommittedBatch,
    /// One outcome for each command, in their order.
    pub outcomes: Vec<Outcome>,
    /// What the server must act on now, in the order of the commands that it follows from.
    pub effects: Vec<Effect>,
}

/// Returns whether a batch with this command takes numbers. Where a login ends, other servers learn of it from the
/// journal, whose records have numbers; nobody need learn of its marks.
fn takes_numbers(command: &Command) -> bool {
    !matches!(command, Command::MarkLogin(_))
}

impl Storage {
    /// Returns whether the next batch need not wait for its turn, since it foresees what the row of `store` says, and
    /// may be a plain one.
    pub fn foresees_row(&self, clock: &Clock) -> bool {
        // Whoever else has the cache has begun a batch.
        let cache = self.cache.try_lock();
        // With a quota, no batch with messages is plain.
        self.most_messages().is_none()
            && cache.is_ok_and(|cache| cache.foreseen_row(self.known_history().as_ref(), clock).is_some())
    }

    /// Carries out `commands` in their order, all in one transaction, and returns one outcome for each.
    ///
    /// The time is that of `clock`; on PostgreSQL it is the database's, by which `clock` is corrected, unless that is
    /// stopped.
    ///
    /// On an error nothing was stored, unless the connection died in the commit: then the outcome is unknown, and
    /// [`committed_since`](Self::committed_since) finds it out.
    pub async fn carry_out(&self, commands: Vec<Command>, clock: &Clock) -> Result<Applied, StorageError> {
        self.carry_out_on(None, self.known_history(), commands, clock).await
    }

    /// As [`carry_out`](Self::carry_out), in a transaction that has waited for its turn already. What the commands need
    /// to know and the cache lacks is then looked up while all others wait.
    pub async fn carry_out_in(
        &self,
        held: HeldRow,
        commands: Vec<Command>,
        clock: &Clock,
    ) -> Result<Applied, StorageError> {
        let known = held.row.as_ref().map(|row| row.known.clone());
        self.carry_out_on(Some(held), known, commands, clock).await
    }

    async fn carry_out_on(
        &self,
        held: Option<HeldRow>,
        known: Option<KnownHistory>,
        commands: Vec<Command>,
        clock: &Clock,
    ) -> Result<Applied, StorageError> {
        let mut cache = self.cache.lock().await;
        // A caller that gives up leaves the cache open: the next batch clears it.
        cache.open(known.as_ref().map(|known| &known.epoch));
        let applied = Box::pin(self.carry_out_with(&mut cache, held, known, commands, clock)).await;
        cache.close(applied.is_ok());
        applied
    }

    async fn carry_out_with(
        &self,
        cache: &mut Cache,
        mut held: Option<HeldRow>,
        known: Option<KnownHistory>,
        mut commands: Vec<Command>,
        clock: &Clock,
    ) -> Result<Applied, StorageError> {
        let mut undone = None;
        loop {
            match Box::pin(self.attempt(cache, held.take(), known.clone(), commands, clock, undone)).await? {
                Attempt::Done(applied) => return Ok(applied),
                Attempt::Undone(again, why) => {
                    cache.forecast.clear();
                    (commands, undone) = (again, Some(why));
                }
            }
        }
    }

    async fn attempt(
        &self,
        cache: &mut Cache,
        held: Option<HeldRow>,
        known: Option<KnownHistory>,
        mut commands: Vec<Command>,
        clock: &Clock,
        undone: Option<Undone>,
    ) -> Result<Attempt, StorageError> {
        let count = if commands.iter().any(takes_numbers) { commands.len() } else { 0 };
        let count = i64::try_from(count).map_err(|_| StorageError::Corrupt("a batch beyond 2^63"))?;
        let HeldRow { tx, row: held } = match held {
            Some(held) => held,
            None => HeldRow { tx: self.begin_batch().await?, row: None },
        };
        let mut batch = Batch::new(self, tx, cache, commands.len());
        batch.limit_known(&mut commands);
        batch.find_room(&commands).await?;
        let early = match &held {
            Some(row) => batch.need_nothing(row, &commands),
            None => batch.look_up_for(&commands).await?,
        };
        let outline = early.as_ref().and_then(|early| batch.outline(&commands, early));
        let targets = |row: &StoreRow| Targets::new(row.has_targets, self.devices.is_enabled());
        let fits = |row: &StoreRow| outline.as_ref().is_some_and(|outline| outline.fits(row, targets(row)));
        let is_first = held.is_none() && undone.is_none();
        let foreseen = if is_first { batch.cache.foreseen_row(known.as_ref(), clock).filter(fits) } else { None };
        let is_foreseen = foreseen.is_some();
        let row = match held.or(foreseen) {
            Some(row) => Some(row),
            None => lock_row(&batch.tx, known.as_ref(), clock).await?,
        };
        let taken = match &row {
            Some(row) => row.take(count),
            None => take_numbers(self, &batch.tx, count, clock).await?,
        };
        let still_holds = batch.take(&taken);
        let may_be_plain = undone.is_none_or(|undone| batch.learn_from(&undone, row.as_ref()));
        let is_plain = may_be_plain && still_holds && row.as_ref().is_some_and(fits);
        let mut again = if is_plain { commands.clone() } else { Vec::new() };
        batch.plain = is_plain.then(Plain::default);
        let is_common = commands.iter().all(is_gathered);
        batch.record_clock_mark(taken.marked_at).await?;
        batch.run(commands, early.filter(|_| still_holds)).await?;
        batch.note_counted(&mut again);
        let foreseen = row.as_ref().filter(|_| is_foreseen).cloned();
        let ending = Ending { row, taken, known, count, is_foreseen, is_common };
        let is_unwritten = match batch.finish_all(ending).await? {
            Ended::Done(applied) => return Ok(Attempt::Done(applied)),
            Ended::Unsure => false,
            Ended::Unwritten => true,
        };
        Ok(Attempt::Undone(again, Undone { foreseen, is_unwritten }))
    }
}

/// What became of an attempt to carry out a batch.
enum Attempt {
    Done(Applied),
    /// Nothing was stored; the commands are to be carried out again.
    Undone(Vec<Command>, Undone),
}

#[cfg(test)]
mod tests;

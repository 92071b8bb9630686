//! A batch from its first number to its commit, in one transaction.
//!
//! Commands are carried out in their order. Messages next to each other are stored together, and so are receipts,
//! deletions and marks of logins; a command of another kind is a barrier between them.
//!
//! On PostgreSQL all other writers wait from the lock of the row that gives [numbers](super::numbers) to the commit. So
//! what must be looked up is asked before it where that is possible, and each kind of command makes a few statements
//! for all there are. Where several servers are live, the lock may be [waited for](Storage::hold_row) before the batch
//! is formed, so that what comes meanwhile is in it.

use crate::clock::{Clock, random_bytes};
use crate::domain::{Answer, Command, Draft, Effect, Epoch, LoginMark, Outcome, Record, Seq, Timestamp};
use crate::storage::cluster::KnownHistory;
use crate::storage::commands::batch::{Batch, Place, Targets};
use crate::storage::commands::cache::Cache;
use crate::storage::commands::deletions::Deletions;
use crate::storage::commands::lookup::LookedUp;
use crate::storage::commands::numbers::{HeldRow, lock_row, take_numbers};
use crate::storage::commands::receipts::merged::MergedReceipts;
use crate::storage::commands::room::Room;
use crate::storage::engine::tx::Transaction;
use crate::storage::{Storage, StorageError};

/// A batch that was committed.
#[derive(Debug)]
pub struct Applied {
    /// The first number given to the batch.
    pub first: Seq,
    /// The last number given to the batch; those of commands that changed nothing are never used.
    pub last: Seq,
    /// One outcome for each command, in their order.
    pub outcomes: Vec<Outcome>,
    /// What the server must act on now, in the order of the commands that it follows from.
    pub effects: Vec<Effect>,
    /// The history in which it was committed; `None` on SQLite.
    pub epoch: Option<Epoch>,
    /// Its name in the journal; 0 when it has taken no numbers.
    pub nonce: i64,
}

/// Returns whether a batch with this command takes numbers. Where a login ends, other servers learn of it from the
/// journal, whose records have numbers; nobody need learn of its marks.
fn takes_numbers(command: &Command) -> bool {
    !matches!(command, Command::MarkLogin(_))
}

impl Storage {
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
        held: Option<HeldRow>,
        known: Option<KnownHistory>,
        mut commands: Vec<Command>,
        clock: &Clock,
    ) -> Result<Applied, StorageError> {
        let count = if commands.iter().any(takes_numbers) { commands.len() } else { 0 };
        let count = i64::try_from(count).map_err(|_| StorageError::Corrupt("a batch beyond 2^63"))?;
        let has_waited = held.is_some();
        let HeldRow { tx, row } = match held {
            Some(held) => held,
            None => HeldRow { tx: self.begin_batch().await?, row: None },
        };
        let mut batch = Batch {
            storage: self,
            tx,
            cache,
            // Known once the numbers are taken.
            first_seq: 0,
            first_time: 0,
            now: Timestamp::from_micros(0),
            retained_from: Timestamp::from_micros(0),
            outcomes: commands.iter().map(|_| None).collect(),
            effects: Vec::new(),
            room: Room::default(),
            at_commit: None,
            changed: false,
            destroyed: false,
            targets: Targets::None,
            owes: false,
        };
        batch.limit_known(&mut commands);
        batch.find_room(&commands).await?;
        let early = if has_waited { None } else { batch.look_up_for(&commands).await? };
        let row = if has_waited { row } else { lock_row(&batch.tx, known.as_ref(), clock).await? };
        let taken = match &row {
            Some(row) => row.take(count),
            None => take_numbers(self, &batch.tx, count, clock).await?,
        };
        (batch.first_seq, batch.first_time) = (taken.first.0, taken.first_time);
        (batch.now, batch.retained_from) = (taken.now, taken.retained_from);
        self.devices.set_has_targets(taken.has_targets);
        batch.targets = Targets::new(taken.has_targets, self.devices.is_enabled());
        let still_holds = batch.cache.check(taken.rules);
        batch.record_clock_mark(taken.marked_at).await?;
        batch.run(commands, early.filter(|_| still_holds)).await?;
        let Batch { tx, outcomes, effects, changed, destroyed, targets, owes, at_commit, .. } = batch;
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Outcome::done(Answer::Done)));
        let outcomes: Vec<Outcome> = outcomes.collect();
        let (first, last) = (taken.first, taken.last);
        let epoch = known.map(|known| known.epoch);
        if !changed {
            // There is nothing to keep, and no need to wait for the disk.
            tx.rollback().await?;
            return Ok(Applied { first, last: Seq(first.0 - 1), outcomes, effects, epoch, nonce: 0 });
        }
        let mut nonce = 0;
        if let Some(epoch) = epoch.as_ref().filter(|_| count > 0) {
            nonce = i64::from_be_bytes(random_bytes()?);
            let record = Record::of(first, last, &outcomes, &effects);
            let mut at_commit = at_commit.unwrap_or_default();
            at_commit.extend([taken.keep(), self.append_statement(&record, nonce)]);
            tx.commit_with(&at_commit.join("; ")).await?;
            self.history.saw(epoch, last, nonce);
        } else {
            tx.commit().await?;
        }
        self.hold_times.record(taken.held_since.elapsed());
        if targets != Targets::None {
            // Perhaps only since this batch.
            self.devices.set_has_targets(true);
        }
        if owes {
            self.devices.note_due();
        }
        if destroyed {
            self.mark_destroyed();
        }
        Ok(Applied { first, last, outcomes, effects, epoch, nonce })
    }
}

/// Commands that are next to each other and are carried out together.
#[derive(Default)]
struct Gathered {
    sends: Vec<(Place, Draft)>,
    receipts: MergedReceipts,
    deletions: Deletions,
    marks: Vec<LoginMark>,
}

/// Returns whether a command is carried out together with others next to it.
fn is_gathered(command: &Command) -> bool {
    matches!(
        command,
        Command::Send(_)
            | Command::Read { .. }
            | Command::Delivered { .. }
            | Command::Delete { .. }
            | Command::Expire(_)
            | Command::MarkLogin(_)
    )
}

impl Batch<'_> {
    /// Looks up what the first commands that are carried out together need to know, if that is possible already.
    async fn look_up_for(&mut self, commands: &[Command]) -> Result<Option<LookedUp>, StorageError> {
        let together = || commands.iter().take_while(|command| is_gathered(command));
        let drafts = together().filter_map(|it| if let Command::Send(draft) = it { Some(&**draft) } else { None });
        let reads = together().filter_map(|command| match command {
            Command::Read { conversation, .. } => Some(*conversation),
            _ => None,
        });
        self.look_up_early(&drafts.collect::<Vec<_>>(), reads).await
    }

    async fn run(&mut self, commands: Vec<Command>, mut early: Option<LookedUp>) -> Result<(), StorageError> {
        let mut gathered = Gathered::default();
        for (place, command) in commands.into_iter().enumerate() {
            if !is_gathered(&command) {
                self.run_gathered(std::mem::take(&mut gathered), early.take(), false).await?;
            }
            // Rare commands are boxed: they would make the future of every batch as large as the largest of them.
            let outcome = match command {
                Command::Send(draft) => {
                    gathered.sends.push((place, *draft));
                    continue;
                }
                Command::Read { user, conversation, up_to } => {
                    gathered.receipts.read(place, user, conversation, up_to);
                    continue;
                }
                Command::Delivered { user, up_to } => {
                    gathered.receipts.delivered(place, user, up_to);
                    continue;
                }
                Command::MarkLogin(mark) => {
                    gathered.marks.push(mark);
                    continue;
                }
                Command::Delete { user, id, scope } => {
                    gathered.deletions.delete(place, user, id, scope);
                    continue;
                }
                Command::Expire(id) => {
                    gathered.deletions.expire(place, id);
                    continue;
                }
                Command::Retain(before) => Box::pin(self.retain(place, before)).await?,
                Command::Block { user, other, blocked } => Box::pin(self.block(place, user, other, blocked)).await?,
                Command::SetKey { user, key, authority } => {
                    Box::pin(self.set_key(place, user, &key, &authority)).await?
                }
                Command::Configure { user, presence, read_receipts } => {
                    Box::pin(self.configure(user, presence, read_receipts)).await?
                }
                Command::DeleteAccount { user, proof, until } => {
                    Box::pin(self.delete_account(place, user, &proof, until)).await?
                }
                Command::EndLogins { user, which, asking, end } => {
                    Box::pin(self.end_logins(user, which, asking, end)).await?
                }
                Command::ChangePassword(change) => Box::pin(self.change_password(&change)).await?,
                Command::ControlAccount { user, change } => Box::pin(self.control_account(user, &change)).await?,
                Command::ChangeAddressRules(change) => Box::pin(self.change_address_rules(*change)).await?,
                Command::RegisterTarget(target) => Box::pin(self.register_target(place, *target)).await?,
                Command::RemoveTarget { user, device } => Box::pin(self.remove_target(user, &device)).await?,
            };
            self.finish(place, outcome);
        }
        self.run_gathered(gathered, early, true).await
    }

    /// Carries out commands together, `is_last` when none of the batch are behind them.
    async fn run_gathered(
        &mut self,
        gathered: Gathered,
        early: Option<LookedUp>,
        is_last: bool,
    ) -> Result<(), StorageError> {
        let Gathered { sends, receipts, deletions, marks } = gathered;
        let looked_up = if let Some(looked_up) = early {
            looked_up
        } else {
            let drafts: Vec<&Draft> = sends.iter().map(|(_, draft)| draft).collect();
            let asked = self.questions(&drafts, receipts.reads.keys().map(|(_, direct)| *direct));
            // What is looked up while others wait costs a round trip, which those of deletions then save.
            let is_late = !asked.rows().rows().is_empty();
            let saves = is_last && is_late && matches!(self.tx, Transaction::Postgres(_));
            self.at_commit = saves.then(Vec::new);
            self.look_up(asked).await?
        };
        self.sends(sends, looked_up).await?;
        self.receipts(receipts).await?;
        // Boxed, since it is rare.
        Box::pin(self.deletions(deletions)).await?;
        self.mark_logins(&marks).await
    }
}

#[cfg(test)]
mod tests;

//! A batch from its first number to its commit, in one transaction.
//!
//! Commands are carried out in their order. Messages next to each other are stored together, and so are receipts,
//! deletions and marks of logins; a command of another kind is a barrier between them.
//!
//! On PostgreSQL all other writers wait from the statement that takes the numbers to the commit. So what must be looked
//! up is asked before it where that is possible, and each kind of command makes a few statements for all there are.

use std::time::Instant;

use crate::clock::{Clock, random_bytes};
use crate::domain::{Answer, Command, Draft, Effect, Epoch, LoginMark, Outcome, Record, Seq, Timestamp};
use crate::storage::cluster::KnownHistory;
use crate::storage::cluster::{history::nonce_at, now};
use crate::storage::commands::batch::{Batch, Place, Targets};
use crate::storage::commands::cache::Cache;
use crate::storage::commands::deletions::Deletions;
use crate::storage::commands::lookup::LookedUp;
use crate::storage::commands::receipts::merged::MergedReceipts;
use crate::storage::commands::room::Room;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Takes the next numbers and time stamps for `$1` commands. The row's lock makes their order the commit order, on
/// PostgreSQL too, where a sequence would not.
const TAKE_NUMBERS: &str = "UPDATE store SET last_seq = last_seq + $1, \
     clock = CASE WHEN clock < $2 THEN $2 ELSE clock END + $1 WHERE id = 1 \
     RETURNING last_seq, clock, rules, retained_from, marked_at, EXISTS (SELECT 1 FROM push_targets)";
/// The same on PostgreSQL, where the history may have become another one since the batch before, and where the time is
/// the database's unless `$2` says it. It is returned as of when the row was locked.
const TAKE_KNOWN_NUMBERS: &str = concat!(
    "UPDATE store SET last_seq = last_seq + $1, clock = GREATEST(clock, COALESCE($2, ",
    now!(),
    ")) + $1 WHERE id = 1 RETURNING last_seq, clock, rules, retained_from, marked_at, \
     EXISTS (SELECT 1 FROM push_targets), COALESCE($2, ",
    now!(),
    "), epoch, ",
    nonce_at!("$3")
);

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

/// What the row of `store` said when a batch took its numbers.
struct Taken {
    head: Seq,
    clock: i64,
    rules: i64,
    retained_from: Timestamp,
    marked_at: i64,
    has_targets: bool,
    now: Timestamp,
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
        let mut cache = self.cache.lock().await;
        let known = self.known_history();
        // A caller that gives up leaves the cache open: the next batch clears it.
        cache.open(known.as_ref().map(|known| &known.epoch));
        let applied = Box::pin(self.carry_out_with(&mut cache, commands, clock, known)).await;
        cache.close(applied.is_ok());
        applied
    }

    async fn carry_out_with(
        &self,
        cache: &mut Cache,
        mut commands: Vec<Command>,
        clock: &Clock,
        known: Option<KnownHistory>,
    ) -> Result<Applied, StorageError> {
        let count = if commands.iter().any(takes_numbers) { commands.len() } else { 0 };
        let count = i64::try_from(count).map_err(|_| StorageError::Corrupt("a batch beyond 2^63"))?;
        let mut batch = Batch {
            storage: self,
            tx: self.begin_batch().await?,
            cache,
            // Known once the numbers are taken.
            first_seq: 0,
            first_time: 0,
            now: Timestamp::from_micros(0),
            retained_from: Timestamp::from_micros(0),
            outcomes: commands.iter().map(|_| None).collect(),
            effects: Vec::new(),
            room: Room::default(),
            changed: false,
            destroyed: false,
            targets: Targets::None,
            owes: false,
        };
        batch.limit_known(&mut commands);
        batch.find_room(&commands).await?;
        let early = batch.look_up_for(&commands).await?;
        let taken = batch.take_numbers(count, clock, known.as_ref()).await?;
        let held_since = Instant::now();
        (batch.first_seq, batch.first_time) = (taken.head.0 - count + 1, taken.clock - count + 1);
        (batch.now, batch.retained_from) = (taken.now, taken.retained_from);
        self.devices.set_has_targets(taken.has_targets);
        batch.targets = Targets::new(taken.has_targets, self.devices.is_enabled());
        let still_holds = batch.cache.check(taken.rules);
        batch.record_clock_mark(taken.marked_at).await?;
        batch.run(commands, early.filter(|_| still_holds)).await?;
        let Batch { tx, outcomes, effects, changed, destroyed, targets, owes, .. } = batch;
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Outcome::done(Answer::Done)));
        let outcomes: Vec<Outcome> = outcomes.collect();
        let (first, last) = (Seq(taken.head.0 - count + 1), taken.head);
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
            tx.commit_with(&self.append_statement(&record, nonce)).await?;
            self.history.saw(epoch, last, nonce);
        } else {
            tx.commit().await?;
        }
        self.hold_times.record(held_since.elapsed());
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
    /// Takes so many numbers, and the time. Fails when the store does not have the history `known`.
    async fn take_numbers(
        &self,
        count: i64,
        clock: &Clock,
        known: Option<&KnownHistory>,
    ) -> Result<Taken, StorageError> {
        let (asked, now) = (Instant::now(), clock.now());
        let statement = match known {
            None => self.statement(TAKE_NUMBERS, [count.into(), now.as_micros().into()]),
            Some(known) => {
                let stopped = clock.stopped().map(Timestamp::as_micros);
                self.statement(TAKE_KNOWN_NUMBERS, [count.into(), stopped.into(), known.asked().into()])
            }
        };
        let row = self.tx.query_one(statement).await?.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let mut taken = Taken {
            head: row.get(0)?,
            clock: row.get(1)?,
            rules: row.get(2)?,
            retained_from: row.get(3)?,
            marked_at: row.get(4)?,
            has_targets: row.get(5)?,
            now,
        };
        if let Some(known) = known {
            taken.now = row.get(6)?;
            clock.correct(asked, taken.now);
            known.check(&row.get::<String>(7)?, Seq(taken.head.0 - count), row.get(8)?)?;
        }
        Ok(taken)
    }

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
                self.run_gathered(std::mem::take(&mut gathered), early.take()).await?;
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
        self.run_gathered(gathered, early).await
    }

    async fn run_gathered(&mut self, gathered: Gathered, early: Option<LookedUp>) -> Result<(), StorageError> {
        let Gathered { sends, receipts, deletions, marks } = gathered;
        let looked_up = if let Some(looked_up) = early {
            looked_up
        } else {
            let drafts: Vec<&Draft> = sends.iter().map(|(_, draft)| draft).collect();
            let asked = self.questions(&drafts, receipts.reads.keys().map(|(_, direct)| *direct));
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

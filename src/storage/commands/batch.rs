//! Carrying out a batch of commands: numbers, rows and events in one transaction.
//!
//! Commands are carried out in their order. Messages next to each other are stored together, and so are receipts; a command
//! of another kind is a barrier between them.

use std::sync::Arc;

use sea_orm::{Statement, Value};

use crate::domain::{Answer, Audience, Command, Event, EventBody, Outcome, Refusal, Seq, Timestamp, UserId};
use crate::storage::commands::cache::Cache;
use crate::storage::commands::receipts::Requests;
use crate::storage::engine::tx::Transaction;
use crate::storage::{Storage, StorageError};

/// Takes the next numbers and time stamps for `$1` commands. The row's lock makes their order the commit order, on
/// PostgreSQL too, where a sequence would not.
const TAKE_NUMBERS: &str = "UPDATE store SET head = head + $1, \
     clock = CASE WHEN clock < $2 THEN $2 ELSE clock END + $1 WHERE id = 1 \
     RETURNING head, clock, rules, retained_from, marked_at";

/// A batch that was committed.
#[derive(Debug)]
pub struct Applied {
    /// The first number given to the batch.
    pub first: Seq,
    /// The last number given to the batch; those of commands that changed nothing are never used.
    pub last: Seq,
    /// One for each command, in their order.
    pub outcomes: Vec<Outcome>,
}

impl Storage {
    /// Carries out `commands` in their order, all in one transaction, and answers one outcome for each.
    ///
    /// On an error nothing was stored, unless the connection died in the commit: then nobody knows, and
    /// [`committed_since`](Self::committed_since) tells.
    pub async fn apply(&self, commands: Vec<Command>, now: Timestamp) -> Result<Applied, StorageError> {
        let mut cache = self.cache.lock().await;
        // Whoever waits for this may give up: then it stays open.
        cache.open();
        let applied = Box::pin(self.apply_with(&mut cache, commands, now)).await;
        cache.close(applied.is_ok());
        applied
    }

    async fn apply_with(
        &self,
        cache: &mut Cache,
        commands: Vec<Command>,
        now: Timestamp,
    ) -> Result<Applied, StorageError> {
        let count = i64::try_from(commands.len()).map_err(|_| StorageError::Corrupt("a batch beyond 2^63"))?;
        let tx = self.begin_batch().await?;
        let row = tx.query_one(self.statement(TAKE_NUMBERS, [count.into(), now.as_micros().into()])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let (head, clock): (i64, i64) = (row.get(0)?, row.get(1)?);
        cache.check(row.get(2)?);

        let mut batch = Batch {
            storage: self,
            tx,
            cache,
            first_seq: head - count + 1,
            first_time: clock - count + 1,
            now,
            retained_from: Timestamp::from_micros(row.get(3)?),
            outcomes: commands.iter().map(|_| None).collect(),
            changed: false,
            destroyed: false,
        };
        batch.record_clock_mark(row.get(4)?).await?;
        batch.run(commands).await?;
        let Batch { tx, outcomes, changed, destroyed, .. } = batch;
        let last = if changed {
            tx.commit().await?;
            if destroyed {
                self.mark_destroyed();
            }
            Seq(head)
        } else {
            // Nothing to keep, and no need to wait for the disk.
            tx.rollback().await?;
            Seq(head - count)
        };
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Outcome::done(Answer::Done)));
        Ok(Applied { first: Seq(head - count + 1), last, outcomes: outcomes.collect() })
    }
}

/// A batch on its way.
pub(super) struct Batch<'a> {
    pub(super) storage: &'a Storage,
    pub(super) tx: Transaction,
    pub(super) cache: &'a mut Cache,
    pub(super) first_seq: i64,
    pub(super) first_time: i64,
    /// By the clock, which time stamps may be ahead of.
    pub(super) now: Timestamp,
    /// By the server's retention everything older is gone.
    pub(super) retained_from: Timestamp,
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Whether there is something to commit.
    pub(super) changed: bool,
    /// Whether something was overwritten that nobody may find any more.
    pub(super) destroyed: bool,
}

/// Where a command stands in its batch.
pub(super) type Place = usize;

impl Batch<'_> {
    async fn run(&mut self, commands: Vec<Command>) -> Result<(), StorageError> {
        let mut sends = Vec::new();
        let mut receipts = Requests::default();
        for (place, command) in commands.into_iter().enumerate() {
            match command {
                Command::Send(draft) => sends.push((place, *draft)),
                Command::Read { user, partner, up_to } => receipts.read(place, user, partner, up_to),
                Command::Delivered { user, up_to } => receipts.delivered(place, user, up_to),
                barrier => {
                    self.sends(std::mem::take(&mut sends)).await?;
                    self.receipts(std::mem::take(&mut receipts)).await?;
                    let outcome = Box::pin(self.alone(place, barrier)).await?;
                    self.finish(place, outcome);
                }
            }
        }
        self.sends(sends).await?;
        self.receipts(receipts).await
    }

    async fn alone(&mut self, place: Place, command: Command) -> Result<Outcome, StorageError> {
        match command {
            Command::Delete { user, id, scope } => self.delete(place, user, id, scope).await,
            Command::Expire(id) => self.expire(place, id).await,
            Command::Retain(before) => self.retain(place, before).await,
            Command::Block { user, other, blocked } => self.block(place, user, other, blocked).await,
            Command::SetKey { user, key, authority } => self.set_key(place, user, &key, &authority).await,
            Command::Configure { user, presence, read_receipts } => self.configure(user, presence, read_receipts).await,
            Command::DeleteAccount { user, proof, until } => self.delete_account(place, user, &proof, until).await,
            // Gathered above.
            Command::Send(_) | Command::Read { .. } | Command::Delivered { .. } => Ok(Outcome::done(Answer::Done)),
        }
    }

    pub(super) fn finish(&mut self, place: Place, outcome: Outcome) {
        self.changed |= !outcome.events.is_empty();
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    pub(super) fn number(place: Place) -> i64 {
        // A batch is far smaller.
        i64::try_from(place).unwrap_or(i64::MAX)
    }

    pub(super) fn seq(&self, place: Place) -> Seq {
        Seq(self.first_seq + Self::number(place))
    }

    pub(super) fn time(&self, place: Place) -> Timestamp {
        Timestamp::from_micros(self.first_time + Self::number(place))
    }

    pub(super) fn statement(&self, sql: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Statement {
        self.storage.statement(sql, values)
    }

    pub(super) async fn execute(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, StorageError> {
        self.tx.execute(self.statement(sql, values)).await
    }
}

impl Outcome {
    pub(super) fn done(answer: Answer) -> Self {
        Self { answer: Ok(answer), events: Vec::new() }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { answer: Err(refusal), events: Vec::new() }
    }
}

/// One event for several users.
pub(super) fn to_users(
    users: impl IntoIterator<Item = UserId>,
    seq: Seq,
    body: EventBody,
) -> Vec<(Audience, Arc<Event>)> {
    let event = Arc::new(Event { seq, body });
    let mut told: Vec<UserId> = Vec::new();
    for user in users {
        if !told.contains(&user) {
            told.push(user);
        }
    }
    told.into_iter().map(|user| (Audience::User(user), event.clone())).collect()
}

#[cfg(test)]
mod tests;

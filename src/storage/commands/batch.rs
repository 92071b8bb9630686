//! What the commands of one batch share: the transaction, the numbers and the outcomes so far.

use std::sync::Arc;

use sea_orm::{Statement, Value};

use crate::domain::{Answer, Audience, Effect, Event, EventBody, MessageId, Outcome, Refusal, Seq, Timestamp, UserId};
use crate::storage::commands::cache::Cache;
use crate::storage::commands::numbers::Taken;
use crate::storage::commands::plain::Plain;
use crate::storage::commands::room::Room;
use crate::storage::engine::tx::{Transaction, Tx as _};
use crate::storage::schema::numbers::id_at;
use crate::storage::{Storage, StorageError};

/// A batch while it is carried out.
pub(super) struct Batch<'a> {
    pub(super) storage: &'a Storage,
    pub(super) tx: Transaction,
    pub(super) cache: &'a mut Cache,
    pub(super) first_seq: i64,
    pub(super) first_time: i64,
    /// The time by the clock, the database's on PostgreSQL, which time stamps may be ahead of.
    pub(super) now: Timestamp,
    /// Everything older is gone by the server's retention.
    pub(super) retained_from: Timestamp,
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// What the server must act on once the batch is committed; empty for ordinary batches.
    pub(super) effects: Vec<Effect>,
    /// How much the senders of messages may still store.
    pub(super) room: Room,
    /// Statements without parameters for the message that commits. On PostgreSQL, changes of deletions may go with it:
    /// nothing behind them depends on them, and a round trip is to be saved. `None` when they are made at once.
    pub(super) at_commit: Option<Vec<String>>,
    /// What is stored all at once, while the batch is a plain one.
    pub(super) plain: Option<Plain>,
    /// Whether there is something to commit.
    pub(super) changed: bool,
    /// Whether something was overwritten that must not be recoverable any more.
    pub(super) destroyed: bool,
    /// The devices that are registered to be woken.
    pub(super) targets: Targets,
    /// Whether wake-ups may have become due.
    pub(super) owes: bool,
}

/// Which devices are registered to be woken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Targets {
    /// None.
    None,
    /// Some, but there is no provider just now.
    Registered,
    /// Some, and they are woken.
    Woken,
}

impl Targets {
    pub(super) fn new(are_registered: bool, are_woken: bool) -> Self {
        match (are_registered, are_woken) {
            (false, _) => Self::None,
            (true, false) => Self::Registered,
            (true, true) => Self::Woken,
        }
    }
}

/// Where a command stands in its batch.
pub(super) type Place = usize;

impl<'a> Batch<'a> {
    /// Makes a batch of so many commands, which has no numbers yet.
    pub(super) fn new(storage: &'a Storage, tx: Transaction, cache: &'a mut Cache, commands: usize) -> Self {
        Self {
            storage,
            tx,
            cache,
            first_seq: 0,
            first_time: 0,
            now: Timestamp::from_micros(0),
            retained_from: Timestamp::from_micros(0),
            outcomes: std::iter::repeat_with(|| None).take(commands).collect(),
            effects: Vec::new(),
            room: Room::default(),
            at_commit: None,
            plain: None,
            changed: false,
            destroyed: false,
            targets: Targets::None,
            owes: false,
        }
    }

    /// Gives the batch its numbers. Returns whether what was in the cache before still holds.
    pub(super) fn take(&mut self, taken: &Taken) -> bool {
        (self.first_seq, self.first_time) = (taken.first.0, taken.first_time);
        (self.now, self.retained_from) = (taken.now, taken.retained_from);
        self.storage.devices.set_has_targets(taken.has_targets);
        self.targets = Targets::new(taken.has_targets, self.storage.devices.is_enabled());
        self.cache.check(taken.rules)
    }
}

impl Batch<'_> {
    /// Keeps what came of a command.
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

    /// Returns the number of a command, under which its event is stored.
    pub(super) fn seq(&self, place: Place) -> Seq {
        Seq(self.first_seq + Self::number(place))
    }

    /// Returns the highest id that a message from before this command can have.
    pub(super) fn newest_before(&self, place: Place) -> MessageId {
        id_at(Seq(self.seq(place).0 - 1))
    }

    /// Returns the time stamp of a command.
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

/// Returns one event for an audience.
pub(super) fn to(audience: Audience, seq: Seq, body: EventBody) -> Vec<(Audience, Arc<Event>)> {
    vec![(audience, Arc::new(Event { seq, body }))]
}

/// Returns one event for several users, who need not share a conversation.
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

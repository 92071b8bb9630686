//! The janitor: has messages expire, destroys what retention and deleted accounts have left, drops old tombstones, and empties
//! the write-ahead log of what was destroyed.
//!
//! Supervised by the root. It keeps nothing that matters: its successor finds in the store what is left to do. What gets a
//! number goes through the writer like everything else; the rest happens in small batches on a connection of its own. Bound:
//! its mailbox holds one tick.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::mailbox::Timed;
use super::persistence::PersistenceHandle;
use crate::clock::Clock;
use crate::config;
use crate::domain::{Command, MessageId, Timestamp};
use crate::storage::{BATCH, Cleared, Storage, StorageError};
use crate::telemetry::{ActorKind, metrics};

/// Steps of one tick: then others get their turn at the database.
const STEPS: usize = 64;
/// Emptying the log waits for readers, so it is not done at every tick.
const CHECKPOINT_EVERY: u32 = 2;
/// Old tombstones are looked for once in so many ticks.
const DROP_EVERY: u32 = 12;

pub(super) enum JanitorMsg {
    Tick,
}

pub(super) struct JanitorActor;

#[derive(Clone)]
pub(super) struct JanitorArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) persistence: PersistenceHandle,
    pub(super) config: config::Messages,
}

pub(super) struct JanitorState {
    args: JanitorArgs,
    ticks: u32,
    /// Everything up to here was destroyed by retention.
    swept: MessageId,
    last_retention: Option<Instant>,
    is_failing: bool,
}

impl Actor for JanitorActor {
    type Msg = Timed<JanitorMsg>;
    type State = JanitorState;
    type Arguments = JanitorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: JanitorArgs,
    ) -> Result<JanitorState, ActorProcessingErr> {
        next_tick(&myself, args.config.clear_every());
        Ok(JanitorState { args, ticks: 0, swept: MessageId(0), last_retention: None, is_failing: false })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut JanitorState,
    ) -> Result<(), ActorProcessingErr> {
        let JanitorMsg::Tick = message.open(ActorKind::Janitor);
        match Box::pin(state.tick()).await {
            Ok(()) => state.is_failing = false,
            Err(error) => {
                // Once, and not at every tick.
                if !std::mem::replace(&mut state.is_failing, true) {
                    tracing::warn!(error = %error, "cannot clear away what is over; trying again");
                }
            }
        }
        next_tick(&myself, state.args.config.clear_every());
        Ok(())
    }
}

fn next_tick(myself: &ActorRef<Timed<JanitorMsg>>, every: Duration) {
    myself.send_after(every, || Timed::new(JanitorMsg::Tick));
}

impl JanitorState {
    async fn tick(&mut self) -> Result<(), StorageError> {
        self.ticks = self.ticks.wrapping_add(1);
        let now = self.args.clock.now();
        self.expire(now).await?;
        self.retain(now).await;
        for _ in 0..STEPS {
            if !self.note(self.args.storage.wipe_accounts().await?) {
                break;
            }
        }
        for _ in 0..STEPS {
            let cleared = self.args.storage.sweep(&mut self.swept).await?;
            if !self.note(cleared) {
                break;
            }
        }
        if self.ticks.is_multiple_of(DROP_EVERY) {
            let horizon = now.plus_secs(-self.args.config.keep_deleted_s());
            for _ in 0..STEPS {
                if !self.note(self.args.storage.drop_before(horizon).await?) {
                    break;
                }
            }
        }
        if self.ticks.is_multiple_of(CHECKPOINT_EVERY) && self.args.storage.take_destroyed() {
            if self.args.storage.checkpoint().await? {
                metrics().checkpoints.increment(1);
            } else {
                self.args.storage.note_destroyed();
            }
        }
        Ok(())
    }

    /// Messages whose time is over: the writer destroys them and tells both sides.
    async fn expire(&self, now: Timestamp) -> Result<(), StorageError> {
        for _ in 0..STEPS {
            let due = self.args.storage.expired(now).await?;
            let mut answers = Vec::with_capacity(due.len());
            for id in &due {
                answers.push(self.args.persistence.ask(Command::Expire(*id)));
            }
            // All are handed over before one is waited for.
            let done = futures_util::future::join_all(answers).await;
            metrics().expired.increment(done.iter().filter(|answer| answer.is_ok()).count() as u64);
            let is_full = i64::try_from(due.len()).is_ok_and(|count| count == BATCH);
            if !is_full || done.iter().any(Result::is_err) {
                break;
            }
        }
        Ok(())
    }

    /// The server's retention: one event a run, not one a message.
    async fn retain(&mut self, now: Timestamp) {
        let Some(keep) = self.args.config.retention() else { return };
        let is_due = self.last_retention.is_none_or(|last| last.elapsed() >= self.args.config.retention_every());
        if is_due {
            self.last_retention = Some(Instant::now());
            let before = now.plus_secs(-keep);
            match self.args.storage.has_messages_before(before).await {
                // The next run finds it again when the writer does not answer.
                Ok(true) => drop(self.args.persistence.ask(Command::Retain(before)).await),
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %error, "cannot look for messages beyond the retention"),
            }
        }
    }

    /// Counts what was done; whether to go on.
    fn note(&self, cleared: Cleared) -> bool {
        metrics().destroyed.increment(cleared.destroyed);
        metrics().dropped.increment(cleared.dropped);
        if cleared.destroyed > 0 {
            self.args.storage.note_destroyed();
        }
        cleared.has_more
    }
}

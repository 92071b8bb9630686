//! The writer: carries out commands in batches and announces what has happened, in commit order: events to the
//! registry, and effects to all who must act on them, where other servers write to the store as well through the relay.
//!
//! Supervised by the root, which replaces it when it fails; commands that wait for an answer are then refused in a way
//! that can be tried again ([`PendingReply`]). Bound: its mailbox and batch hold at most the credit of all sockets, the
//! commands of the requests that hold a [`RequestPermit`](reply::RequestPermit), and one round of the janitor.
//!
//! Batches form without a timer: the first command of an empty batch makes the actor cast `Flush` to itself, which
//! queues behind every message that is waiting already. So a batch is what arrived during the commit before it. Where
//! other servers write to the store as well, it is what arrived until its [turn](pending_row) came.
//!
//! A batch whose outcome is not known, because the connection or this actor died in it, is [in doubt](doubt): before
//! anything newer is written, the store is asked what of it is there, and that is announced.

pub(super) mod announce;
mod disk_space;
pub(super) mod doubt;
pub(super) mod messages;
mod origins;
mod pending_row;
mod recovery;
pub(super) mod reply;
pub(super) mod requests;
mod slow;
mod span;
pub(super) mod thread;
mod time_limits;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::relay::messages::Announcer;
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::domain::Command;
use crate::media::MessageFlow;
use crate::protocol::FrameError;
use crate::storage::{Applied, HeldRow, Storage, StorageError};
use crate::telemetry::metrics;
use announce::Announcement;
use disk_space::space_for;
use doubt::Progress;
use messages::{Job, PersistenceMsg};
use origins::Origins;
use pending_row::PendingRow;
use reply::{PendingReply, RETRY_AFTER_MS};
use time_limits::{TRANSACTION_TIMEOUT, within};

/// Most commands of one transaction: beyond this the cost of a commit is no longer felt and only the wait grows. With
/// many conversations, messages of a batch still share pages of the index by conversation: 512 were a sixth slower with
/// 500 pairs.
const MAX_BATCH: usize = 1024;
/// Time between two looks at the store while no batch would notice that it fails.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// First and longest wait between attempts to reach the database again.
const RETRY: Range<Duration> = Duration::from_millis(100)..Duration::from_secs(5);

pub(super) struct PersistenceActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct PersistenceArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) announcer: Announcer,
    pub(super) health: Arc<Health>,
    pub(super) progress: Progress,
    /// Hears of batches with messages.
    pub(super) flow: Arc<MessageFlow>,
}

pub(super) struct PersistenceState {
    args: PersistenceArgs,
    mailbox: Mailbox<PersistenceMsg>,
    counters: Arc<ActorCounters>,
    waiting: Vec<Job>,
    /// The turn of the next batch, while that is waited for; those in `waiting` will be in it.
    pending_row: Option<PendingRow>,
    /// Whether the store was to be looked at while a turn was waited for.
    is_check_due: bool,
    /// Nothing is written before `Recover` has found out where the store stands.
    is_recovering: bool,
    retry: Duration,
    /// Bytes that the batches that have failed would have taken: as much must fit before the store counts as working.
    needed_space: usize,
    /// Whether the log says that the database fails.
    is_logged: bool,
    last_logged: Option<Instant>,
}

impl Actor for PersistenceActor {
    type Msg = Timed<PersistenceMsg>;
    type State = PersistenceState;
    type Arguments = PersistenceArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: PersistenceArgs,
    ) -> Result<PersistenceState, ActorProcessingErr> {
        let mailbox = Mailbox::new(myself, self.0.clone());
        // A predecessor may have died between its commit and the announcement.
        mailbox.cast(PersistenceMsg::Recover);
        mailbox.cast_every(CHECK_EVERY, || PersistenceMsg::CheckStore);
        Ok(PersistenceState {
            args,
            mailbox,
            counters: self.0.clone(),
            waiting: Vec::new(),
            pending_row: None,
            is_check_due: false,
            is_recovering: true,
            retry: RETRY.start,
            needed_space: 0,
            is_logged: false,
            last_logged: None,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PersistenceState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            PersistenceMsg::Submit(job) => state.enqueue(*job),
            PersistenceMsg::Flush => state.flush().await,
            PersistenceMsg::RowHeld => state.flush_held().await,
            PersistenceMsg::Recover => state.recover().await,
            PersistenceMsg::CheckStore => Box::pin(state.check_store()).await,
            PersistenceMsg::Drain(reply) => {
                state.flush_held().await;
                while !state.waiting.is_empty() {
                    state.flush_now().await;
                }
                // The caller may have given up.
                let _ = reply.send(());
                state.mailbox.stop();
            }
            #[cfg(feature = "testing")]
            PersistenceMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl PersistenceState {
    fn enqueue(&mut self, job: Job) {
        if self.waiting.is_empty() {
            self.mailbox.cast(PersistenceMsg::Flush);
        }
        self.waiting.push(job);
    }

    /// Writes the next batch, or begins to wait for its turn where other servers take theirs and may have taken one.
    async fn flush(&mut self) {
        if self.pending_row.is_some() {
            return;
        }
        let PersistenceArgs { storage, clock, .. } = &self.args;
        if self.is_recovering || self.waiting.is_empty() || !storage.is_shared() || storage.foresees_row(clock) {
            return self.flush_now().await;
        }
        let (storage, clock) = (self.args.storage.clone(), self.args.clock.clone());
        self.pending_row = Some(PendingRow::wait_for(storage, clock, self.mailbox.clone()));
    }

    async fn flush_now(&mut self) {
        let batch = self.next_batch();
        if self.is_recovering || batch.is_empty() {
            // `Recover` is on its way. Dropping the batch tells its senders to try again.
            return;
        }
        self.write(batch, Instant::now(), Ok(None)).await;
    }

    /// Writes the batch whose turn was waited for; nothing when that was done already.
    async fn flush_held(&mut self) {
        let Some(pending) = self.pending_row.take() else { return };
        let since = pending.since;
        let held = pending.held().await;
        let batch = self.next_batch();
        self.write(batch, since, held.map(Some)).await;
        if std::mem::take(&mut self.is_check_due) {
            Box::pin(self.check_store()).await;
        }
    }

    fn next_batch(&mut self) -> Vec<Job> {
        let mut rest = self.waiting.split_off(self.waiting.len().min(MAX_BATCH));
        if !rest.is_empty() {
            self.mailbox.cast(PersistenceMsg::Flush);
        }
        // The next batch is probably as large; a list that grows is copied several times.
        rest.reserve(self.waiting.len());
        std::mem::replace(&mut self.waiting, rest)
    }

    /// Writes a batch, in the transaction that holds the row for it if there is one.
    async fn write(&mut self, batch: Vec<Job>, started: Instant, held: Result<Option<HeldRow>, StorageError>) {
        let (commands, replies): (Vec<Command>, Vec<PendingReply>) =
            batch.into_iter().map(|job| (job.command, job.reply)).unzip();
        let space = space_for(&commands);
        let has_messages = commands.iter().any(|command| matches!(command, Command::Send(_)));
        let committing = has_messages.then(|| self.args.flow.begin());
        let span = span::of_batch(&replies);
        let done = Box::pin(span.around(self.carry_out(commands, held))).await;
        drop(committing);
        if done.is_err() {
            span.fail();
        }
        let took = started.elapsed();
        slow::note(&self.args.health, self.args.storage.slow_statements(), &replies, took);
        match done {
            Ok(applied) => {
                metrics().store.committed(replies.len(), took);
                self.args.health.note_batch(replies.len(), took);
                self.needed_space = 0;
                self.announce(applied, replies);
            }
            Err(error) => {
                self.needed_space = self.needed_space.max(space);
                // First, so that nobody who is refused finds a server that calls itself ready.
                self.suspend(&error, &Origins::of(&replies));
                for reply in replies {
                    reply.refuse(FrameError::unavailable(RETRY_AFTER_MS));
                }
            }
        }
    }

    async fn carry_out(
        &self,
        commands: Vec<Command>,
        held: Result<Option<HeldRow>, StorageError>,
    ) -> Result<Applied, StorageError> {
        let held = held?;
        let PersistenceArgs { storage, clock, progress, .. } = &self.args;
        progress.begin(&commands, clock.now());
        match held {
            Some(held) => Box::pin(within(TRANSACTION_TIMEOUT, storage.carry_out_in(held, commands, clock))).await,
            None => Box::pin(within(TRANSACTION_TIMEOUT, storage.carry_out(commands, clock))).await,
        }
    }

    /// Announces a committed batch and its effects, then gives the requests in it their answers.
    fn announce(&self, applied: Applied, replies: Vec<PendingReply>) {
        let mut announcement = Announcement::new(replies.len());
        for (outcome, reply) in applied.outcomes.into_iter().zip(replies) {
            announcement.add(outcome, reply);
        }
        let batch = announcement.into_batch(applied.effects);
        let last = applied.batch.last;
        self.args.announcer.announce(applied.batch, batch);
        self.args.progress.settle(last);
    }
}

#[cfg(test)]
mod tests;

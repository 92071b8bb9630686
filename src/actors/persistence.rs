//! The writer: carries out commands in batches and announces what has happened, in commit order: events to the
//! registry, and effects to all who must act on them, where other servers write to the store as well through the relay.
//!
//! Supervised by the root, which replaces it when it fails; commands that wait for an answer are then refused in a way
//! that can be tried again ([`PendingReply`]). Bound: its mailbox and batch hold at most the credit of all sockets, the
//! commands of the requests that hold a [`RequestPermit`](reply::RequestPermit), and one round of the janitor.
//!
//! Batches form without a timer: the first command of an empty batch makes the actor cast `Flush` to itself, which
//! queues behind every message that is waiting already. So a batch is what arrived during the commit before it.
//!
//! A batch whose outcome is not known, because the connection or this actor died in it, is [in doubt](doubt): before
//! anything newer is written, the store is asked what of it is there, and that is announced.

pub(super) mod announce;
mod disk_space;
pub(super) mod doubt;
pub(super) mod messages;
mod origins;
pub(super) mod reply;
pub(super) mod requests;
mod slow;
mod span;
pub(super) mod thread;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::registry::messages::Delivery;
use super::relay::batch::Listeners;
use super::relay::messages::{Announcer, RelayMsg};
use super::session::messages::Resync;
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::domain::{Audience, Command, Event, EventBody};
use crate::protocol::FrameError;
use crate::storage::{Applied, Storage, StorageError};
use crate::telemetry::metrics;
use announce::Announcement;
use disk_space::space_for;
use doubt::{InDoubt, Progress};
use messages::{Job, PersistenceMsg};
use origins::Origins;
use reply::{PendingReply, RETRY_AFTER_MS};

/// Most commands of one transaction: beyond this the cost of a commit is no longer felt and only the wait grows. With
/// many conversations, messages of a batch still share pages of the index by conversation: 512 were a sixth slower with
/// 500 pairs.
const MAX_BATCH: usize = 1024;
/// Longest time for one transaction; then its outcome counts as unknown.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for finding out where the store stands: what takes longer is likely a dead connection, and there may be
/// several.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// A failure is logged at most once in this time: on a disk that is nearly full some batches fit, and the next does
/// not.
const LOG_EVERY: Duration = Duration::from_mins(1);
/// Time between two looks at the store while no batch would notice that it fails.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// First and longest wait between attempts to reach the database again.
const RETRY: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_secs(5);

pub(super) struct PersistenceActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct PersistenceArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) announcer: Announcer,
    pub(super) health: Arc<Health>,
    pub(super) progress: Progress,
}

pub(super) struct PersistenceState {
    args: PersistenceArgs,
    mailbox: Mailbox<PersistenceMsg>,
    counters: Arc<ActorCounters>,
    waiting: Vec<Job>,
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
            PersistenceMsg::Recover => state.recover().await,
            PersistenceMsg::CheckStore => Box::pin(state.check_store()).await,
            PersistenceMsg::Drain(reply) => {
                while !state.waiting.is_empty() {
                    state.flush().await;
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

    async fn flush(&mut self) {
        let rest = self.waiting.split_off(self.waiting.len().min(MAX_BATCH));
        let batch = std::mem::replace(&mut self.waiting, rest);
        if !self.waiting.is_empty() {
            self.mailbox.cast(PersistenceMsg::Flush);
        }
        if self.is_recovering || batch.is_empty() {
            // `Recover` is on its way. Dropping the batch tells its senders to try again.
            return;
        }
        let (commands, replies): (Vec<Command>, Vec<PendingReply>) =
            batch.into_iter().map(|job| (job.command, job.reply)).unzip();
        let started = Instant::now();
        let now = self.args.clock.now();
        let space = space_for(&commands);
        self.args.progress.begin(&commands, now);
        let writing = within(TRANSACTION_TIMEOUT, self.args.storage.carry_out(commands, &self.args.clock));
        let span = span::of_batch(&replies);
        let done = Box::pin(span.around(writing)).await;
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
                let origins = Origins::of(&replies);
                for reply in replies {
                    reply.refuse(FrameError::unavailable(RETRY_AFTER_MS));
                }
                self.needed_space = self.needed_space.max(space);
                self.suspend(&error, &origins);
            }
        }
    }

    /// Announces a committed batch and its effects, then gives the requests in it their answers.
    fn announce(&self, applied: Applied, replies: Vec<PendingReply>) {
        let mut announcement = Announcement::new(replies.len());
        for (outcome, reply) in applied.outcomes.into_iter().zip(replies) {
            announcement.add(outcome, reply);
        }
        let batch = announcement.into_batch(applied.effects);
        self.args.announcer.announce(applied.epoch, applied.nonce, applied.first, applied.last, batch);
        self.args.progress.settle(applied.last);
    }

    /// Finds failures of the store that no batch would meet while nothing is sent.
    async fn check_store(&mut self) {
        if self.is_recovering {
            // `Recover` is on its way.
            return;
        }
        let mut works = within(PROBE_TIMEOUT, self.args.storage.check_files()).await;
        if works.is_ok() && !self.args.storage.requests_can_write() {
            // A probe that works clears the failure that a request has noted.
            works = within(PROBE_TIMEOUT, self.args.storage.probe_head(0)).await.map(drop);
        }
        if let Err(error) = works {
            self.suspend(&error, &Origins::default());
        }
    }

    /// Finds out where the store stands, and announces what of a batch in doubt is there; tries again later when the
    /// database does not answer.
    async fn recover(&mut self) {
        match Box::pin(self.resolve()).await {
            Ok(()) => {
                self.is_recovering = false;
                self.retry = RETRY.start;
                self.args.health.set_storage_works(true);
                if std::mem::take(&mut self.is_logged) {
                    tracing::info!("the database works again");
                }
            }
            Err(error) => self.suspend(&error, &Origins::default()),
        }
    }

    async fn resolve(&self) -> Result<(), StorageError> {
        // Waits for every transaction that has taken numbers: afterwards nothing is in doubt any more.
        let epoch = self.args.storage.known_history().map(|known| known.epoch);
        let head = within(PROBE_TIMEOUT, self.args.storage.probe_head(self.needed_space)).await?;
        match &self.args.announcer {
            Announcer::Direct(listeners) => self.announce_doubtful(listeners).await?,
            // The journal has what of a batch in doubt is there.
            Announcer::Relayed(relay) => relay.0.cast(RelayMsg::Settled { epoch, head }),
        }
        self.args.progress.settle(head);
        Ok(())
    }

    /// Announces what of a batch in doubt is in the store.
    async fn announce_doubtful(&self, listeners: &Listeners) -> Result<(), StorageError> {
        let Some(InDoubt { after, since, senders, effects }) = self.args.progress.in_doubt() else { return Ok(()) };
        let found = within(TRANSACTION_TIMEOUT, self.args.storage.committed_since(after, since, &senders)).await?;
        let effects = within(TRANSACTION_TIMEOUT, self.args.storage.effects_since(effects, since)).await?;
        metrics().messages.stored.add(found.len() as u64);
        let recovered = found.into_iter().map(|message| Delivery::Recovered {
            to: Audience::Members(message.conversation()),
            event: Arc::new(Event { seq: message.seq, body: EventBody::Message(message) }),
        });
        // Sockets that can resume ask the store, which also has what is not a message.
        listeners.registry.deliver(recovered.chain([Delivery::Resync(Resync::InDoubt)]).collect());
        listeners.act_on(effects);
        Ok(())
    }

    /// Writes nothing more until [`recover`](Self::recover) has found out where the database stands.
    fn suspend(&mut self, error: &StorageError, origins: &Origins) {
        self.is_recovering = true;
        self.counters.kind().met(error);
        if let Some(kind) = error.failure() {
            metrics().store.failed(kind);
        }
        self.args.health.set_storage_works(false);
        if error.is_another_history() {
            self.args.announcer.doubt_history();
        }
        if !self.is_logged && self.last_logged.is_none_or(|logged| logged.elapsed() > LOG_EVERY) {
            (self.is_logged, self.last_logged) = (true, Some(Instant::now()));
            let (requests, connections) = (origins.requests(), origins.connections());
            tracing::error!(
                error = %error,
                request.ids = requests,
                connection.ids = connections,
                "cannot write to the database; trying again"
            );
        }
        self.mailbox.cast_after(self.retry, || PersistenceMsg::Recover);
        self.retry = (self.retry * 2).min(RETRY.end);
    }
}

/// Waits for a database call until `limit`, then fails with [`StorageError::TimedOut`].
async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(limit, call).await.unwrap_or(Err(StorageError::TimedOut))
}

#[cfg(test)]
mod tests;

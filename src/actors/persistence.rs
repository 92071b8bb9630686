//! The writer: stores messages in batches and announces them to the registry in commit order.
//!
//! Supervised by the root, which replaces it when it fails; those who wait for an answer then get one that they can try
//! again ([`Ticket`]). Bound: its mailbox and batch hold at most the credit of all sockets.
//!
//! Batches form without a timer: the first message of an empty batch makes the actor cast `Flush` to itself, which queues
//! behind every message that is waiting already. So a batch is what arrived during the commit before it.
//!
//! A batch whose outcome is not known, because the connection or this actor died in it, is [in doubt](InDoubt): before anything
//! newer is written, the store is asked what of it is there, and that is announced.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::health::Health;
use super::mailbox::{Slot, Timed, cast};
use super::registry::{Delivery, RegistryHandle};
use super::ticket::{RETRY_AFTER_MS, Ticket};
use crate::clock::Clock;
use crate::domain::{Draft, MessageId, Timestamp, UserId};
use crate::protocol::{FrameError, legacy};
use crate::storage::{Appended, Refusal, Storage, StorageError};
use crate::telemetry::{ActorKind, metrics};

/// Most messages of one transaction: beyond this the cost of a commit is no longer felt and only the wait grows.
const MAX_BATCH: usize = 512;
/// Longest time for one transaction; then its outcome counts as unknown.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// First and longest wait between attempts to reach the database again.
const RETRY: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_secs(5);

pub(super) enum PersistenceMsg {
    Append(Box<Append>),
    Flush,
    Recover,
    Drain(oneshot::Sender<()>),
    #[cfg(feature = "testing")]
    Crash,
}

pub(super) struct Append {
    draft: Draft,
    ticket: Ticket,
}

/// The writer, whichever incarnation is alive.
#[derive(Clone)]
pub struct PersistenceHandle(pub(super) Slot<PersistenceMsg>);

impl PersistenceHandle {
    /// Stores a message. While the writer is being replaced the ticket is dropped, which answers the sender.
    pub(super) fn append(&self, draft: Draft, ticket: Ticket) {
        self.0.cast(PersistenceMsg::Append(Box::new(Append { draft, ticket })));
    }

    /// Writes all that is waiting and ends; gives up after `limit`.
    pub async fn drain(&self, limit: Duration) {
        let (reply, drained) = oneshot::channel();
        self.0.cast(PersistenceMsg::Drain(reply));
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::error!("the writer did not finish in time");
        }
    }

    /// Makes the writer panic.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(PersistenceMsg::Crash);
    }
}

/// A batch that was given to the database and not yet answered.
#[derive(Clone)]
pub(super) struct InDoubt {
    /// Messages of it have a higher number …
    after: MessageId,
    /// … a time stamp of this or later …
    since: Timestamp,
    /// … and one of these senders. Other nodes write meanwhile, and theirs are not ours to announce.
    senders: HashSet<UserId>,
}

/// What outlives an incarnation of the writer.
pub(super) struct Progress {
    /// The highest number that this node has given out.
    announced: MessageId,
    in_doubt: Option<InDoubt>,
}

impl Progress {
    pub(super) fn new(head: MessageId) -> Self {
        Self { announced: head, in_doubt: None }
    }
}

pub(super) struct PersistenceActor;

#[derive(Clone)]
pub(super) struct PersistenceArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) registry: RegistryHandle,
    pub(super) health: Arc<Health>,
    pub(super) progress: Arc<Mutex<Progress>>,
}

pub(super) struct PersistenceState {
    args: PersistenceArgs,
    waiting: Vec<Append>,
    /// Nothing is written before `Recover` has found out where the store stands.
    lost: bool,
    retry: Duration,
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
        // A predecessor may have died between its commit and the announcement.
        cast(&myself, PersistenceMsg::Recover);
        Ok(PersistenceState { args, waiting: Vec::new(), lost: true, retry: RETRY.start })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PersistenceState,
    ) -> Result<(), ActorProcessingErr> {
        match message.open(ActorKind::Persistence) {
            PersistenceMsg::Append(append) => state.enqueue(&myself, *append),
            PersistenceMsg::Flush => state.flush(&myself).await,
            PersistenceMsg::Recover => state.recover(&myself).await,
            PersistenceMsg::Drain(reply) => {
                while !state.waiting.is_empty() {
                    state.flush(&myself).await;
                }
                // The one who asked may have given up.
                let _ = reply.send(());
                myself.stop(None);
            }
            #[cfg(feature = "testing")]
            PersistenceMsg::Crash => super::crash(),
        }
        Ok(())
    }
}

impl PersistenceState {
    fn enqueue(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>, append: Append) {
        if self.waiting.is_empty() {
            cast(myself, PersistenceMsg::Flush);
        }
        self.waiting.push(append);
    }

    async fn flush(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>) {
        let rest = self.waiting.split_off(self.waiting.len().min(MAX_BATCH));
        let batch = std::mem::replace(&mut self.waiting, rest);
        if !self.waiting.is_empty() {
            cast(myself, PersistenceMsg::Flush);
        }
        if self.lost || batch.is_empty() {
            // `Recover` is on its way. Dropping the batch tells its senders to try again.
            return;
        }
        let (drafts, tickets): (Vec<Draft>, Vec<Ticket>) = batch.into_iter().map(|a| (a.draft, a.ticket)).unzip();
        let started = Instant::now();
        let now = self.args.clock.now();
        self.doubt(&drafts, now);
        match Box::pin(within(self.args.storage.append(drafts, now))).await {
            Ok(appended) => {
                metrics().commit_seconds.record(started.elapsed());
                #[expect(clippy::cast_precision_loss, reason = "a batch has at most 512 rows")]
                metrics().batch_rows.record(tickets.len() as f64);
                self.announce(appended, tickets);
            }
            Err(error) => {
                for ticket in tickets {
                    ticket.refuse(FrameError::unavailable(RETRY_AFTER_MS));
                }
                self.lose(myself, &error);
            }
        }
    }

    fn announce(&self, appended: Appended, tickets: Vec<Ticket>) {
        let mut deliveries = Vec::with_capacity(tickets.len());
        for (result, ticket) in appended.results.into_iter().zip(tickets) {
            match result {
                Ok(message) => deliveries.push(Delivery { message: Arc::new(message), ticket: Some(ticket) }),
                Err(Refusal::UnknownUser) => ticket.refuse(legacy::unknown_user()),
            }
        }
        metrics().messages_stored.increment(deliveries.len() as u64);
        self.args.registry.deliver(deliveries);
        self.settle(appended.last);
    }

    /// Finds out where the store stands, and announces what of a batch in doubt is there; tries again later when the database
    /// does not answer.
    async fn recover(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>) {
        match Box::pin(self.resolve()).await {
            Ok(()) => {
                self.lost = false;
                self.retry = RETRY.start;
                if self.args.health.set_storage_works(true) {
                    tracing::info!("the database works again");
                }
            }
            Err(error) => self.lose(myself, &error),
        }
    }

    async fn resolve(&self) -> Result<(), StorageError> {
        // Waits for every transaction that has taken numbers: afterwards nothing is in doubt any more.
        let head = within(self.args.storage.probe_head()).await?;
        let doubt = self.progress().in_doubt.clone();
        if let Some(InDoubt { after, since, senders }) = doubt {
            let found = within(self.args.storage.committed_since(after, since, &senders)).await?;
            metrics().messages_stored.increment(found.len() as u64);
            let delivery = |message| Delivery { message: Arc::new(message), ticket: None };
            self.args.registry.deliver(found.into_iter().map(delivery).collect());
        }
        self.settle(head);
        Ok(())
    }

    /// From here until [`settle`](Self::settle) the outcome of this batch is not known.
    fn doubt(&self, drafts: &[Draft], now: Timestamp) {
        let mut progress = self.progress();
        let senders = drafts.iter().map(|draft| draft.sender).collect();
        progress.in_doubt = Some(InDoubt { after: progress.announced, since: now, senders });
    }

    fn settle(&self, head: MessageId) {
        *self.progress() = Progress::new(head);
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        // Plain values, whole after any panic.
        self.args.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database failed: nothing is written until [`recover`](Self::recover) has found out where it stands.
    fn lose(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>, error: &StorageError) {
        self.lost = true;
        if self.args.health.set_storage_works(false) {
            tracing::error!(error = %error, "cannot write to the database; trying again");
        }
        myself.send_after(self.retry, || Timed::new(PersistenceMsg::Recover));
        self.retry = (self.retry * 2).min(RETRY.end);
    }
}

/// A database call that answers in time, one way or the other.
async fn within<T>(call: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(TRANSACTION_TIMEOUT, call).await.unwrap_or(Err(StorageError::TimedOut))
}

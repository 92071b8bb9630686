//! The writer: stores messages in batches and announces them to the registry in commit order.
//!
//! Supervised by the root, which replaces it when it fails; those who wait for an answer then get one that they can try
//! again ([`Ticket`]). Bound: its mailbox and batch hold at most the credit of all sockets.
//!
//! Batches form without a timer: the first message of an empty batch makes the actor cast `Flush` to itself, which queues
//! behind every message that is waiting already. So a batch is what arrived during the commit before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Slot, Timed, cast};
use super::registry::RegistryHandle;
use super::ticket::{RETRY_AFTER_MS, Ticket};
use crate::clock::Clock;
use crate::domain::{Draft, Message, MessageId};
use crate::protocol::{FrameError, legacy};
use crate::storage::{Refusal, Storage, StorageError};
use crate::telemetry::{ActorKind, metrics};

/// Most messages of one transaction: beyond this the cost of a commit is no longer felt and only the wait grows.
const MAX_BATCH: usize = 512;
/// Messages read at once when it must be found out what was committed.
const RECOVERY_PAGE: u64 = 256;
/// Longest time for one transaction; then its outcome counts as unknown.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// First and longest wait between attempts to reach the database again.
const RETRY: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_secs(5);

pub(super) enum PersistenceMsg {
    Append(Box<Append>),
    Flush,
    Recover,
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
        if let Some(actor) = self.0.get()
            && let Err(error) = actor.drain_and_wait(Some(limit)).await
        {
            tracing::error!(error = %error, "the writer did not finish in time");
        }
    }

    /// Makes the writer panic.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(PersistenceMsg::Crash);
    }
}

pub(super) struct PersistenceActor;

#[derive(Clone)]
pub(super) struct PersistenceArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) registry: RegistryHandle,
    pub(super) health: Arc<Health>,
    /// The highest number that was given out and announced. Outlives this actor.
    pub(super) announced: Arc<AtomicI64>,
}

pub(super) struct PersistenceState {
    args: PersistenceArgs,
    waiting: Vec<Append>,
    /// The outcome of an earlier transaction is not known: read the store before writing anything newer.
    uncertain: bool,
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
        Ok(PersistenceState { args, waiting: Vec::new(), uncertain: true, retry: RETRY.start })
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
            #[cfg(feature = "testing")]
            PersistenceMsg::Crash => crash(),
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
        if self.uncertain {
            // `Recover` is on its way. Dropping the batch tells its senders to try again.
            return;
        }
        let (drafts, tickets): (Vec<Draft>, Vec<Ticket>) = batch.into_iter().map(|a| (a.draft, a.ticket)).unzip();
        let started = Instant::now();
        let now = self.args.clock.now();
        let outcome = Box::pin(within(self.args.storage.append(&drafts.iter().collect::<Vec<_>>(), now))).await;
        match outcome {
            Ok(appended) => {
                metrics().commit_seconds.record(started.elapsed());
                #[expect(clippy::cast_precision_loss, reason = "a batch has at most 512 rows")]
                metrics().batch_rows.record(tickets.len() as f64);
                if let Err(error) = self.announce_before(appended.first).await {
                    // Committed, but something before it is not known: read everything back, in order.
                    confirm(tickets);
                    return self.lose(myself, &error);
                }
                self.announce(appended.results, tickets, appended.last);
            }
            Err(error) => {
                for ticket in tickets {
                    ticket.refuse(FrameError::unavailable(RETRY_AFTER_MS));
                }
                self.lose(myself, &error);
            }
        }
    }

    fn announce(&self, results: Vec<Result<Message, Refusal>>, tickets: Vec<Ticket>, last: MessageId) {
        let mut stored = Vec::with_capacity(results.len());
        let mut confirmed = Vec::with_capacity(results.len());
        for (result, ticket) in results.into_iter().zip(tickets) {
            match result {
                Ok(message) => {
                    stored.push(Arc::new(message));
                    confirmed.push(ticket);
                }
                Err(Refusal::UnknownUser) => ticket.refuse(legacy::unknown_user()),
            }
        }
        metrics().messages_stored.increment(stored.len() as u64);
        self.args.registry.deliver(stored);
        self.args.announced.store(last.0, Ordering::Relaxed);
        // Credit goes back only now, when the sender's own copy is on its way too.
        confirm(confirmed);
    }

    /// Announces what was committed between the last announcement and `first`: a transaction whose outcome was not known.
    async fn announce_before(&self, first: MessageId) -> Result<(), StorageError> {
        loop {
            let announced = MessageId(self.args.announced.load(Ordering::Relaxed));
            if announced.0 + 1 >= first.0 {
                return Ok(());
            }
            let page = within(self.args.storage.messages_after(announced, RECOVERY_PAGE)).await?;
            let older: Vec<Arc<Message>> = page.into_iter().filter(|m| m.id < first).map(Arc::new).collect();
            let reached = if older.len() < usize::try_from(RECOVERY_PAGE).unwrap_or(usize::MAX) {
                MessageId(first.0 - 1)
            } else {
                older.last().map_or(announced, |message| message.id)
            };
            self.args.registry.deliver(older);
            self.args.announced.store(reached.0, Ordering::Relaxed);
        }
    }

    /// Reads back what is there and announces it; tries again later when the database does not answer.
    async fn recover(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>) {
        let recovered = match within(self.args.storage.probe_head()).await {
            Ok(head) => self.announce_before(MessageId(head.0 + 1)).await,
            Err(error) => Err(error),
        };
        match recovered {
            Ok(()) => {
                self.uncertain = false;
                self.retry = RETRY.start;
                if self.args.health.set_storage_works(true) {
                    tracing::info!("the database works again");
                }
            }
            Err(error) => self.lose(myself, &error),
        }
    }

    /// The database failed: nothing is written until [`recover`](Self::recover) has found out where it stands.
    fn lose(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>, error: &StorageError) {
        self.uncertain = true;
        if self.args.health.set_storage_works(false) {
            tracing::error!(error = %error, "cannot write to the database; trying again");
        }
        myself.send_after(self.retry, || Timed::new(PersistenceMsg::Recover));
        self.retry = (self.retry * 2).min(RETRY.end);
    }
}

fn confirm(tickets: Vec<Ticket>) {
    for ticket in tickets {
        ticket.confirm();
    }
}

/// A database call that answers in time, one way or the other.
async fn within<T>(call: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(TRANSACTION_TIMEOUT, call).await.unwrap_or(Err(StorageError::TimedOut))
}

#[cfg(feature = "testing")]
fn crash() {
    panic!("crashed on request of a test");
}

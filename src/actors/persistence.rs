//! The writer: carries out commands in batches and announces what has happened to the registry in commit order.
//!
//! Supervised by the root, which replaces it when it fails; those who wait for an answer then get one that they can try
//! again ([`PendingReply`]). Bound: its mailbox and batch hold at most the credit of all sockets.
//!
//! Batches form without a timer: the first command of an empty batch makes the actor cast `Flush` to itself, which queues
//! behind every message that is waiting already. So a batch is what arrived during the commit before it.
//!
//! A batch whose outcome is not known, because the connection or this actor died in it, is [in doubt](InDoubt): before anything
//! newer is written, the store is asked what of it is there, and that is announced.

pub(super) mod disk_space;
pub(super) mod reply;
pub(super) mod thread;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::health::Health;
use super::mailbox::{Slot, Timed, cast};
use super::registry::{Delivery, RegistryHandle};
use crate::clock::Clock;
use crate::domain::{Answer, Audience, Command, Event, EventBody, Outcome, Seq, Timestamp, UserId};
use crate::protocol::FrameError;
use crate::storage::{Applied, Storage, StorageError};
use crate::telemetry::{ActorKind, metrics};
use disk_space::room_of;
use reply::{Confirmed, PendingReply, RETRY_AFTER_MS, Reply, RequestPermit, Told};

/// Most commands of one transaction: beyond this the cost of a commit is no longer felt and only the wait grows. With many
/// conversations, messages of a batch still share pages of the index by conversation: 512 were a sixth slower with 500 pairs.
const MAX_BATCH: usize = 1024;
/// Longest time for one transaction; then its outcome counts as unknown.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for finding out where the store stands: what waits longer is likely a dead connection, and there may be several.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// A failure is told at most once in this time: on a disk that is nearly full some batches fit, and the next one does not.
const TOLD_EVERY: Duration = Duration::from_mins(1);
/// Between two looks at what nobody tells: whether the store is still in its place, and whether requests fail to write.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// First and longest wait between attempts to reach the database again.
const RETRY: std::ops::Range<Duration> = Duration::from_millis(100)..Duration::from_secs(5);

pub(super) enum PersistenceMsg {
    Submit(Box<Job>),
    Flush,
    Recover,
    Watch,
    Drain(oneshot::Sender<()>),
    #[cfg(feature = "testing")]
    Crash,
}

pub(super) struct Job {
    command: Command,
    reply: PendingReply,
}

/// The writer, whichever incarnation is alive.
#[derive(Clone)]
pub struct PersistenceHandle(pub(super) Slot<PersistenceMsg>);

impl PersistenceHandle {
    /// Carries out a command. While the writer is being replaced the reply is dropped, which answers the one who asks.
    pub(super) fn submit(&self, command: Command, reply: PendingReply) {
        self.0.cast(PersistenceMsg::Submit(Box::new(Job { command, reply })));
    }

    /// Carries out a command that comes from no socket, and waits for what comes of it. It is carried out even when nobody
    /// waits any more.
    pub async fn ask(&self, command: Command, permit: RequestPermit) -> Result<Answer, FrameError> {
        let (reply, answer) = oneshot::channel();
        self.submit(command, PendingReply::caller(reply, permit));
        answer.await.unwrap_or_else(|_| Err(FrameError::unavailable(RETRY_AFTER_MS)))
    }

    /// Carries out a command whose outcome nobody waits for.
    pub fn tell(&self, command: Command, permit: RequestPermit) {
        self.submit(command, PendingReply::nobody(permit));
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
    after: Seq,
    /// … a time stamp of this or later …
    since: Timestamp,
    /// … and one of these senders. Other nodes write meanwhile, and theirs are not ours to announce.
    senders: HashSet<UserId>,
}

/// What outlives an incarnation of the writer.
pub(super) struct Progress {
    /// The highest number that this node has given out.
    announced: Seq,
    in_doubt: Option<InDoubt>,
}

impl Progress {
    pub(super) fn new(head: Seq) -> Self {
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
    waiting: Vec<Job>,
    /// Nothing is written before `Recover` has found out where the store stands.
    lost: bool,
    retry: Duration,
    /// What the batches that have failed would have taken: as much must fit before it is said to work again.
    room: usize,
    /// The log says that the database fails.
    is_told: bool,
    last_told: Option<Instant>,
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
        myself.send_interval(WATCH_EVERY, || Timed::new(PersistenceMsg::Watch));
        Ok(PersistenceState {
            args,
            waiting: Vec::new(),
            lost: true,
            retry: RETRY.start,
            room: 0,
            is_told: false,
            last_told: None,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PersistenceState,
    ) -> Result<(), ActorProcessingErr> {
        match message.open(ActorKind::Persistence) {
            PersistenceMsg::Submit(job) => state.enqueue(&myself, *job),
            PersistenceMsg::Flush => state.flush(&myself).await,
            PersistenceMsg::Recover => state.recover(&myself).await,
            PersistenceMsg::Watch => Box::pin(state.watch(&myself)).await,
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
    fn enqueue(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>, job: Job) {
        if self.waiting.is_empty() {
            cast(myself, PersistenceMsg::Flush);
        }
        self.waiting.push(job);
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
        let (commands, replies): (Vec<Command>, Vec<PendingReply>) =
            batch.into_iter().map(|job| (job.command, job.reply)).unzip();
        let started = Instant::now();
        let now = self.args.clock.now();
        let room = room_of(&commands);
        self.doubt(&commands, now);
        match Box::pin(within(TRANSACTION_TIMEOUT, self.args.storage.apply(commands, now))).await {
            Ok(applied) => {
                metrics().commit_seconds.record(started.elapsed());
                #[expect(clippy::cast_precision_loss, reason = "a batch has at most 1,024 rows")]
                metrics().batch_rows.record(replies.len() as f64);
                self.room = 0;
                self.announce(applied, replies);
            }
            Err(error) => {
                for reply in replies {
                    reply.refuse(FrameError::unavailable(RETRY_AFTER_MS));
                }
                self.room = self.room.max(room);
                self.lose(myself, &error);
            }
        }
    }

    fn announce(&self, applied: Applied, replies: Vec<PendingReply>) {
        let mut deliveries = Vec::with_capacity(replies.len() * 2);
        if applied.first.0 > self.progress().announced.0 + 1 {
            // Another process has written: what it has numbered lower must not come later.
            deliveries.push(Delivery::Resync);
        }
        let (mut late, mut callers) = (Vec::new(), Vec::new());
        for (Outcome { answer, events }, reply) in applied.outcomes.into_iter().zip(replies) {
            match answer {
                Ok(answer) => {
                    if matches!(&answer, Answer::Stored(stored) if !stored.duplicate) {
                        metrics().messages_stored.increment(1);
                    }
                    let asked = match reply.confirm(answer) {
                        Confirmed::Socket(reply) => Some(reply),
                        Confirmed::Other(told) => {
                            callers.push(told);
                            None
                        }
                    };
                    tell_of(&mut deliveries, &mut late, asked, events);
                }
                Err(refusal) => reply.refuse(refusal.into()),
            }
        }
        deliveries.append(&mut late);
        self.args.registry.deliver(deliveries);
        callers.into_iter().for_each(Told::tell);
        self.settle(applied.last);
    }

    /// Looks at what nobody tells while nothing is sent.
    async fn watch(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>) {
        if self.lost {
            // `Recover` is on its way.
            return;
        }
        let mut works = within(PROBE_TIMEOUT, self.args.storage.check_files()).await;
        if works.is_ok() && !self.args.storage.requests_can_write() {
            // One that works clears what one that has failed had noted.
            works = within(PROBE_TIMEOUT, self.args.storage.probe_head(0)).await.map(drop);
        }
        if let Err(error) = works {
            self.lose(myself, &error);
        }
    }

    /// Finds out where the store stands, and announces what of a batch in doubt is there; tries again later when the database
    /// does not answer.
    async fn recover(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>) {
        match Box::pin(self.resolve()).await {
            Ok(()) => {
                self.lost = false;
                self.retry = RETRY.start;
                self.args.health.set_storage_works(true);
                if std::mem::take(&mut self.is_told) {
                    tracing::info!("the database works again");
                }
            }
            Err(error) => self.lose(myself, &error),
        }
    }

    async fn resolve(&self) -> Result<(), StorageError> {
        // Waits for every transaction that has taken numbers: afterwards nothing is in doubt any more.
        let head = within(PROBE_TIMEOUT, self.args.storage.probe_head(self.room)).await?;
        let doubt = self.progress().in_doubt.clone();
        if let Some(InDoubt { after, since, senders }) = doubt {
            let found = within(TRANSACTION_TIMEOUT, self.args.storage.committed_since(after, since, &senders)).await?;
            metrics().messages_stored.increment(found.len() as u64);
            let recovered = found.into_iter().map(|message| {
                let sides = [message.sender, message.receiver];
                Delivery::Recovered(sides, Arc::new(Event { seq: message.id.seq(), body: EventBody::Message(message) }))
            });
            // Sockets that can resume ask the store, which also has what is not a message.
            self.args.registry.deliver(recovered.chain([Delivery::Resync]).collect());
        } else if head > self.progress().announced {
            // Another process has written meanwhile.
            self.args.registry.deliver(vec![Delivery::Resync]);
        }
        self.settle(head);
        Ok(())
    }

    /// From here until [`settle`](Self::settle) the outcome of this batch is not known.
    fn doubt(&self, commands: &[Command], now: Timestamp) {
        let mut progress = self.progress();
        let sender = |command: &Command| if let Command::Send(draft) = command { Some(draft.sender) } else { None };
        let senders = commands.iter().filter_map(sender).collect();
        progress.in_doubt = Some(InDoubt { after: progress.announced, since: now, senders });
    }

    fn settle(&self, head: Seq) {
        *self.progress() = Progress::new(head);
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        // Plain values, whole after any panic.
        self.args.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database failed: nothing is written until [`recover`](Self::recover) has found out where it stands.
    fn lose(&mut self, myself: &ActorRef<Timed<PersistenceMsg>>, error: &StorageError) {
        self.lost = true;
        self.args.health.set_storage_works(false);
        if !self.is_told && self.last_told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
            (self.is_told, self.last_told) = (true, Some(Instant::now()));
            tracing::error!(error = %error, "cannot write to the database; trying again");
        }
        myself.send_after(self.retry, || Timed::new(PersistenceMsg::Recover));
        self.retry = (self.retry * 2).min(RETRY.end);
    }
}

/// What has happened, with the answer in the place of the event that it is about, or alone.
fn tell_of(
    deliveries: &mut Vec<Delivery>,
    late: &mut Vec<Delivery>,
    mut asked: Option<Reply>,
    events: Vec<(Audience, Arc<Event>)>,
) {
    for (to, event) in events {
        let own = |reply: &mut Reply| Audience::User(reply.origin.user) == to && !matches!(reply.answer, Answer::Done);
        let reply = asked.take_if(own);
        deliveries.push(Delivery::Event { to, event, reply });
    }
    let Some(reply) = asked else { return };
    // A receipt that was merged into a later one of the batch is not answered before that one is told.
    let to = if matches!(reply.answer, Answer::Read { .. }) { late } else { deliveries };
    to.push(Delivery::Answer(reply));
}

/// A database call that answers in time, one way or the other.
async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(limit, call).await.unwrap_or(Err(StorageError::TimedOut))
}

//! Mailboxes whose waiting time is measured, and the place of an actor that may be replaced.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ractor::{ActorCell, ActorId, ActorRef};

use super::stats::{ActorStats, Busy, Waiting};

/// A message and when it was put into the mailbox.
pub(super) struct Timed<M> {
    queued_at: Instant,
    waiting: Waiting,
    message: M,
}

impl<M> Timed<M> {
    fn new(message: M, stats: &ActorStats) -> Self {
        let queued_at = Instant::now();
        Self { queued_at, waiting: stats.queued(queued_at), message }
    }

    /// Takes the message out and records how long it waited. The actor counts as busy until the guard is dropped.
    pub(super) fn open(self, stats: &ActorStats) -> (M, Busy<'_>) {
        drop(self.waiting);
        (self.message, stats.taken(self.queued_at))
    }
}

/// Where one actor takes its messages.
pub(super) struct Mailbox<M> {
    actor: ActorRef<Timed<M>>,
    stats: Arc<ActorStats>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self { actor: self.actor.clone(), stats: self.stats.clone() }
    }
}

impl<M: Send + 'static> Mailbox<M> {
    pub(super) fn new(actor: ActorRef<Timed<M>>, stats: Arc<ActorStats>) -> Self {
        Self { actor, stats }
    }

    /// Puts `message` into the mailbox; it is dropped when the actor has ended.
    pub(super) fn cast(&self, message: M) {
        // An actor that has ended is noticed by its supervisor, and by those whose reply is dropped.
        let _ = self.actor.cast(Timed::new(message, &self.stats));
    }

    /// Puts a message into the mailbox after `wait`.
    pub(super) fn cast_after(&self, wait: Duration, message: impl FnOnce() -> M + Send + 'static) {
        let stats = self.stats.clone();
        self.actor.send_after(wait, move || Timed::new(message(), &stats));
    }

    /// Puts a message into the mailbox every so often, until the actor ends.
    pub(super) fn cast_every(&self, every: Duration, message: impl Fn() -> M + Send + 'static) {
        let stats = self.stats.clone();
        self.actor.send_interval(every, move || Timed::new(message(), &stats));
    }

    pub(super) fn id(&self) -> ActorId {
        self.actor.get_id()
    }

    /// The actor, as its supervisor and its children know it.
    pub(super) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Ends the actor after the message in hand.
    pub(super) fn stop(&self) {
        self.actor.stop(None);
    }
}

/// The place of a supervised actor, in which its successors follow it. Clones share the place.
pub(super) struct Slot<M> {
    actor: Arc<RwLock<Option<ActorRef<Timed<M>>>>>,
    stats: Arc<ActorStats>,
}

impl<M> Clone for Slot<M> {
    fn clone(&self) -> Self {
        Self { actor: self.actor.clone(), stats: self.stats.clone() }
    }
}

impl<M: Send + 'static> Slot<M> {
    /// An empty place.
    pub(super) fn new(stats: Arc<ActorStats>) -> Self {
        Self { actor: Arc::default(), stats }
    }

    pub(super) fn set(&self, actor: Option<ActorRef<Timed<M>>>) {
        *self.actor.write().unwrap_or_else(PoisonError::into_inner) = actor;
    }

    /// Puts `message` into the mailbox of the actor that is in place; it is dropped when there is none.
    pub(super) fn cast(&self, message: M) {
        let actor = self.actor.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(actor) = actor {
            // As in a mailbox.
            let _ = actor.cast(Timed::new(message, &self.stats));
        }
    }

    /// The counters of the actor in this place.
    pub(super) fn stats(&self) -> &Arc<ActorStats> {
        &self.stats
    }
}

/// Makes the actor fail that handles this.
#[cfg(feature = "testing")]
pub(super) fn crash() {
    panic!("crashed on request of a test");
}

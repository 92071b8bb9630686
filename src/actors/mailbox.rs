//! Mailboxes whose waiting time is measured, and the place of an actor that may be replaced.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ractor::{ActorCell, ActorId, ActorRef};

use super::stats::{ActorCounters, ActorStats, Busy, Moment};

/// A message and when it was put into the mailbox.
pub(super) struct Timed<M> {
    queued_at: Moment,
    message: M,
}

impl<M> Timed<M> {
    fn new(message: M, counters: &ActorCounters) -> Self {
        let queued_at = counters.now();
        counters.queued(queued_at);
        Self { queued_at, message }
    }

    /// Takes the message out and records how long it waited. The actor counts as busy until the guard is dropped.
    pub(super) fn open(self, counters: &ActorCounters) -> (M, Busy<'_>) {
        (self.message, counters.taken(self.queued_at))
    }
}

/// Where one actor takes its messages.
pub(super) struct Mailbox<M> {
    actor: ActorRef<Timed<M>>,
    counters: Arc<ActorCounters>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self { actor: self.actor.clone(), counters: self.counters.clone() }
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// The mailbox of `actor`, which opens its messages with the same counters.
    pub(super) fn new(actor: ActorRef<Timed<M>>, counters: Arc<ActorCounters>) -> Self {
        Self { actor, counters }
    }

    /// Puts `message` into the mailbox; it is dropped when the actor has ended.
    pub(super) fn cast(&self, message: M) {
        // An actor that has ended is noticed by its supervisor, and by those whose reply is dropped.
        let _ = self.actor.cast(Timed::new(message, &self.counters));
    }

    /// Puts a message into the mailbox after `wait`.
    pub(super) fn cast_after(&self, wait: Duration, message: impl FnOnce() -> M + Send + 'static) {
        let counters = self.counters.clone();
        self.actor.send_after(wait, move || Timed::new(message(), &counters));
    }

    /// Puts a message into the mailbox every so often, until the actor ends.
    pub(super) fn cast_every(&self, every: Duration, message: impl Fn() -> M + Send + 'static) {
        let counters = self.counters.clone();
        self.actor.send_interval(every, move || Timed::new(message(), &counters));
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
    mailbox: Arc<RwLock<Option<Mailbox<M>>>>,
    stats: Arc<ActorStats>,
}

impl<M> Clone for Slot<M> {
    fn clone(&self) -> Self {
        Self { mailbox: self.mailbox.clone(), stats: self.stats.clone() }
    }
}

impl<M: Send + 'static> Slot<M> {
    /// An empty place.
    pub(super) fn new(stats: Arc<ActorStats>) -> Self {
        Self { mailbox: Arc::default(), stats }
    }

    /// Gives the place to an actor that has started.
    pub(super) fn fill(&self, mailbox: Mailbox<M>) {
        *self.mailbox.write().unwrap_or_else(PoisonError::into_inner) = Some(mailbox);
    }

    /// Empties the place: its actor has ended.
    pub(super) fn vacate(&self) {
        if let Some(mailbox) = self.mailbox.write().unwrap_or_else(PoisonError::into_inner).take() {
            mailbox.counters.ended();
        }
    }

    /// Puts `message` into the mailbox of the actor that is in place; it is dropped when there is none.
    pub(super) fn cast(&self, message: M) {
        if let Some(mailbox) = &*self.mailbox.read().unwrap_or_else(PoisonError::into_inner) {
            mailbox.cast(message);
        }
    }

    /// The counters of the kind of actor that takes this place.
    pub(super) fn stats(&self) -> &Arc<ActorStats> {
        &self.stats
    }
}

/// Makes the actor fail that handles this.
#[cfg(feature = "testing")]
pub(super) fn crash() {
    panic!("crashed on request of a test");
}

//! Mailboxes whose waiting time is measured, and a place for an actor that may be replaced.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use ractor::ActorRef;

use crate::telemetry::{ActorKind, metrics};

/// A message and when it was put into the mailbox.
pub(super) struct Timed<M> {
    queued_at: Instant,
    message: M,
}

impl<M> Timed<M> {
    pub(super) fn new(message: M) -> Self {
        Self { queued_at: Instant::now(), message }
    }

    /// Takes the message out and records how long it waited.
    pub(super) fn open(self, kind: ActorKind) -> M {
        metrics().mailbox_wait(kind, self.queued_at);
        self.message
    }
}

/// Puts `message` into the mailbox; dropped when the actor is gone.
pub(super) fn cast<M: Send + 'static>(actor: &ActorRef<Timed<M>>, message: M) {
    // The only error is that the actor has ended. Whoever must know learns it from its supervisor or from a drop.
    let _ = actor.cast(Timed::new(message));
}

/// Where the present incarnation of a supervised actor is found. Clones share the place.
pub(super) struct Slot<M>(Arc<RwLock<Option<ActorRef<Timed<M>>>>>);

impl<M> Clone for Slot<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Send + 'static> Slot<M> {
    pub(super) fn empty() -> Self {
        Self(Arc::default())
    }

    pub(super) fn set(&self, actor: Option<ActorRef<Timed<M>>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = actor;
    }

    pub(super) fn get(&self) -> Option<ActorRef<Timed<M>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts `message` into the mailbox of the present incarnation; dropped when there is none.
    pub(super) fn cast(&self, message: M) {
        if let Some(actor) = self.get() {
            cast(&actor, message);
        }
    }
}

//! Counters of each kind of actor, kept by its mailbox: they can be read while the actor is stuck.
//!
//! Sessions share one set of counters. Their waits and their work are those of the session that was served last, and
//! their other figures the sum over all of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::telemetry::{ActorKind, metrics};

/// The counters of one kind of actor. Writing them costs a few relaxed atomic operations a message.
#[derive(Debug)]
pub(super) struct ActorStats {
    kind: ActorKind,
    /// The zero of the times below.
    start: Instant,
    alive: AtomicU64,
    restarts: AtomicU64,
    handled: AtomicU64,
    /// Each message in a mailbox holds a clone, so that one which is dropped unread stops counting, too.
    waiting: Arc<()>,
    /// Microseconds after the start at which the oldest waiting message was queued, or earlier.
    oldest_at: AtomicU64,
    /// Microseconds after the start at which the message in hand was taken out; 0 when there is none.
    busy_since: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The state of one kind of actor at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorSnapshot {
    /// Actors of the kind that run.
    pub alive: u64,
    /// Actors of the kind that have failed since the start. All but sessions are replaced by a successor.
    pub restarts: u64,
    /// Messages that were taken out of mailboxes since the start.
    pub handled: u64,
    /// Messages in mailboxes.
    pub waiting: usize,
    /// The wait of the oldest message, at most; `None` when no message waits.
    pub oldest_wait: Option<Duration>,
    /// How long the message in hand has been worked on; `None` when there is none.
    pub busy_for: Option<Duration>,
    /// The last failure, or the last error that the actor has met and survived.
    pub last_error: Option<String>,
}

/// A message in a mailbox, for as long as it is there.
pub(super) struct Waiting(#[expect(dead_code, reason = "counted by its existence")] Arc<()>);

/// A message in hand. Dropped, the actor is idle.
pub(super) struct Busy<'a>(&'a ActorStats);

impl ActorStats {
    /// Counters that are all zero at `start`.
    pub(super) fn new(kind: ActorKind, start: Instant) -> Self {
        Self {
            kind,
            start,
            alive: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            waiting: Arc::new(()),
            oldest_at: AtomicU64::new(0),
            busy_since: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }

    /// Counts an actor that has started.
    pub(super) fn started(&self) {
        self.alive.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an actor that has ended.
    pub(super) fn ended(&self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether an actor of the kind runs.
    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed) > 0
    }

    /// Counts an actor that has failed.
    pub(super) fn failed(&self, error: &impl ToString) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        metrics().actor_restarted(self.kind);
        self.met(error);
    }

    /// Keeps the last error.
    pub(super) fn met(&self, error: &impl ToString) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    /// Counts a message that is put into a mailbox.
    pub(super) fn queued(&self, at: Instant) -> Waiting {
        if self.waiting() == 0 {
            self.oldest_at.store(self.micros(at), Ordering::Relaxed);
        }
        Waiting(self.waiting.clone())
    }

    /// Counts a message that was put into a mailbox at `queued_at` and is taken out now.
    pub(super) fn taken(&self, queued_at: Instant) -> Busy<'_> {
        let now = Instant::now();
        metrics().mailbox_wait(self.kind, now.saturating_duration_since(queued_at));
        self.handled.fetch_add(1, Ordering::Relaxed);
        // Those behind it were queued later.
        self.oldest_at.store(self.micros(queued_at), Ordering::Relaxed);
        self.busy_since.store(self.micros(now).max(1), Ordering::Relaxed);
        Busy(self)
    }

    /// What the counters show now.
    pub(super) fn snapshot(&self) -> ActorSnapshot {
        let now = self.micros(Instant::now());
        let since = |at: u64| Duration::from_micros(now.saturating_sub(at));
        let waiting = self.waiting();
        let busy_since = self.busy_since.load(Ordering::Relaxed);
        ActorSnapshot {
            alive: self.alive.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
            handled: self.handled.load(Ordering::Relaxed),
            waiting,
            oldest_wait: (waiting > 0).then(|| since(self.oldest_at.load(Ordering::Relaxed))),
            busy_for: (busy_since > 0).then(|| since(busy_since)),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn waiting(&self) -> usize {
        Arc::strong_count(&self.waiting) - 1
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy_since.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats() -> ActorStats {
        ActorStats::new(ActorKind::Janitor, Instant::now().checked_sub(Duration::from_mins(1)).unwrap())
    }

    #[test]
    fn messages_are_counted_while_they_wait_and_when_they_are_taken_out() {
        let stats = stats();
        let earlier = Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
        let (first, second) = (stats.queued(earlier), stats.queued(Instant::now()));
        let seen = stats.snapshot();
        assert_eq!((seen.waiting, seen.handled, seen.busy_for), (2, 0, None));
        assert!(seen.oldest_wait.unwrap() >= Duration::from_secs(20));
        drop(first);
        let busy = stats.taken(earlier);
        let seen = stats.snapshot();
        assert_eq!((seen.waiting, seen.handled), (1, 1));
        assert!(seen.busy_for.unwrap() < Duration::from_secs(10), "it was taken out just now");
        drop(busy);
        drop(second);
        let seen = stats.snapshot();
        assert_eq!((seen.waiting, seen.handled, seen.oldest_wait, seen.busy_for), (0, 1, None, None));
    }

    #[test]
    fn after_a_pause_the_wait_begins_with_the_next_message() {
        let stats = stats();
        drop(stats.taken(Instant::now().checked_sub(Duration::from_secs(50)).unwrap()));
        let _waiting = stats.queued(Instant::now());
        assert!(stats.snapshot().oldest_wait.unwrap() < Duration::from_secs(10));
    }

    #[test]
    fn failures_keep_their_error() {
        let stats = stats();
        stats.started();
        assert!(stats.is_alive());
        stats.failed(&"disk on fire");
        stats.ended();
        let seen = stats.snapshot();
        assert_eq!((seen.alive, seen.restarts, seen.last_error.as_deref()), (0, 1, Some("disk on fire")));
    }
}

//! Counters of the actors, kept by their mailboxes: they can be read while an actor is stuck.
//!
//! Each actor has counters of its own ([`ActorCounters`]), so that no two sessions write the same cache line for each
//! message. What is shown of a kind ([`ActorStats`]) is the sum, and the longest of the times, over its actors.

mod snapshot;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

#[cfg(feature = "testing")]
use super::fault::FaultSwitch;
use super::session::figures::SessionFigures;
use crate::domain::UserId;
use crate::telemetry::{ActorKind, SlowLog, metrics, millis};

pub use snapshot::{ActorSnapshot, LastError};

/// The counters of one kind of actor.
#[derive(Debug)]
pub(super) struct ActorStats {
    kind: ActorKind,
    /// The zero of the times of its actors.
    start: Instant,
    /// What is logged of messages whose handling took long.
    slow: SlowLog,
    alive: AtomicU64,
    restarts: AtomicU64,
    /// Messages that were taken out by actors whose counters are gone.
    handled_before: AtomicU64,
    last_error: Mutex<Option<(String, Instant)>>,
    actors: Mutex<Vec<Weak<ActorCounters>>>,
    /// Actors that were ever started.
    started: AtomicU64,
    /// What tests inflict on actors of the kind.
    #[cfg(feature = "testing")]
    fault: FaultSwitch,
}

/// The counters of one actor. Any thread counts what it queues; the rest is written by the actor alone.
#[derive(Debug)]
pub(super) struct ActorCounters {
    stats: Arc<ActorStats>,
    /// Its number among those of its kind.
    number: u64,
    /// The user whose session it is.
    user: Option<UserId>,
    /// Microseconds after the start at which it was started.
    started_at: u64,
    queued: AtomicU64,
    handled: AtomicU64,
    /// Microseconds after the start at which the oldest waiting message was queued, or earlier.
    oldest_at: AtomicU64,
    /// Microseconds after the start at which the message in hand was taken out; 0 when there is none.
    busy_since: AtomicU64,
    /// What is queued from now on is dropped unread.
    has_ended: AtomicBool,
}

/// A message in hand. Dropped, the actor is idle.
pub(super) struct Busy<'a> {
    counters: &'a ActorCounters,
    since: Moment,
}

/// A moment, in microseconds after the start of the counters. Each message is noted with two, so they are made once,
/// and compared as numbers.
#[derive(Clone, Copy)]
pub(super) struct Moment(u64);

impl Moment {
    /// Returns the time that has passed since an earlier moment; zero when that was later.
    fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl ActorStats {
    /// Counters that are all zero at `start`. Messages whose handling takes longer than `slow_ms` milliseconds are
    /// logged; none are with 0.
    pub(super) fn new(kind: ActorKind, start: Instant, slow_ms: u64) -> Self {
        Self {
            kind,
            start,
            slow: SlowLog::new(slow_ms),
            alive: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            handled_before: AtomicU64::new(0),
            last_error: Mutex::new(None),
            actors: Mutex::default(),
            started: AtomicU64::new(0),
            #[cfg(feature = "testing")]
            fault: FaultSwitch::default(),
        }
    }

    /// Counters for another actor of this kind.
    pub(super) fn actor(self: &Arc<Self>) -> Arc<ActorCounters> {
        self.actor_of(None)
    }

    /// Counters for another actor of this kind, which is for this user alone.
    pub(super) fn actor_of(self: &Arc<Self>, user: Option<UserId>) -> Arc<ActorCounters> {
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        let counters = Arc::new(ActorCounters::new(self.clone(), number, user));
        let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        if actors.len() == actors.capacity() {
            // A list that is still full of live ones is doubled: on average, an actor costs one look.
            actors.retain(|actor| actor.strong_count() > 0);
            let live = actors.len();
            actors.reserve_exact(live.max(1));
        }
        actors.push(Arc::downgrade(&counters));
        counters
    }

    /// Counts an actor that has started.
    pub(super) fn started(&self) {
        self.alive.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an actor that has ended.
    pub(super) fn ended(&self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }

    /// Actors of the kind that have failed since the start.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Counts an actor that has failed.
    pub(super) fn failed(&self, error: &impl ToString) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        metrics().actors.restarted(self.kind);
        self.met(error);
    }

    /// Keeps the last error.
    pub(super) fn met(&self, error: &impl ToString) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some((error.to_string(), Instant::now()));
    }

    /// What the counters and the last error show now.
    pub(super) fn snapshot(&self) -> ActorSnapshot {
        let last_error = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last_error = last_error.map(|(text, at)| LastError { text, ago: at.elapsed() });
        ActorSnapshot { last_error, ..self.counted() }
    }

    /// What the counters show now. It waits for nothing that an actor holds while it works.
    pub(super) fn counted(&self) -> ActorSnapshot {
        let (alive, restarts) = (self.alive.load(Ordering::Relaxed), self.restarts());
        let mut seen = ActorSnapshot { alive, restarts, ..ActorSnapshot::default() };
        let now = self.now();
        let actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Kept until the end: one that is dropped meanwhile must not be counted twice.
        let actors: Vec<_> = actors.iter().filter_map(Weak::upgrade).collect();
        seen.handled += self.handled_before.load(Ordering::Relaxed);
        for actor in &actors {
            actor.add_to(&mut seen, now);
        }
        seen
    }

    /// The figures of the actors that are for one user each, oldest first.
    pub(super) fn sessions(&self) -> Vec<SessionFigures> {
        let now = self.now();
        let actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        actors.iter().filter_map(Weak::upgrade).filter_map(|actor| actor.session(now)).collect()
    }

    /// The switch of the faults that tests inflict.
    #[cfg(feature = "testing")]
    pub(super) fn fault(&self) -> &FaultSwitch {
        &self.fault
    }

    /// Logs that the handling of a message took long.
    #[cold]
    fn log_slow(&self, took: Duration) {
        if let Some(left_out) = self.slow.line() {
            let actor = self.kind.as_str();
            tracing::warn!(actor, duration_ms = millis(took), left_out, "an actor was slow with a message");
        }
    }

    fn now(&self) -> Moment {
        let passed = self.start.elapsed();
        Moment(passed.as_secs().saturating_mul(1_000_000).saturating_add(passed.subsec_micros().into()))
    }
}

impl ActorCounters {
    fn new(stats: Arc<ActorStats>, number: u64, user: Option<UserId>) -> Self {
        let zero = || AtomicU64::new(0);
        let Moment(started_at) = stats.now();
        Self {
            stats,
            number,
            user,
            started_at,
            queued: zero(),
            handled: zero(),
            oldest_at: zero(),
            busy_since: zero(),
            has_ended: AtomicBool::new(false),
        }
    }

    /// The counters of the actor's kind.
    pub(super) fn kind(&self) -> &Arc<ActorStats> {
        &self.stats
    }

    /// The present moment, as these counters count.
    pub(super) fn now(&self) -> Moment {
        self.stats.now()
    }

    /// Counts a message that is about to be put into the mailbox.
    pub(super) fn queued(&self, Moment(at): Moment) {
        let before = self.queued.fetch_add(1, Ordering::Relaxed);
        if before == self.handled.load(Ordering::Relaxed) {
            self.oldest_at.store(at, Ordering::Relaxed);
        }
    }

    /// Counts a message that was put into the mailbox at `queued_at` and is taken out now.
    pub(super) fn taken(&self, queued_at: Moment) -> Busy<'_> {
        let now = self.now();
        // Written by the actor alone: a load and a store are enough.
        let number = self.handled.load(Ordering::Relaxed) + 1;
        self.handled.store(number, Ordering::Relaxed);
        metrics().actors.waited(self.stats.kind, number, now.since(queued_at));
        // Those behind it were queued later.
        self.oldest_at.store(queued_at.0, Ordering::Relaxed);
        self.busy_since.store(now.0.max(1), Ordering::Relaxed);
        Busy { counters: self, since: now }
    }

    /// Counts nothing as waiting any more: the actor has ended, though handles of it are left.
    pub(super) fn ended(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    /// The figures of the session, while it lives.
    fn session(&self, now: Moment) -> Option<SessionFigures> {
        let user = self.user.filter(|_| !self.has_ended.load(Ordering::Relaxed))?;
        let mut seen = ActorSnapshot::default();
        self.add_to(&mut seen, now);
        let age = now.since(Moment(self.started_at));
        Some(SessionFigures { number: self.number, user, age, waiting: seen.waiting, oldest_wait: seen.oldest_wait })
    }

    fn add_to(&self, seen: &mut ActorSnapshot, now: Moment) {
        let since = |at: u64| Some(now.since(Moment(at)));
        let handled = self.handled.load(Ordering::Relaxed);
        let waiting = self.queued.load(Ordering::Relaxed).saturating_sub(handled);
        seen.handled += handled;
        if self.has_ended.load(Ordering::Relaxed) {
            return;
        }
        seen.waiting += waiting;
        if waiting > 0 {
            seen.oldest_wait = seen.oldest_wait.max(since(self.oldest_at.load(Ordering::Relaxed)));
        }
        let busy_since = self.busy_since.load(Ordering::Relaxed);
        if busy_since > 0 {
            seen.busy_for = seen.busy_for.max(since(busy_since));
        }
    }
}

impl Drop for ActorCounters {
    fn drop(&mut self) {
        self.stats.handled_before.fetch_add(*self.handled.get_mut(), Ordering::Relaxed);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.counters.busy_since.store(0, Ordering::Relaxed);
        let slow = &self.counters.stats.slow;
        // The clock is read only where a threshold asks for it.
        if slow.threshold().is_some() {
            let took = self.counters.now().since(self.since);
            if slow.is_slow(took) {
                self.counters.stats.log_slow(took);
            }
        }
    }
}

#[cfg(test)]
mod tests;

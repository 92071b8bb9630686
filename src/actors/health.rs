//! The health of the server, readable by operators, readiness and tests without asking an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "testing")]
use super::fault::Fault;
use super::gate::Gate;
use super::judge::{ActorState, Circumstances, Judgements, judge};
use super::session::figures::SessionFigures;
use super::stats::{ActorSnapshot, ActorStats};
use crate::domain::Seq;
use crate::storage::Storage;
use crate::telemetry::{ActorKind, SlowLog};

/// The row of this server among those of all is renewed every two seconds, while the database takes it.
const ROW_RENEWED_WITHIN: Duration = Duration::from_secs(5);
/// The time in which the runtime shows that it runs.
pub const RUNTIME_BEAT: Duration = Duration::from_millis(500);
/// By how much the runtime may be late with that.
const RUNTIME_LATE: Duration = Duration::from_secs(5);

/// The shared state of health. Its parts are read and written independently.
#[derive(Debug)]
pub struct Health {
    actors: [Arc<ActorStats>; ActorKind::ALL.len()],
    storage_failed: AtomicBool,
    history_changes: AtomicBool,
    told: AtomicI64,
    gate: Gate,
    relay_up: AtomicBool,
    start: Instant,
    /// Milliseconds from the start to when the row of this server was renewed last.
    row_renewed: AtomicU64,
    /// Milliseconds from the start to when the runtime has last shown that it runs.
    runtime_ran: AtomicU64,
    /// How long an actor may work on one message, and let one wait.
    stuck_after: Duration,
    /// What is logged of slow batches.
    slow_batches: SlowLog,
    judgements: Judgements,
    /// Commands of the writer's last batch, and microseconds of its transaction.
    last_batch: [AtomicU64; 2],
    /// The kinds that this server has.
    expected: [AtomicBool; ActorKind::ALL.len()],
    given_up: [AtomicBool; ActorKind::ALL.len()],
}

impl Default for Health {
    fn default() -> Self {
        Self::new(Duration::from_secs(5), 100, 1000)
    }
}

impl Health {
    /// The state of a server that has not started. An actor that works on one message for `stuck_after`, or lets one
    /// wait for so long, counts as stuck. Handlers of messages and batches that take longer than so many milliseconds
    /// are logged; none are with 0.
    #[must_use]
    pub fn new(stuck_after: Duration, slow_handler_ms: u64, slow_batch_ms: u64) -> Self {
        let start = Instant::now();
        // What the writer does are batches.
        let slow_ms = |kind| if kind == ActorKind::Persistence { 0 } else { slow_handler_ms };
        let actors = ActorKind::ALL.map(|kind| Arc::new(ActorStats::new(kind, start, slow_ms(kind))));
        Self {
            actors,
            storage_failed: AtomicBool::new(false),
            history_changes: AtomicBool::new(false),
            told: AtomicI64::new(0),
            gate: Gate::default(),
            relay_up: AtomicBool::new(false),
            start,
            row_renewed: AtomicU64::new(0),
            runtime_ran: AtomicU64::new(0),
            stuck_after,
            slow_batches: SlowLog::new(slow_batch_ms),
            judgements: Judgements::default(),
            last_batch: Default::default(),
            expected: Default::default(),
            given_up: Default::default(),
        }
    }

    /// Returns whether the last batch could be written, and the store has the history that this server knows.
    #[must_use]
    pub fn storage_works(&self) -> bool {
        !self.storage_failed.load(Ordering::Relaxed) && !self.history_changes.load(Ordering::Relaxed)
    }

    /// Returns whether this server can write to a store that several servers use, as it says to them: its batches, its
    /// requests, and its row among theirs.
    #[must_use]
    pub fn can_write(&self, storage: &Storage) -> bool {
        let renewed = Duration::from_millis(self.row_renewed.load(Ordering::Relaxed));
        let row_is_new = self.start.elapsed().saturating_sub(renewed) < ROW_RENEWED_WITHIN;
        self.storage_works() && storage.requests_can_write() && row_is_new
    }

    /// Returns when the store has taken something last, if this server [can write](Self::can_write) to it.
    pub(super) fn wrote_at(&self, storage: &Storage) -> Option<Instant> {
        let renewed = Duration::from_millis(self.row_renewed.load(Ordering::Relaxed));
        self.can_write(storage).then(|| self.start + renewed)
    }

    /// Records that the row of this server was renewed.
    pub fn note_row_renewed(&self) {
        self.row_renewed.store(self.millis(), Ordering::Relaxed);
    }

    /// Records that the runtime runs tasks. To be called every [`RUNTIME_BEAT`].
    pub fn note_runtime_runs(&self) {
        self.runtime_ran.store(self.millis(), Ordering::Relaxed);
    }

    /// Returns by how much the runtime is late with showing that it runs.
    #[must_use]
    pub fn runtime_is_late_by(&self) -> Duration {
        let silent = self.millis().saturating_sub(self.runtime_ran.load(Ordering::Relaxed));
        Duration::from_millis(silent).saturating_sub(RUNTIME_BEAT)
    }

    /// Returns whether the runtime runs tasks, as far as it has shown that lately.
    #[must_use]
    pub fn runtime_runs(&self) -> bool {
        self.runtime_is_late_by() <= RUNTIME_LATE
    }

    /// Returns whether the runtime runs tasks, and those actors work without which no message is stored or delivered.
    #[must_use]
    pub fn works(&self) -> bool {
        let needed = [ActorKind::Registry, ActorKind::Relay, ActorKind::Persistence];
        let works = |kind| !needed.contains(&kind) || self.state(kind) == ActorState::Running;
        self.runtime_runs() && self.kinds().all(works)
    }

    /// Returns how long an actor may work on one message, and let one wait.
    #[must_use]
    pub fn stuck_after(&self) -> Duration {
        self.stuck_after
    }

    /// Returns the kinds of actor that this server has, in the order of their declaration.
    pub fn kinds(&self) -> impl Iterator<Item = ActorKind> + '_ {
        let is_there = |kind: &ActorKind| match kind {
            ActorKind::Root | ActorKind::Session => true,
            kind => self.expected[*kind as usize].load(Ordering::Relaxed),
        };
        ActorKind::ALL.into_iter().filter(is_there)
    }

    /// Decides whether a kind of actor works, by what its counters show now.
    #[must_use]
    pub fn state(&self, kind: ActorKind) -> ActorState {
        judge(kind, &self.stats(kind).counted(), self.circumstances(kind))
    }

    /// Decides whether a kind of actor works, and keeps that. Returns what the counters show, and the state where it
    /// has changed.
    pub fn judge(&self, kind: ActorKind) -> (ActorSnapshot, Option<ActorState>) {
        let seen = self.stats(kind).counted();
        let state = judge(kind, &seen, self.circumstances(kind));
        (seen, self.judgements.keep(kind, state).then_some(state))
    }

    /// Returns the state of a kind of actor as it was [judged](Self::judge) last.
    #[must_use]
    pub fn last_state(&self, kind: ActorKind) -> ActorState {
        self.judgements.last(kind)
    }

    /// Returns the figures of all sessions, oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionFigures> {
        self.stats(ActorKind::Session).sessions()
    }

    /// Returns how many commands the writer's last batch had, and how long its transaction has taken.
    #[must_use]
    pub fn last_batch(&self) -> (u64, Duration) {
        let [commands, micros] = &self.last_batch;
        (commands.load(Ordering::Relaxed), Duration::from_micros(micros.load(Ordering::Relaxed)))
    }

    /// Makes the actors of a kind suffer a fault.
    #[cfg(feature = "testing")]
    pub fn inflict(&self, kind: ActorKind, fault: Fault) {
        self.stats(kind).fault().set(fault);
    }

    /// Returns the number up to which everything was announced, on PostgreSQL.
    #[must_use]
    pub fn told(&self) -> Seq {
        Seq(self.told.load(Ordering::Relaxed))
    }

    /// Returns whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.gate.drain().is_cancelled()
    }

    /// Returns whether batches of other servers come by NATS.
    #[must_use]
    pub fn relay_is_up(&self) -> bool {
        self.relay_up.load(Ordering::Relaxed)
    }

    /// Returns how many actors have panicked or failed since the start.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.actors.iter().map(|stats| stats.restarts()).sum()
    }

    /// Returns the state of one kind of actor, from counters that are kept outside the actor.
    #[must_use]
    pub fn snapshot(&self, kind: ActorKind) -> ActorSnapshot {
        self.stats(kind).snapshot()
    }

    /// As [`snapshot`](Self::snapshot), without the last error: it waits for nothing.
    #[must_use]
    pub fn counted(&self, kind: ActorKind) -> ActorSnapshot {
        self.stats(kind).counted()
    }

    /// Shuts the gate for good and makes the server not ready. Actors that end from now on are not restarted.
    pub fn begin_drain(&self) {
        self.gate.drain().cancel();
    }

    /// Returns the gate through which clients enter.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns what is logged of slow batches.
    pub(super) fn slow_batches(&self) -> &SlowLog {
        &self.slow_batches
    }

    /// Notes the writer's last batch.
    pub(super) fn note_batch(&self, commands: usize, took: Duration) {
        let [last, micros] = &self.last_batch;
        last.store(commands as u64, Ordering::Relaxed);
        micros.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes that this server has actors of this kind.
    pub(super) fn expect(&self, kind: ActorKind) {
        self.expected[kind as usize].store(true, Ordering::Relaxed);
    }

    /// Notes that actors of this kind are replaced no more.
    pub(super) fn give_up(&self, kind: ActorKind) {
        self.given_up[kind as usize].store(true, Ordering::Relaxed);
    }

    fn circumstances(&self, kind: ActorKind) -> Circumstances {
        Circumstances {
            stuck_after: self.stuck_after,
            is_draining: self.is_draining(),
            is_given_up: self.given_up[kind as usize].load(Ordering::Relaxed),
        }
    }

    /// Milliseconds since the start.
    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The counters of one kind of actor.
    pub(super) fn stats(&self, kind: ActorKind) -> &Arc<ActorStats> {
        &self.actors[kind as usize]
    }

    /// Records whether this server is on its way into another history of the store.
    pub(super) fn set_history_changes(&self, changes: bool) {
        self.history_changes.store(changes, Ordering::Relaxed);
    }

    /// Records up to which number everything was announced.
    pub(super) fn set_told(&self, told: Seq) {
        self.told.store(told.0, Ordering::Relaxed);
    }

    /// Records whether the store could be written.
    pub(super) fn set_storage_works(&self, works: bool) {
        self.storage_failed.store(!works, Ordering::Relaxed);
    }

    /// Records whether batches of other servers come by NATS.
    pub(super) fn set_relay_up(&self, is_up: bool) {
        self.relay_up.store(is_up, Ordering::Relaxed);
    }
}

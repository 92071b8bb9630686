//! The health of the server, readable by operators, readiness and tests without asking an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::gate::Gate;
use super::stats::{ActorSnapshot, ActorStats};
use crate::domain::Seq;
use crate::storage::Storage;
use crate::telemetry::ActorKind;

/// The row of this server among those of all is renewed every two seconds, while the database takes it.
const ROW_RENEWED_WITHIN: Duration = Duration::from_secs(5);

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
}

impl Default for Health {
    fn default() -> Self {
        let start = Instant::now();
        let actors = ActorKind::ALL.map(|kind| Arc::new(ActorStats::new(kind, start)));
        Self {
            actors,
            storage_failed: AtomicBool::new(false),
            history_changes: AtomicBool::new(false),
            told: AtomicI64::new(0),
            gate: Gate::default(),
            relay_up: AtomicBool::new(false),
            start,
            row_renewed: AtomicU64::new(0),
        }
    }
}

impl Health {
    /// Returns whether the registry and the writer run.
    #[must_use]
    pub fn actors_alive(&self) -> bool {
        [ActorKind::Registry, ActorKind::Persistence].into_iter().all(|kind| self.stats(kind).is_alive())
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
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.row_renewed.store(millis, Ordering::Relaxed);
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

    /// Shuts the gate for good and makes the server not ready. Actors that end from now on are not restarted.
    pub fn begin_drain(&self) {
        self.gate.drain().cancel();
    }

    /// Returns the gate through which clients enter.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
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

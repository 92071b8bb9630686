//! The health of the server, readable by operators, readiness and tests without asking an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::stats::{ActorSnapshot, ActorStats};
use crate::telemetry::ActorKind;

/// The shared state of health. Its parts are read and written independently.
#[derive(Debug)]
pub struct Health {
    actors: [Arc<ActorStats>; ActorKind::ALL.len()],
    storage_failed: AtomicBool,
    draining: AtomicBool,
    relay_up: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        let start = Instant::now();
        let actors = ActorKind::ALL.map(|kind| Arc::new(ActorStats::new(kind, start)));
        Self {
            actors,
            storage_failed: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            relay_up: AtomicBool::new(false),
        }
    }
}

impl Health {
    /// Returns whether the registry and the writer run.
    #[must_use]
    pub fn actors_alive(&self) -> bool {
        [ActorKind::Registry, ActorKind::Persistence].into_iter().all(|kind| self.stats(kind).is_alive())
    }

    /// Returns whether the last batch could be written.
    #[must_use]
    pub fn storage_works(&self) -> bool {
        !self.storage_failed.load(Ordering::Relaxed)
    }

    /// Returns whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
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

    /// Makes the server not ready. Actors that end from now on are not restarted.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// The counters of one kind of actor.
    pub(super) fn stats(&self, kind: ActorKind) -> &Arc<ActorStats> {
        &self.actors[kind as usize]
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

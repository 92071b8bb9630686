//! What readiness depends on, and what the tests ask: who is alive and who failed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::telemetry::{ActorKind, metrics};

/// Shared state of health. All reads and writes are independent of each other.
#[derive(Debug, Default)]
pub struct Health {
    registry: AtomicBool,
    persistence: AtomicBool,
    storage_failed: AtomicBool,
    draining: AtomicBool,
    failures: AtomicU64,
}

impl Health {
    /// Whether the registry and the writer run.
    #[must_use]
    pub fn actors_alive(&self) -> bool {
        self.registry.load(Ordering::Relaxed) && self.persistence.load(Ordering::Relaxed)
    }

    /// Whether the last batch could be written.
    #[must_use]
    pub fn storage_works(&self) -> bool {
        !self.storage_failed.load(Ordering::Relaxed)
    }

    /// Whether the server is going down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Actors that have panicked or failed since the start.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The server is going down: not ready any more, and nobody is restarted.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Notes whether a supervised actor runs.
    pub(super) fn set_alive(&self, kind: ActorKind, alive: bool) {
        match kind {
            ActorKind::Registry => self.registry.store(alive, Ordering::Relaxed),
            ActorKind::Persistence => self.persistence.store(alive, Ordering::Relaxed),
            ActorKind::Root | ActorKind::Session | ActorKind::Presence | ActorKind::Janitor => {}
        }
    }

    /// Notes whether the store could be written.
    pub(super) fn set_storage_works(&self, works: bool) {
        self.storage_failed.store(!works, Ordering::Relaxed);
    }

    pub(super) fn actor_failed(&self, kind: ActorKind) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        metrics().actor_restarted(kind);
    }
}

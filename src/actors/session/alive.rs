//! The count of living sessions.

use std::sync::Arc;

use crate::actors::stats::ActorCounters;
use crate::telemetry::metrics;

/// Counts a session for as long as it lives.
pub(super) struct Alive(Arc<ActorCounters>);

impl Alive {
    pub(super) fn new(counters: Arc<ActorCounters>) -> Self {
        metrics().sessions.increment(1);
        counters.kind().started();
        Self(counters)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        metrics().sessions.decrement(1);
        self.0.kind().ended();
        self.0.ended();
    }
}

//! When this server closes itself to its clients: it cannot write to the store, and another one can.

use std::time::{Duration, Instant};

use super::messages::Others;
use crate::actors::health::Health;
use crate::storage::Storage;
use crate::telemetry::metrics;

/// Time within which another server must have said that it can write. It says so every two seconds.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// What is known of the writes of this server.
pub(super) struct Fence {
    /// Time without the store after which others serve its clients better.
    after: Duration,
    /// When the store is known to have taken something last.
    wrote_at: Instant,
}

/// What becomes of the gate for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GateChange {
    /// It is shut.
    Shut,
    /// It is opened again.
    Open,
}

impl Fence {
    pub(super) fn new(after: Duration, now: Instant) -> Self {
        Self { after, wrote_at: now }
    }

    /// Shuts the gate for clients while other servers serve them better.
    pub(super) fn mind(&mut self, health: &Health, storage: &Storage, others: &Others) {
        let (gate, wrote_at) = (health.gate(), health.wrote_at(storage));
        match self.look(wrote_at, gate.is_fenced(), || others.can_write(HEARD_WITHIN), Instant::now()) {
            Some(GateChange::Shut) => {
                gate.shut();
                metrics().cluster.fenced.set(1.0);
                tracing::warn!(
                    "the database is out of reach for this server and not for others: all sockets are closed, and \
                     clients are refused until it answers"
                );
            }
            Some(GateChange::Open) => {
                gate.open();
                metrics().cluster.fenced.set(0.0);
                tracing::info!("the database answers: clients are served again");
            }
            None => {}
        }
    }

    /// Returns what becomes of the gate. `wrote_at` is when the store has taken something last, if this server can
    /// write.
    fn look(
        &mut self,
        wrote_at: Option<Instant>,
        is_shut: bool,
        others_can_write: impl FnOnce() -> bool,
        now: Instant,
    ) -> Option<GateChange> {
        if let Some(wrote_at) = wrote_at {
            self.wrote_at = wrote_at;
            return is_shut.then_some(GateChange::Open);
        }
        let is_away = now.duration_since(self.wrote_at) >= self.after;
        (!is_shut && is_away && others_can_write()).then_some(GateChange::Shut)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AFTER: Duration = Duration::from_secs(15);

    /// One look: the time since the last one, whether this server can write, and whether another one can.
    fn looks() -> impl Strategy<Value = Vec<(u64, bool, bool)>> {
        proptest::collection::vec((0_u64..8_000, prop::bool::weighted(0.3), any::<bool>()), 1..60)
    }

    #[test]
    fn a_server_is_fenced_once_and_until_it_can_write() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let mut fence = Fence::new(AFTER, start);
        assert_eq!(fence.look(Some(at(4)), false, || true, at(5)), None);
        assert_eq!(fence.look(None, false, || true, at(18)), None);
        assert_eq!(fence.look(None, false, || false, at(19)), None, "nobody else can write either");
        assert_eq!(fence.look(None, false, || true, at(19)), Some(GateChange::Shut));
        assert_eq!(fence.look(None, true, || true, at(20)), None);
        assert_eq!(fence.look(None, true, || false, at(90)), None);
        assert_eq!(fence.look(Some(at(91)), true, || true, at(91)), Some(GateChange::Open));
        assert_eq!(fence.look(None, false, || true, at(92)), None, "the time begins anew");
    }

    proptest! {
        #[test]
        fn the_gate_is_shut_only_while_others_serve_better(looks in looks()) {
            let mut now = Instant::now();
            let mut fence = Fence::new(AFTER, now);
            let (mut is_shut, mut wrote_at) = (false, now);
            for (wait, can_write, others) in looks {
                now += Duration::from_millis(wait);
                if can_write {
                    wrote_at = now;
                }
                let change = fence.look(can_write.then_some(now), is_shut, || others, now);
                let was_shut = is_shut;
                is_shut = change.map_or(was_shut, |change| change == GateChange::Shut);
                let expected = !can_write && (was_shut || (others && now - wrote_at >= AFTER));
                prop_assert_eq!(is_shut, expected);
                prop_assert!(change.is_none() || is_shut != was_shut, "each change turns something");
            }
        }
    }
}

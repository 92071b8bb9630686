//! The judgement of the actors: whether each kind works, decided from counters that are kept outside the actors.
//!
//! It is passed each second by a thread of its own (`server/monitor.rs`), which reads atomics only: neither an actor
//! nor a runtime that stands still can hide itself.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::stats::ActorSnapshot;
use crate::telemetry::ActorKind;

/// How much longer than others the janitor may work on one message: a round of it clears what an outage has left.
const JANITOR_PATIENCE: u32 = 12;

/// Whether a kind of actor works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorState {
    /// It works on a message or waits for one.
    Running,
    /// It lives, but has worked on one message, or has let one wait, for longer than it may.
    Stuck,
    /// It has failed, and its successor is about to start.
    Restarting,
    /// It has failed too often in a row: the server ends.
    Failed,
    /// It has ended because the server stops.
    Stopped,
}

impl ActorState {
    /// All states, in the order of their discriminants.
    pub const ALL: [Self; 5] = [Self::Running, Self::Stuck, Self::Restarting, Self::Failed, Self::Stopped];

    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stuck => "stuck",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Running)
    }
}

/// What is decided by besides the counters of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// How long an actor may work on one message, and let one wait.
    pub(super) stuck_after: Duration,
    /// Whether the server is stopping, so that actors that end are not replaced.
    pub(super) is_draining: bool,
    /// Whether the root has given this kind up.
    pub(super) is_given_up: bool,
}

/// Decides whether a kind of actor works.
pub(super) fn judge(kind: ActorKind, seen: &ActorSnapshot, now: Circumstances) -> ActorState {
    let patience = if kind == ActorKind::Janitor { JANITOR_PATIENCE } else { 1 };
    let limit = now.stuck_after.saturating_mul(patience);
    let is_late = |since: Option<Duration>| since.is_some_and(|since| since >= limit);
    if now.is_given_up {
        return ActorState::Failed;
    }
    if seen.alive == 0 && kind != ActorKind::Session {
        return if now.is_draining { ActorState::Stopped } else { ActorState::Restarting };
    }
    if is_late(seen.busy_for) || is_late(seen.oldest_wait) { ActorState::Stuck } else { ActorState::Running }
}

/// The last judgement of each kind.
#[derive(Debug, Default)]
pub(super) struct Judgements([AtomicU8; ActorKind::ALL.len()]);

impl Judgements {
    /// Keeps a judgement. Returns whether it differs from the last one.
    pub(super) fn keep(&self, kind: ActorKind, state: ActorState) -> bool {
        self.0[kind as usize].swap(state as u8, Ordering::Relaxed) != state as u8
    }

    /// Returns the last judgement.
    pub(super) fn last(&self, kind: ActorKind) -> ActorState {
        ActorState::of(self.0[kind as usize].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Circumstances =
        Circumstances { stuck_after: Duration::from_secs(5), is_draining: false, is_given_up: false };

    fn alive() -> ActorSnapshot {
        ActorSnapshot { alive: 1, ..ActorSnapshot::default() }
    }

    #[test]
    fn an_actor_is_stuck_when_a_message_takes_or_waits_too_long() {
        for (seconds, expected) in [(0, ActorState::Running), (4, ActorState::Running), (5, ActorState::Stuck)] {
            let since = Some(Duration::from_secs(seconds));
            let (busy, waiting) = (
                ActorSnapshot { busy_for: since, ..alive() },
                ActorSnapshot { oldest_wait: since, waiting: 1, ..alive() },
            );
            for seen in [busy, waiting] {
                assert_eq!(judge(ActorKind::Registry, &seen, NOW), expected, "{seen:?}");
            }
        }
        assert_eq!(judge(ActorKind::Registry, &alive(), NOW), ActorState::Running, "idle is not stuck");
    }

    #[test]
    fn a_round_of_the_janitor_may_take_a_minute() {
        let busy = |seconds| ActorSnapshot { busy_for: Some(Duration::from_secs(seconds)), ..alive() };
        assert_eq!(judge(ActorKind::Janitor, &busy(59), NOW), ActorState::Running);
        assert_eq!(judge(ActorKind::Janitor, &busy(60), NOW), ActorState::Stuck);
    }

    #[test]
    fn an_actor_that_has_ended_is_restarted_unless_the_server_stops() {
        let gone = ActorSnapshot::default();
        let draining = Circumstances { is_draining: true, ..NOW };
        let given_up = Circumstances { is_given_up: true, ..NOW };
        assert_eq!(judge(ActorKind::Persistence, &gone, NOW), ActorState::Restarting);
        assert_eq!(judge(ActorKind::Persistence, &gone, draining), ActorState::Stopped);
        assert_eq!(judge(ActorKind::Persistence, &gone, given_up), ActorState::Failed);
        assert_eq!(judge(ActorKind::Session, &gone, NOW), ActorState::Running, "nobody is connected");
    }

    #[test]
    fn a_judgement_is_kept_and_a_change_of_it_is_noticed() {
        let judgements = Judgements::default();
        assert_eq!(judgements.last(ActorKind::Push), ActorState::Running);
        for state in ActorState::ALL {
            let is_new = state != judgements.last(ActorKind::Push);
            assert_eq!(judgements.keep(ActorKind::Push, state), is_new);
            assert_eq!((judgements.last(ActorKind::Push), judgements.keep(ActorKind::Push, state)), (state, false));
        }
        assert_eq!(judgements.last(ActorKind::Root), ActorState::Running);
    }
}

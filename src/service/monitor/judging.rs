//! The rounds of the monitor: it judges the actors and the checks, logs what has changed, and gives notice of it.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::checks::why_stuck;
use super::notices::NoticeLevel;
use super::second::ActorRow;
use super::{Check, CheckName, Monitor};
use crate::actors::{ActorSnapshot, ActorState};
use crate::domain::Timestamp;
use crate::storage::PoolFigures;
use crate::telemetry::{ActorKind, metrics};

/// Sessions are as many as users are connected, so they are judged at every second round only.
const SESSIONS_EVERY: u64 = 2;
/// A clock that is set back by less is being corrected, as NTP does.
const BACKSTEP_US: i64 = 100_000;
/// Warnings that are given notice of; those about actors are noticed when these are judged.
const NOTICED: [&str; 3] = ["push", "media", "certificate"];

impl Monitor {
    /// Judges the actors, logs those that stand still, tells the metrics, and keeps the second that has just ended. To
    /// be called each second with the number of the call; it waits for nothing.
    pub fn judge(&self, round: u64) {
        for kind in self.health.kinds() {
            if kind != ActorKind::Session || round.is_multiple_of(SESSIONS_EVERY) {
                self.judge_kind(kind);
            }
        }
        let works = self.note_checks() && self.database_works.load(Ordering::Relaxed);
        let is_full = self.edge.get().is_some_and(|edge| edge.is_full());
        let is_draining = self.health.is_draining();
        let is_ready = works && !is_draining && !is_full && !self.health.gate().is_fenced();
        metrics().readiness(is_ready, is_draining);
        for PoolFigures { pool, size, busy, .. } in self.storage.pools() {
            metrics().store.connections(pool, busy, size.saturating_sub(busy));
        }
        let now = self.clock.now().as_micros();
        if self.latest.fetch_max(now, Ordering::Relaxed) > now.saturating_add(BACKSTEP_US) {
            metrics().store.backsteps.increment(1);
            self.latest.store(now, Ordering::Relaxed);
        }
        self.sample(is_ready);
    }

    fn judge_kind(&self, kind: ActorKind) {
        let before = self.health.last_state(kind);
        let (seen, changed) = self.health.judge(kind);
        let state = self.health.last_state(kind);
        let is_stuck = state == ActorState::Stuck;
        metrics().actors.judged(kind, seen.waiting, seen.busy_for.unwrap_or_default(), is_stuck);
        self.history.note_actor(kind, ActorRow::of(&seen, state));
        self.note_restarts(kind, &seen);
        match changed {
            Some(ActorState::Stuck) => {
                tracing::error!(
                    actor = kind.as_str(),
                    busy_for = ?seen.busy_for,
                    oldest_wait = ?seen.oldest_wait,
                    waiting = seen.waiting,
                    "an actor is stuck"
                );
                let text = format!("{} is stuck: it {}", kind.as_str(), why_stuck(&seen));
                self.notice(NoticeLevel::Error, "actor_stuck", text);
            }
            Some(ActorState::Running) if before == ActorState::Stuck => {
                tracing::info!(actor = kind.as_str(), "the actor works again");
                self.notice(NoticeLevel::Info, "actor_works", format!("{} works again", kind.as_str()));
            }
            Some(ActorState::Failed) => {
                self.notice(NoticeLevel::Error, "actor_failed", format!("{} has failed too often", kind.as_str()));
            }
            _ => {}
        }
    }

    /// Gives notice of actors that have failed since the last look.
    fn note_restarts(&self, kind: ActorKind, seen: &ActorSnapshot) {
        let before = self.restarts[kind as usize].swap(seen.restarts, Ordering::Relaxed);
        let Some(new) = seen.restarts.checked_sub(before).filter(|new| *new > 0) else { return };
        let error = self.health.snapshot(kind).last_error.map(|error| error.text).unwrap_or_default();
        let (name, times) = (kind.as_str(), if new == 1 { String::new() } else { format!(", {new} times") });
        let text = if kind == ActorKind::Session {
            format!("a session has failed{times}, and its sockets were closed: {error}")
        } else {
            format!("{name} has failed and is replaced{times}: {error}")
        };
        self.notice(NoticeLevel::Error, "actor_restarted", text);
    }

    /// Keeps since when a check fails, and gives notice when that changes. Returns since when.
    pub(super) fn note(&self, name: CheckName, reason: Option<&str>) -> Option<Timestamp> {
        let since = &self.failing_since[name as usize];
        // Actors are given notice of when they are judged.
        let is_noticed = matches!(name, CheckName::Database | CheckName::Disk | CheckName::Runtime);
        let Some(reason) = reason else {
            if since.swap(0, Ordering::Relaxed) != 0 && is_noticed {
                self.notice(NoticeLevel::Info, name.as_str(), format!("{}: works again", name.as_str()));
            }
            return None;
        };
        let now = self.clock.now().as_micros().max(1);
        let first = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() && is_noticed {
            self.notice(NoticeLevel::Error, name.as_str(), format!("{}: {reason}", name.as_str()));
        }
        Some(Timestamp::from_micros(first.err().unwrap_or(now)))
    }

    /// Gives notice of warnings that are new, and of those that are over.
    pub(super) fn note_warnings(&self, checks: &[Check]) {
        let warned = |check: &&Check| check.warning.is_some() && NOTICED.contains(&check.name);
        let present: BTreeSet<&'static str> = checks.iter().filter(warned).map(|check| check.name).collect();
        let mut kept = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *kept, present.clone());
        drop(kept);
        for check in checks.iter().filter(warned).filter(|check| !before.contains(check.name)) {
            let warning = check.warning.as_deref().unwrap_or_default();
            self.notice(NoticeLevel::Warn, check.name, format!("{}: {warning}", check.name));
        }
        for name in before.difference(&present) {
            self.notice(NoticeLevel::Info, name, format!("{name}: nothing is amiss any more"));
        }
    }

    fn notice(&self, level: NoticeLevel, kind: &'static str, text: String) {
        self.notices.add(self.clock.now(), level, kind, text);
    }
}

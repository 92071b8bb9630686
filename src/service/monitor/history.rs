//! The history that is kept whether or not anybody looks, and how it is shown: whole, and second by second.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use super::Monitor;
use super::closes::Closes;
use super::ring::Ring;
use super::sampler::{Present, Sampler, Totals};
use super::second::{ActorRow, KINDS, Second, shown};
use crate::actors::{ActorSnapshot, ActorState};
use crate::domain::Timestamp;
use crate::telemetry::{ActorKind, Usage, metrics};

/// The last quarter of an hour, and what the next second is measured by.
pub(super) struct History {
    kept: Mutex<Kept>,
    /// The number of the newest second.
    newest: watch::Sender<u64>,
}

struct Kept {
    ring: Ring,
    closes: Closes,
    /// None before the first look.
    sampler: Option<Sampler>,
    actors: [ActorRow; KINDS],
}

/// The figures of all kept seconds. The lists are of the same length, oldest first.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// The time between two numbers, in milliseconds.
    pub every_ms: u32,
    /// When the second of the first numbers has ended.
    pub from: Timestamp,
    /// When that of the last ones has.
    pub to: Timestamp,
    /// Open sockets.
    pub sockets: Vec<Option<u32>>,
    /// Messages stored.
    pub messages_per_s: Vec<Option<f32>>,
    /// The time of half of the transactions of batches, at most.
    pub commit_p50_ms: Vec<Option<f32>>,
    /// The time of 99 of 100, at most.
    pub commit_p99_ms: Vec<Option<f32>>,
    /// Memory in use, in bytes.
    pub rss_bytes: Vec<Option<u64>>,
    /// Processors that were busy with this program.
    pub cpu_cores: Vec<Option<f32>>,
    /// What limiters have refused.
    pub refused_per_s: Vec<Option<f32>>,
    /// The wait of 99 of 100 messages in the mailboxes of each kind of actor, at most.
    pub mailbox_wait_p99_ms: BTreeMap<&'static str, Vec<Option<f32>>>,
}

/// What is new since the last tick.
#[derive(Clone, Debug, Serialize)]
pub struct Tick {
    /// The end of the last second that it is about.
    pub at: Timestamp,
    /// Whether the server could be used then.
    pub ready: bool,
    /// Whether it was stopping.
    pub draining: bool,
    /// Open sockets.
    pub sockets: u32,
    /// Messages stored.
    pub messages_per_s: Option<f32>,
    /// The time of half of the transactions of batches, at most.
    pub commit_p50_ms: Option<f32>,
    /// The time of 99 of 100, at most.
    pub commit_p99_ms: Option<f32>,
    /// Memory in use, in bytes.
    pub rss_bytes: Option<u64>,
    /// Processors that were busy with this program.
    pub cpu_cores: Option<f32>,
    /// What limiters have refused.
    pub refused_per_s: Option<f32>,
    /// The wait of 99 of 100 messages in the mailboxes of each kind of actor, at most.
    pub mailbox_wait_p99_ms: BTreeMap<&'static str, Option<f32>>,
    /// Of each kind of actor: its name, whether it works, messages that wait, and the wait of the oldest in
    /// milliseconds.
    pub actors: Vec<(&'static str, ActorState, u32, u32)>,
}

impl Default for History {
    fn default() -> Self {
        let kept =
            Kept { ring: Ring::new(), closes: Closes::default(), sampler: None, actors: [ActorRow::default(); KINDS] };
        Self { kept: Mutex::new(kept), newest: watch::Sender::new(0) }
    }
}

impl History {
    /// Keeps what a kind of actor does just now.
    pub(super) fn note_actor(&self, kind: ActorKind, row: ActorRow) {
        self.kept().actors[kind as usize] = row;
    }

    /// Tells whoever follows it of each new second, by its number.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Returns the number of the newest second; 0 when there is none.
    pub(super) fn newest(&self) -> u64 {
        self.kept().ring.newest()
    }

    /// Returns the last second.
    pub(super) fn last(&self) -> Option<Second> {
        let kept = self.kept();
        let newest = kept.ring.newest();
        kept.ring.between(newest.saturating_sub(1), newest).pop()
    }

    /// Returns the seconds with numbers above `after` up to `until` in one.
    pub(super) fn sum(&self, after: u64, until: u64) -> Option<Second> {
        Second::sum_up(&self.kept().ring.between(after, until))
    }

    /// Returns how many sockets were closed within the last hour, by code, most first, and since when that is known.
    pub(super) fn closed(&self, now: Timestamp) -> (Timestamp, Vec<(&'static str, u64)>) {
        self.kept().closes.last_hour(now, metrics().sockets.closed_by_code())
    }

    /// Returns all seconds, with the kinds of actor that are named, and the number of the newest.
    pub(super) fn series(&self, kinds: &[ActorKind], now: Timestamp) -> (Series, u64) {
        let kept = self.kept();
        let seconds: Vec<Option<&Second>> = kept.ring.all().collect();
        let to = seconds.last().copied().flatten().map_or(now, |last| last.at);
        let before = i64::try_from(seconds.len().saturating_sub(1)).unwrap_or_default();
        let numbers = |of: &dyn Fn(&Second) -> f32| -> Vec<Option<f32>> {
            seconds.iter().map(|second| second.and_then(|second| shown(of(second)))).collect()
        };
        let waits = |kind: &ActorKind| (kind.as_str(), numbers(&|second| second.wait_p99_ms[*kind as usize]));
        let series = Series {
            every_ms: 1000,
            from: to.plus_secs(-before),
            to,
            sockets: seconds.iter().map(|second| second.map(|second| second.sockets)).collect(),
            messages_per_s: numbers(&|second| second.messages_per_s),
            commit_p50_ms: numbers(&|second| second.commit_p50_ms),
            commit_p99_ms: numbers(&|second| second.commit_p99_ms),
            rss_bytes: seconds.iter().map(|second| second.and_then(|second| second.rss_bytes)).collect(),
            cpu_cores: numbers(&|second| second.cpu_cores),
            refused_per_s: numbers(&|second| second.refused_per_s),
            mailbox_wait_p99_ms: kinds.iter().map(waits).collect(),
        };
        (series, kept.ring.newest())
    }

    /// Adds a second, as each round does.
    #[cfg(test)]
    pub(super) fn push(&self, number: u64, second: Second) {
        self.kept().ring.push(number, second);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Lists of numbers, whole after any panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tick {
    /// Shows a second, of the kinds of actor that are named.
    pub(super) fn of(second: &Second, kinds: &[ActorKind]) -> Self {
        let row = |kind: &ActorKind| {
            let ActorRow { state, waiting, oldest_wait_ms } = second.actors[*kind as usize];
            (kind.as_str(), state, waiting, oldest_wait_ms)
        };
        Self {
            at: second.at,
            ready: second.is_ready,
            draining: second.is_draining,
            sockets: second.sockets,
            messages_per_s: shown(second.messages_per_s),
            commit_p50_ms: shown(second.commit_p50_ms),
            commit_p99_ms: shown(second.commit_p99_ms),
            rss_bytes: second.rss_bytes,
            cpu_cores: shown(second.cpu_cores),
            refused_per_s: shown(second.refused_per_s),
            mailbox_wait_p99_ms: kinds
                .iter()
                .map(|kind| (kind.as_str(), shown(second.wait_p99_ms[*kind as usize])))
                .collect(),
            actors: kinds.iter().map(row).collect(),
        }
    }
}

impl ActorRow {
    /// What the counters of a kind of actor show.
    pub(super) fn of(seen: &ActorSnapshot, state: ActorState) -> Self {
        let oldest_wait_ms = u32::try_from(seen.oldest_wait.unwrap_or_default().as_millis()).unwrap_or(u32::MAX);
        Self { state, waiting: u32::try_from(seen.waiting).unwrap_or(u32::MAX), oldest_wait_ms }
    }
}

impl Monitor {
    /// Adds the second that has just ended to the history, unless it is there. To be called each second; it waits for
    /// nothing.
    pub(super) fn sample(&self, is_ready: bool) {
        let (now, at) = (self.clock.uptime(), self.clock.now());
        let mut kept = self.history.kept();
        let kept = &mut *kept;
        let Some(sampler) = &mut kept.sampler else {
            // What was recorded before belongs to no second.
            let _ = (metrics().store.commits.take(), ActorKind::ALL.map(|kind| metrics().actors.waits(kind).take()));
            kept.sampler = Some(Sampler::new(now, totals()));
            kept.closes.look(at, metrics().sockets.closed_by_code());
            return;
        };
        let Some(number) = sampler.due(now) else { return };
        let open: usize = self.open_sockets().iter().sum();
        let present = Present {
            at,
            sockets: u32::try_from(open).unwrap_or(u32::MAX),
            is_ready,
            is_draining: self.health.is_draining(),
            commits: metrics().store.commits.take(),
            waits: ActorKind::ALL.map(|kind| metrics().actors.waits(kind).take()),
            actors: kept.actors,
        };
        let second = sampler.take(number, now, totals(), &present);
        kept.ring.push(number, second);
        kept.closes.look(at, metrics().sockets.closed_by_code());
        self.history.newest.send_replace(number);
    }
}

fn totals() -> Totals {
    Totals {
        stored: metrics().messages.stored.get(),
        refused: metrics().limiters.all_refusals.get(),
        usage: Usage::now(),
    }
}

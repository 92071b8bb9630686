//! Metrics of the actors.

use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge, histogram};

use super::actor_kind::ActorKind;
use super::messages::at_zero;
use super::names;
use super::times::Times;
use super::window::Window;

/// Of the messages of an actor, one in so many is recorded for the charts: the spread is the same, at less cost.
const SAMPLED: u64 = 8;
/// The number of kinds.
const KINDS: usize = ActorKind::ALL.len();

/// Metrics of the actors, made once.
pub struct ActorMetrics {
    wait: [Times; KINDS],
    waits: [Window; KINDS],
    restarts: [Counter; KINDS],
    waiting: [Gauge; KINDS],
    busy: [Gauge; KINDS],
    stuck: [Gauge; KINDS],
}

impl ActorMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new(is_foreign: bool) -> Self {
        let of = |name: &'static str| {
            move |kind: ActorKind| {
                let gauge = gauge!(name, "actor" => kind.as_str());
                gauge.set(0.0);
                gauge
            }
        };
        let wait = |kind: ActorKind| {
            let kind = kind.as_str();
            let foreign = is_foreign.then(|| histogram!(names::MAILBOX_WAIT_SECONDS, "actor" => kind));
            Times::new(Some(("actor", kind)), &super::WAIT_SECONDS, foreign)
        };
        Self {
            wait: ActorKind::ALL.map(wait),
            waits: ActorKind::ALL.map(|_| Window::default()),
            restarts: ActorKind::ALL.map(|kind| at_zero(counter!(names::ACTOR_RESTARTS, "actor" => kind.as_str()))),
            waiting: ActorKind::ALL.map(of(names::ACTOR_WAITING)),
            busy: ActorKind::ALL.map(of(names::ACTOR_BUSY)),
            stuck: ActorKind::ALL.map(of(names::ACTOR_STUCK)),
        }
    }

    /// Records how long the message lay in a mailbox that its actor takes in hand as its `number`th.
    pub fn waited(&self, kind: ActorKind, number: u64, waited: Duration) {
        self.wait[kind as usize].record(waited);
        if number % SAMPLED == 1 {
            self.waits[kind as usize].record(waited);
        }
    }

    /// The waits of each kind of actor since the start.
    pub(super) fn wait_seconds(&self) -> &[Times] {
        &self.wait
    }

    /// Returns the waits of a kind of actor since the last look.
    pub fn waits(&self, kind: ActorKind) -> &Window {
        &self.waits[kind as usize]
    }

    /// Counts an actor that failed. A successor replaces it, unless it was a session.
    pub fn restarted(&self, kind: ActorKind) {
        self.restarts[kind as usize].increment(1);
    }

    /// Notes what a kind of actor does just now.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn judged(&self, kind: ActorKind, waiting: u64, busy_for: Duration, is_stuck: bool) {
        self.waiting[kind as usize].set(waiting as f64);
        self.busy[kind as usize].set(busy_for.as_secs_f64());
        self.stuck[kind as usize].set(if is_stuck { 1.0 } else { 0.0 });
    }
}

//! What came of it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::super::audit::Findings;
use super::super::shared::Shared;
use super::super::timeline::{SECOND, Second, Timeline, seconds_until_good, worst};
use super::Restart;
use crate::place::Store;
use crate::traffic::Soundness;

/// The p99 must be back so many seconds after the window in which phones are sent away.
const LATE_S: u64 = 2;

/// The seconds before a restart with which those after it are compared.
const BEFORE: usize = 6;

/// One restart.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Turn {
    /// When it began.
    #[serde(skip)]
    begin: u64,
    /// From the order to stop until the next server serves alone.
    served_after_s: f64,
    /// … and until all phones had sockets again.
    back_after_s: f64,
    /// Sockets that were opened meanwhile.
    reconnects: u64,
    /// The worst p99 of a second before it, in milliseconds.
    calm_p99_ms: f64,
    /// The seconds from the order to stop on.
    seconds: Vec<Second>,
    /// How many of these seconds it took until the p99 stayed as good as before.
    p99_back_s: u64,
}

impl Turn {
    pub(super) fn new(begin: u64, served_after_s: f64, back_after_s: f64, reconnects: u64) -> Self {
        Self { begin, served_after_s, back_after_s, reconnects, calm_p99_ms: 0.0, seconds: Vec::new(), p99_back_s: 0 }
    }

    /// When it began.
    pub(super) fn begin(&self) -> u64 {
        self.begin
    }

    /// Looks up how long messages took in the seconds before it, and in those from it on until `end`.
    pub(super) fn look(&mut self, timeline: &Timeline, end: u64) -> Result<()> {
        let p99 = |seconds: &[Second]| seconds.iter().map(|second| second.p99_ms).collect::<Vec<_>>();
        let calm = timeline.seconds(self.begin.saturating_sub(BEFORE as u64 * SECOND), BEFORE)?;
        self.calm_p99_ms = worst(&p99(&calm));
        let count = end.saturating_sub(self.begin) / SECOND;
        self.seconds = timeline.seconds(self.begin, usize::try_from(count).unwrap_or(0))?;
        self.p99_back_s = seconds_until_good(self.calm_p99_ms, &p99(&self.seconds)) as u64;
        Ok(())
    }
}

#[derive(Serialize)]
pub(super) struct Outcome {
    workload: &'static str,
    store: Store,
    #[serde(flatten)]
    restart: Restart,
    total_seconds: f64,
    acknowledged: u64,
    resent: u64,
    turns: Vec<Turn>,
    /// Connections that nobody took.
    refused_connects: u64,
    stored: u64,
    history_differs: u64,
    #[serde(flatten)]
    sound: Soundness,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        restart: &Restart,
        store: Store,
        shared: &Shared,
        turns: Vec<Turn>,
        (findings, unacknowledged): (Findings, u64),
        time: Duration,
    ) -> Self {
        let stored = findings.stored;
        let history_differs = findings.history_differs;
        Self {
            workload: "restart",
            store,
            restart: restart.clone(),
            total_seconds: time.as_secs_f64(),
            acknowledged: shared.book.acknowledged(),
            resent: shared.resent.load(Relaxed),
            turns,
            refused_connects: shared.refused_connects.load(Relaxed),
            stored,
            history_differs,
            sound: shared.soundness(&findings, unacknowledged),
            problems: shared.problems(),
        }
    }

    /// Whether every promise was kept. How fast it was is reported, and is no promise of this tool: machines differ.
    pub(super) fn holds(&self) -> bool {
        self.sound.holds() && self.history_differs == 0 && self.refused_connects == 0
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { restart, store, acknowledged, resent, turns, refused_connects, sound, .. } = self;
        write!(
            f,
            "{} restarts on one socket, {}, under {} phones: ",
            restart.restarts,
            store.as_str(),
            restart.phones
        )?;
        write!(f, "acknowledged {acknowledged} ({resent} sent again); {sound}; ")?;
        if self.history_differs > 0 {
            write!(f, "HISTORY DIFFERS {}; ", self.history_differs)?;
        }
        write!(f, "refused connects {refused_connects}")?;
        let bar = restart.drain_s + LATE_S;
        for Turn { served_after_s, back_after_s, reconnects, calm_p99_ms, seconds, p99_back_s, .. } in turns {
            write!(f, "; next server alone after {served_after_s:.1} s, all phones back after {back_after_s:.1} s")?;
            write!(
                f,
                " ({reconnects} reconnects), p99 back after {p99_back_s} s (bar {bar}): before {calm_p99_ms:.0} ms"
            )?;
            for (second, messages) in seconds.iter().enumerate() {
                write!(f, "\n  second {second:2}: {messages}")?;
            }
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

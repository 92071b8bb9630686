//! What came of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use super::Chaos;
use super::audit::Findings;
use super::monkey::{Break, Breaks, LONG_RUN};
use super::shared::Shared;
use crate::traffic::Soundness;

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    chaos: Chaos,
    seconds: f64,
    /// Different messages.
    sent: u64,
    /// Of those: sent once more without need.
    sent_again: u64,
    /// Sent once more because the answer was lost, or an error.
    resent: u64,
    refused: u64,
    opened: u64,
    acknowledged: u64,
    #[serde(flatten)]
    findings: Findings,
    /// Sent by clients with an outbox and never acknowledged.
    unacknowledged: u64,
    errors: u64,
    strays: u64,
    breaks: Breaks,
    /// Lines of the server's log, of all its lives.
    log_lines: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        chaos: &Chaos,
        shared: &Shared,
        mut findings: Findings,
        (unacknowledged, seconds): (u64, f64),
        breaks: Breaks,
        log_lines: usize,
    ) -> Self {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        findings.duplicated += count(&shared.twice);
        findings.out_of_order += count(&shared.disorder);
        Self {
            workload: "chaos",
            chaos: chaos.clone(),
            seconds,
            sent: count(&shared.sent),
            sent_again: count(&shared.again),
            resent: count(&shared.resent),
            refused: count(&shared.refused),
            opened: count(&shared.opened),
            acknowledged: shared.book.acknowledged(),
            findings,
            unacknowledged,
            errors: shared.errors(),
            strays: count(&shared.strays),
            breaks,
            log_lines,
            problems: shared.problems(),
        }
    }

    /// Whether every promise was kept, and all of them put to the test.
    pub(crate) fn holds(&self) -> bool {
        let Findings { lost, duplicated, out_of_order, history_differs, .. } = self.findings;
        history_differs == 0 && self.rare().is_empty() && self.soundness(lost, duplicated, out_of_order).holds()
    }

    /// Returns what must happen more often in a long run, if it was one.
    fn rare(&self) -> Vec<Break> {
        if self.acknowledged >= LONG_RUN { self.breaks.rare() } else { Vec::new() }
    }

    fn soundness(&self, lost: u64, duplicated: u64, out_of_order: u64) -> Soundness {
        let Self { unacknowledged, errors, strays, .. } = *self;
        Soundness { lost, duplicated, out_of_order, unacknowledged, errors, strays, ..Soundness::default() }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { chaos, seconds, sent, sent_again, resent, acknowledged, findings, breaks, .. } = self;
        let Findings { stored, delivered, lost, duplicated, out_of_order, history_differs } = *findings;
        write!(
            f,
            "chaos on {} ({}) with seed {}, {} clients, {seconds:.0} s: ",
            chaos.store.as_str(),
            chaos.nodes,
            chaos.seed,
            chaos.clients
        )?;
        write!(f, "sent {sent} ({sent_again} of them once more, {resent} again after an error or a cut), ")?;
        write!(f, "acknowledged {acknowledged}, stored {stored}, delivered {delivered}; ")?;
        write!(f, "{}; ", self.soundness(lost, duplicated, out_of_order))?;
        if history_differs > 0 {
            write!(f, "HISTORY DIFFERS {history_differs}; ")?;
        }
        write!(f, "{breaks}")?;
        for kind in self.rare() {
            write!(f, "\n  in a long run this happened too rarely: {kind}")?;
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

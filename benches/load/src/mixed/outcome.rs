//! The result of a mixed load.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::Mixed;
use super::drift::Drift;
use super::ledger::Ledger;
use super::samples::Samples;
use crate::costs::Costs;
use crate::latency::Summary;
use crate::target::Target;
use crate::traffic::Soundness;

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    mixed: Mixed,
    /// Latencies of messages to connected users, from the moment they were due.
    latency_ms: Summary,
    /// How late the tool itself was.
    lag_ms: Summary,
    /// From the connect to `live`, missed events included.
    return_ms: Summary,
    sent: u64,
    received: u64,
    replayed: u64,
    resent: u64,
    opened: u64,
    failed: u64,
    typing: u64,
    presence: u64,
    receipts: u64,
    pages: u64,
    #[serde(flatten)]
    sound: Soundness,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// In MiB, of the last three quarters of the time.
    rss: Drift,
    heap: Drift,
    /// For each message.
    #[serde(flatten)]
    costs: Costs,
}

impl Outcome {
    pub(super) fn new(
        mixed: &Mixed,
        target: &Target,
        ledger: &Ledger,
        samples: &Samples,
        sound: Soundness,
        costs: Costs,
    ) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (rss, heap) = samples.drifts();
        Self {
            workload: "mixed",
            target: target.name.clone(),
            mixed: mixed.clone(),
            latency_ms: ledger.times(),
            lag_ms: ledger.lag(),
            return_ms: ledger.returns(),
            sent: count(&ledger.sent),
            received: count(&ledger.received),
            replayed: count(&ledger.replayed),
            resent: count(&ledger.resent),
            opened: count(&ledger.opened),
            failed: count(&ledger.failed),
            typing: count(&ledger.typing),
            presence: count(&ledger.presence),
            receipts: count(&ledger.receipts),
            pages: count(&ledger.pages),
            sound,
            problem: ledger.problem(),
            rss,
            heap,
            costs,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, mixed, latency_ms, sent, received, replayed, resent, .. } = self;
        let Mixed { users, minutes, rate, .. } = mixed;
        write!(f, "mixed {target} {users} users, {minutes} min at {rate}/s: {sent} sent, {received} received, ")?;
        writeln!(f, "{replayed} of them replayed, {resent} resent; {latency_ms}; {}", self.sound)?;
        let Self { opened, return_ms, failed, typing, presence, receipts, pages, .. } = self;
        write!(
            f,
            "  {opened} returns, live after {return_ms}; {failed} failed, {pages} pages, {receipts} receipts, \
             {typing} typing, "
        )?;
        writeln!(f, "{presence} presence; {}", self.costs)?;
        for (name, Drift { median, percent, trend_percent }) in [("RSS", self.rss), ("heap", self.heap)] {
            write!(f, "  {name} {median:.1} MiB, at most {percent:+.1} % off, trend {trend_percent:+.1} %;")?;
        }
        self.problem.as_ref().map_or(Ok(()), |problem| write!(f, "\n  FIRST PROBLEM: {problem}"))
    }
}

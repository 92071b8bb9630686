//! What came of it.

use serde::Serialize;

use super::super::Verdict;
use super::Ghosts;
use crate::latency::Summary;

/// Within what everybody should be shown offline after the kill: reported, not judged.
const BAR_S: u32 = 20;

#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    ghosts: Ghosts,
    /// From the kill until users are shown offline.
    offline_ms: Summary,
    bar_s: u32,
    /// Users who are still shown online.
    shown_online: u64,
    /// How often a user of the server that was stopped was shown offline.
    flickers: u64,
}

impl Outcome {
    pub(super) fn new(ghosts: &Ghosts, offline_ms: Summary, shown_online: u64, flickers: u64) -> Self {
        Self { workload: "ghosts", ghosts: ghosts.clone(), offline_ms, bar_s: BAR_S, shown_online, flickers }
    }
}

impl Verdict for Outcome {
    fn holds(&self) -> bool {
        self.shown_online == 0 && self.flickers == 0
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ghosts, offline_ms, bar_s, shown_online, flickers, .. } = self;
        write!(f, "ghosts at {} servers, {} users: after a kill offline ", ghosts.nodes, ghosts.users)?;
        write!(f, "{offline_ms} (all should be within {bar_s} s), ")?;
        write!(f, "shown online after {} s {shown_online}; ", ghosts.seconds)?;
        write!(f, "shown offline while a server was stopped {flickers} times")
    }
}

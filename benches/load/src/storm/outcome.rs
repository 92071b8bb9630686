//! The result of a storm.

use serde::Serialize;

use super::Storm;
use crate::costs::Costs;
use crate::latency::Summary;
use crate::traffic::Soundness;

/// The result; times in milliseconds.
#[derive(Serialize)]
pub(crate) struct Outcome {
    pub(super) workload: &'static str,
    pub(super) target: String,
    #[serde(flatten)]
    pub(super) storm: Storm,
    /// Devices that were live in time.
    pub(super) live: u32,
    /// Time until the last of them was live.
    pub(super) all_live_s: f64,
    /// From the beginning of the storm to the `live` of each.
    pub(super) live_ms: Summary,
    /// Sockets that the devices have tried to open.
    pub(super) attempts: u64,
    /// The error of the first failed attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// Missed messages that have arrived.
    pub(super) replayed: u64,
    #[serde(flatten)]
    pub(super) sound: Soundness,
    /// Messages of bystanders, before the storm and until the last device was live.
    pub(super) bystanders_calm_ms: Summary,
    pub(super) bystanders_storm_ms: Summary,
    pub(super) bystanders_sound: Soundness,
    /// For each device.
    #[serde(flatten)]
    pub(super) costs: Costs,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, storm, live, all_live_s, live_ms, attempts, replayed, sound, costs, .. } = self;
        let Storm { clients, missed, .. } = storm;
        writeln!(f, "storm {target} {clients} devices × {missed}: {live} live in {all_live_s:.2} s, {live_ms}")?;
        write!(f, "  {attempts} attempts, {replayed} missed messages replayed, {sound}; {costs}")?;
        if let Some(problem) = &self.problem {
            write!(f, "; FAILED: {problem}")?;
        }
        writeln!(f)?;
        writeln!(f, "  bystanders before: {}", self.bystanders_calm_ms)?;
        write!(f, "  bystanders in the storm: {}; {}", self.bystanders_storm_ms, self.bystanders_sound)
    }
}

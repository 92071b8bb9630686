//! The result of idle sockets.

use serde::Serialize;

use super::Idle;
use crate::costs::Costs;
use crate::latency::Summary;
use crate::memory::{Each, Memory};

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    pub(super) workload: &'static str,
    pub(super) target: String,
    #[serde(flatten)]
    pub(super) idle: Idle,
    /// From the first open socket to the last: token, upgrade and registration, on v1 up to `live`.
    pub(super) connects_per_second: f64,
    pub(super) first_to_last_s: f64,
    pub(super) connect_ms: Summary,
    pub(super) connect_cpu_us: Option<f64>,
    pub(super) came: Costs,
    /// Resident before the first connect.
    pub(super) start_mib: f64,
    /// KiB a socket, two seconds after the last connect.
    pub(super) settled_kib: Each,
    /// KiB a socket after they have stayed.
    pub(super) kib: Each,
    /// Processors that the server uses for sockets that only reply to pings.
    pub(super) resting_cores: Option<f64>,
    /// Sockets that the server closed, or whose close it did not confirm.
    pub(super) lost: u64,
    pub(super) closing_s: f64,
    pub(super) left: Vec<Left>,
}

/// The server's memory after all sockets have left.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Left {
    after_s: u64,
    #[serde(flatten)]
    memory: Memory,
    /// Resident, as a part of what it was before the first connect.
    of_start: f64,
}

impl Left {
    pub(super) fn new(after_s: u64, before: Memory, memory: Memory) -> Self {
        Self { after_s, memory, of_start: memory.rss_mib() / before.rss_mib().max(1.0) }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, idle, connect_ms, kib, settled_kib, lost, start_mib, .. } = self;
        let (sockets, dialect) = (idle.sockets, idle.dialect.as_str());
        write!(f, "idle {target} {dialect} {sockets} sockets: {:.0} connects/s ", self.connects_per_second)?;
        write!(f, "in {:.2} s, {connect_ms}; {}; ", self.first_to_last_s, self.came)?;
        write!(f, "{:.1} KiB RSS a socket, {:.1} PSS, {:.1} heap", kib.rss, kib.pss, kib.anon)?;
        write!(f, " (at first {:.1} RSS)", settled_kib.rss)?;
        if let Some(cores) = self.resting_cores {
            write!(f, ", resting {cores:.3} cores")?;
        }
        write!(f, "; lost {lost}; RSS {start_mib:.1} MiB at the start")?;
        for Left { after_s, memory, of_start } in &self.left {
            write!(f, ", {:.1} MiB ({of_start:.2}×) {after_s} s after all have left", memory.rss_mib())?;
        }
        Ok(())
    }
}

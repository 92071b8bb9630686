//! The costs of a load: of the server, of the tool, and of everything else on the machine.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::clock;
use crate::http;
use crate::process::{self, Usage};
use crate::target::Target;

/// Counters at one moment.
pub(crate) struct Snapshot {
    at: u64,
    done: u64,
    server: Option<Usage>,
    tool: Usage,
    machine: Option<Duration>,
    metrics: String,
}

impl Snapshot {
    /// Takes the counters now; `done` is the number of operations so far.
    pub(crate) async fn take(target: &Target, done: u64) -> Result<Self> {
        let metrics = match target.admin {
            Some(admin) => http::get(admin, "/metrics").await?,
            None => String::new(),
        };
        Ok(Self {
            at: clock::now(),
            done,
            server: target
                .pid
                .map(if target.has_workers { process::usage_with_children } else { process::usage })
                .transpose()?,
            tool: process::usage(std::process::id())?,
            machine: process::machine_cpu(),
            metrics,
        })
    }
}

/// The costs between two moments.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Costs {
    pub(crate) measured_s: f64,
    /// The number of operations.
    pub(crate) count: u64,
    pub(crate) per_second: f64,
    /// Processor time of the server for each operation.
    pub(crate) cpu_us: Option<f64>,
    pub(crate) server_cores: Option<f64>,
    /// Context switches of the server's threads for each operation.
    pub(crate) switches: Option<f64>,
    /// The server's peak memory since its start.
    pub(crate) peak_rss_mib: Option<u64>,
    /// Commands in a batch, on average.
    pub(crate) batch_rows: Option<f64>,
    pub(crate) commit_ms: Option<f64>,
    pub(crate) tool_cores: f64,
    /// Processors used by neither the server nor the tool: the kernel, the database's processes, and other programs.
    pub(crate) other_cores: Option<f64>,
}

impl Costs {
    #[expect(clippy::cast_precision_loss, reason = "counts and times of hours are far below 2^52")]
    pub(crate) fn between(target: &Target, first: &Snapshot, second: &Snapshot) -> Self {
        let seconds = Duration::from_nanos(second.at - first.at).as_secs_f64();
        let count = second.done - first.done;
        let each = |value: f64| value / count.max(1) as f64;
        let usage = first.server.zip(second.server);
        let server = usage.map(|(before, after)| after.cpu.saturating_sub(before.cpu).as_secs_f64());
        let switches = usage.map(|(before, after)| after.switches.saturating_sub(before.switches));
        let tool = second.tool.cpu.saturating_sub(first.tool.cpu).as_secs_f64();
        let machine = first.machine.zip(second.machine).map(|(before, after)| after.saturating_sub(before));
        let mean = |metric| http::mean_between(&first.metrics, &second.metrics, metric);
        Self {
            measured_s: seconds,
            count,
            per_second: count as f64 / seconds,
            cpu_us: server.map(|cpu| each(cpu * 1e6)),
            server_cores: server.map(|cpu| cpu / seconds),
            switches: switches.map(|switches| each(switches as f64)),
            peak_rss_mib: target.pid.and_then(process::peak_rss_mib),
            batch_rows: mean("fluent_batch_commands"),
            commit_ms: mean("fluent_commit_duration_seconds").map(|seconds| seconds * 1000.0),
            tool_cores: tool / seconds,
            other_cores: machine.map(|all| (all.as_secs_f64() - tool - server.unwrap_or_default()).max(0.0) / seconds),
        }
    }
}

impl std::fmt::Display for Costs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let (Some(cpu), Some(cores), Some(rss)) = (self.cpu_us, self.server_cores, self.peak_rss_mib) {
            write!(f, "server {cpu:.1} CPU-µs each, {cores:.2} cores, {rss} MiB peak")?;
        }
        if let (Some(rows), Some(ms)) = (self.batch_rows, self.commit_ms) {
            write!(f, ", {rows:.1} rows a commit of {ms:.1} ms")?;
        }
        write!(f, "; tool {:.2} cores", self.tool_cores)?;
        self.other_cores.map_or(Ok(()), |cores| write!(f, ", others {cores:.2}"))
    }
}

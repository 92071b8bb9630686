//! What came of a run.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::Relay;
use super::board::Board;
use crate::clock;
use crate::http;
use crate::latency::Summary;
use crate::letter::Dialect;
use crate::process::{self, Usage};
use crate::target::Target;

/// Counters at one moment.
pub(super) struct Snapshot {
    at: u64,
    delivered: u64,
    server: Option<Usage>,
    tool: Usage,
    machine: Option<Duration>,
    metrics: String,
}

impl Snapshot {
    pub(super) async fn take(target: &Target, board: &Board) -> Result<Self> {
        let metrics = match target.admin {
            Some(admin) => http::get(admin, "/metrics").await?,
            None => String::new(),
        };
        Ok(Self {
            at: clock::now(),
            delivered: board.delivered.load(Relaxed),
            server: target.pid.map(process::usage).transpose()?,
            tool: process::usage(std::process::id())?,
            machine: process::machine_cpu(),
            metrics,
        })
    }
}

/// What came of a run; times in milliseconds.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    dialect: Dialect,
    pairs: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    bytes: usize,
    seconds: f64,
    messages: u64,
    pub(crate) per_second: f64,
    pub(crate) latency_ms: Summary,
    acknowledged_ms: Summary,
    /// How late the tool itself was.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_ms: Option<Summary>,
    /// Acknowledged and never delivered.
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) unacknowledged: u64,
    pub(crate) errors: u64,
    pub(crate) strays: u64,
    /// Processor time of the server for a delivered message.
    pub(crate) cpu_us: Option<f64>,
    server_cores: Option<f64>,
    switches: Option<f64>,
    peak_rss_mib: Option<u64>,
    batch_rows: Option<f64>,
    tool_cores: f64,
    /// What neither the server nor the tool has used: the kernel's, and other processes'.
    other_cores: Option<f64>,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "counts and times of minutes are far below 2^52")]
    pub(super) fn new(relay: &Relay, target: &Target, board: &Board, first: &Snapshot, second: &Snapshot) -> Self {
        let seconds = Duration::from_nanos(second.at - first.at).as_secs_f64();
        let messages = second.delivered - first.delivered;
        let usage = first.server.zip(second.server);
        let server = usage.map(|(before, after)| after.cpu.saturating_sub(before.cpu));
        let tool = second.tool.cpu.saturating_sub(first.tool.cpu);
        let machine = first.machine.zip(second.machine).map(|(before, after)| after.saturating_sub(before));
        let per_message = |value: f64| value / messages.max(1) as f64;
        let (mut lost, mut duplicated, mut out_of_order, mut confirmed) = (0, 0, 0, 0);
        for pair in board.pairs() {
            lost += pair.acknowledged.not_in(&pair.delivered);
            duplicated += pair.delivered.duplicated + pair.acknowledged.duplicated;
            out_of_order += pair.delivered.out_of_order + pair.acknowledged.out_of_order;
            confirmed += pair.acknowledged.count;
        }
        let times = board.times();
        Self {
            workload: "relay",
            target: target.name.clone(),
            dialect: relay.dialect,
            pairs: relay.pairs,
            window: relay.rate.is_none().then_some(relay.window),
            rate: relay.rate,
            bytes: relay.bytes,
            seconds,
            messages,
            per_second: messages as f64 / seconds,
            latency_ms: times.delivery.summary(),
            acknowledged_ms: times.acknowledgement.summary(),
            lag_ms: relay.rate.map(|_| times.lag.summary()),
            lost,
            duplicated,
            out_of_order,
            unacknowledged: board.sent.load(Relaxed).saturating_sub(confirmed),
            errors: board.errors.load(Relaxed),
            strays: board.strays.load(Relaxed),
            cpu_us: server.map(|cpu| per_message(cpu.as_secs_f64() * 1e6)),
            server_cores: server.map(|cpu| cpu.as_secs_f64() / seconds),
            switches: usage.map(|(before, after)| per_message(after.switches.saturating_sub(before.switches) as f64)),
            peak_rss_mib: target.pid.and_then(process::peak_rss_mib),
            batch_rows: http::mean_between(&first.metrics, &second.metrics, "fluent_batch_rows"),
            tool_cores: tool.as_secs_f64() / seconds,
            other_cores: machine.map(|all| {
                (all.as_secs_f64() - tool.as_secs_f64() - server.unwrap_or_default().as_secs_f64()).max(0.0) / seconds
            }),
        }
    }

    /// Whether every message came once and in order.
    pub(crate) fn is_sound(&self) -> bool {
        [self.lost, self.duplicated, self.out_of_order, self.unacknowledged, self.errors, self.strays] == [0; 6]
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, per_second, latency_ms, lost, duplicated, out_of_order, .. } = self;
        let pace = self
            .rate
            .map_or_else(|| format!("window {}", self.window.unwrap_or_default()), |rate| format!("{rate}/s offered"));
        write!(
            f,
            "relay {target} {} {} pairs {pace}: {per_second:.0}/s, {latency_ms}",
            self.dialect.as_str(),
            self.pairs
        )?;
        write!(f, "; lost {lost} twice {duplicated} out of order {out_of_order}")?;
        if !self.is_sound() {
            write!(f, " UNACKNOWLEDGED {} ERRORS {} STRAYS {}", self.unacknowledged, self.errors, self.strays)?;
        }
        if let (Some(cpu), Some(cores), Some(rss)) = (self.cpu_us, self.server_cores, self.peak_rss_mib) {
            write!(f, "; server {cpu:.1} CPU-µs a message, {cores:.2} cores, {rss} MiB peak")?;
        }
        if let Some(rows) = self.batch_rows {
            write!(f, ", {rows:.1} rows a batch")?;
        }
        write!(f, "; tool {:.2} cores, others {:.2}", self.tool_cores, self.other_cores.unwrap_or_default())
    }
}

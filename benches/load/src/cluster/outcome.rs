//! The results: of one run, and medians over all rounds for each number of servers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::nodes::{Counts, Labelled};
use super::{Cluster, Half};
use crate::report::Spread;

/// One run.
#[derive(Serialize)]
pub(super) struct Outcome {
    workload: &'static str,
    nodes: u32,
    same: Half,
    /// With several servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    cross: Option<Half>,
    per_second: f64,
    /// Processor time of all servers for each message.
    cpu_us: f64,
    batches_per_second: f64,
    /// By where they came from.
    records_per_second: Labelled,
    /// All bytes by NATS for each message, by their direction.
    nats_bytes: Labelled,
    gaps_per_second: Labelled,
    /// Times that a server had missed too much to close the gap.
    resyncs: f64,
    is_limited: bool,
}

impl Outcome {
    pub(super) fn new(nodes: u32, same: Half, cross: Half, counts: &Counts) -> Self {
        let seconds = counts.seconds.max(1e-6);
        let per_second = same.per_second + cross.per_second;
        let by = |sums: &Labelled, unit: f64| -> Labelled {
            sums.iter().map(|(label, sum)| (label.clone(), sum / unit)).collect()
        };
        Self {
            workload: "cluster",
            nodes,
            same,
            cross: (nodes > 1).then_some(cross),
            per_second,
            cpu_us: counts.cpu.as_secs_f64() * 1e6 / seconds / per_second,
            batches_per_second: counts.batches / seconds,
            records_per_second: by(&counts.records, seconds),
            nats_bytes: by(&counts.bytes, seconds * per_second),
            gaps_per_second: by(&counts.gaps, seconds),
            resyncs: counts.gaps.get("resync").copied().unwrap_or_default(),
            is_limited: counts.is_limited,
        }
    }

    fn is_sound(&self) -> bool {
        self.same.sound.holds() && self.cross.is_none_or(|cross| cross.sound.holds())
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { nodes, same, per_second, cpu_us, batches_per_second, resyncs, .. } = self;
        write!(f, "cluster of {nodes}: {per_second:.0}/s, {cpu_us:.1} CPU-µs each of all servers, ")?;
        write!(f, "{batches_per_second:.0} batches/s; at one server {}; {}", same.latency_ms, same.sound)?;
        if let Some(cross) = &self.cross {
            write!(f, "; to another server {}; {}", cross.latency_ms, cross.sound)?;
        }
        self.records_per_second.iter().try_for_each(|(from, rate)| write!(f, "; records from {from} {rate:.0}/s"))?;
        self.nats_bytes.iter().try_for_each(|(way, bytes)| write!(f, "; NATS bytes {way} {bytes:.0} each"))?;
        self.gaps_per_second.iter().try_for_each(|(kind, rate)| write!(f, "; gaps by {kind} {rate:.2}/s"))?;
        write!(f, "; resyncs {resyncs:.0}")
    }
}

/// The runs with one number of servers.
#[derive(Serialize)]
struct Row {
    nodes: u32,
    per_second: Spread,
    cpu_us: Spread,
    batches_per_second: Spread,
    records_per_second: BTreeMap<String, Spread>,
    nats_bytes: BTreeMap<String, Spread>,
    same_p50_ms: Spread,
    same_p99_ms: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    cross_p50_ms: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cross_p99_ms: Option<Spread>,
    gaps_per_second: BTreeMap<String, Spread>,
    resyncs: Spread,
}

impl Row {
    fn of(nodes: u32, all: &[Outcome]) -> Self {
        let runs: Vec<&Outcome> = all.iter().filter(|outcome| outcome.nodes == nodes).collect();
        let spread = |figure: &dyn Fn(&Outcome) -> f64| Spread::of(runs.iter().map(|outcome| figure(outcome)));
        let cross = |figure: fn(&Half) -> f64| {
            (nodes > 1).then(|| Spread::of(runs.iter().filter_map(|outcome| outcome.cross.as_ref().map(figure))))
        };
        let labelled = |sums: fn(&Outcome) -> &Labelled| -> BTreeMap<String, Spread> {
            let labels = runs.iter().flat_map(|outcome| sums(outcome).keys()).cloned();
            let of = |label: &String| spread(&|outcome| sums(outcome).get(label).copied().unwrap_or_default());
            labels.map(|label| (label.clone(), of(&label))).collect()
        };
        Self {
            nodes,
            per_second: spread(&|outcome| outcome.per_second),
            cpu_us: spread(&|outcome| outcome.cpu_us),
            batches_per_second: spread(&|outcome| outcome.batches_per_second),
            records_per_second: labelled(|outcome| &outcome.records_per_second),
            nats_bytes: labelled(|outcome| &outcome.nats_bytes),
            same_p50_ms: spread(&|outcome| outcome.same.latency_ms.p50),
            same_p99_ms: spread(&|outcome| outcome.same.latency_ms.p99),
            cross_p50_ms: cross(|half| half.latency_ms.p50),
            cross_p99_ms: cross(|half| half.latency_ms.p99),
            gaps_per_second: labelled(|outcome| &outcome.gaps_per_second),
            resyncs: spread(&|outcome| outcome.resyncs),
        }
    }
}

/// All rounds.
#[derive(Serialize)]
pub(super) struct Comparison {
    workload: &'static str,
    #[serde(flatten)]
    cluster: Cluster,
    by_nodes: Vec<Row>,
    /// Whether --quota was in force.
    is_limited: bool,
    pub(super) is_sound: bool,
}

impl Comparison {
    pub(super) fn of(cluster: &Cluster, all: &[Outcome]) -> Self {
        Self {
            workload: "cluster",
            cluster: cluster.clone(),
            by_nodes: cluster.nodes.iter().map(|&nodes| Row::of(nodes, all)).collect(),
            is_limited: all.iter().all(|outcome| outcome.is_limited),
            is_sound: all.iter().all(Outcome::is_sound),
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Cluster { rounds, pairs, idle, quota, dialect, .. } = &self.cluster;
        write!(f, "cluster, {}, {pairs} pairs, {idle} idle sockets a server, {rounds} rounds, ", dialect.as_str())?;
        match (quota, self.is_limited) {
            (Some(quota), true) => write!(f, "{quota} cores a server, ")?,
            (Some(_), false) => write!(f, "NO QUOTA, ")?,
            (None, _) => {}
        }
        write!(f, "{}median (min–max):", if self.cluster.nats { "with NATS, " } else { "" })?;
        for row in &self.by_nodes {
            let Row { nodes, per_second, cpu_us, batches_per_second, same_p50_ms, same_p99_ms, .. } = row;
            write!(
                f,
                "\n  {nodes}: {per_second:.0} messages/s, {cpu_us:.1} CPU-µs, {batches_per_second:.0} batches/s"
            )?;
            write!(f, "; at one server p50 {same_p50_ms:.2} p99 {same_p99_ms:.2} ms")?;
            if let (Some(p50), Some(p99)) = (&row.cross_p50_ms, &row.cross_p99_ms) {
                write!(f, "; to another p50 {p50:.2} p99 {p99:.2} ms")?;
            }
            row.records_per_second
                .iter()
                .try_for_each(|(from, rate)| write!(f, "; records from {from} {rate:.0}/s"))?;
            row.nats_bytes.iter().try_for_each(|(way, bytes)| write!(f, "; NATS bytes {way} {bytes:.0} each"))?;
            row.gaps_per_second.iter().try_for_each(|(kind, rate)| write!(f, "; gaps by {kind} {rate:.2}/s"))?;
            write!(f, "; resyncs {:.0}", row.resyncs)?;
        }
        f.write_str(if self.is_sound { "\n  nothing lost, twice or out of order" } else { "\n  NOT SOUND" })
    }
}

//! The result of all rounds: medians of both sides, and their ratios.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::marked_frame::Dialect;
use crate::place::Store;
use crate::relay::Outcome;
use crate::report::Spread;

/// One round: both sides, whichever ran first.
pub(super) struct Round {
    pub(super) server: Outcome,
    pub(super) other: Outcome,
}

/// One figure of both sides.
#[derive(Serialize)]
struct Row {
    server: Spread,
    /// The other side, under its name.
    #[serde(flatten)]
    other: BTreeMap<&'static str, Spread>,
    /// Server to other side, round by round.
    ratio: Spread,
}

impl Row {
    fn of(name: &'static str, rounds: &[Round], figure: fn(&Outcome) -> f64) -> Self {
        Self {
            server: Spread::of(rounds.iter().map(|round| figure(&round.server))),
            other: [(name, Spread::of(rounds.iter().map(|round| figure(&round.other))))].into(),
            ratio: Spread::of(rounds.iter().map(|round| figure(&round.server) / figure(&round.other))),
        }
    }
}

/// All rounds on one wire.
#[derive(Serialize)]
pub(super) struct Comparison {
    workload: &'static str,
    /// The name of the other side.
    with: &'static str,
    /// The store of the other side.
    against: Store,
    dialect: Dialect,
    rounds: usize,
    relay: serde_json::Value,
    per_second: Row,
    cpu_us: Row,
    p50_ms: Row,
    p99_ms: Row,
    /// With receipts: until the sender knows that a message was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_p50_ms: Option<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_p99_ms: Option<Row>,
    peak_rss_mib: Row,
    /// Processors used by other programs meanwhile: if it is much, the figures mean little.
    other_cores: Spread,
    /// Whether every message came once and in order, on both sides and in every round.
    pub(super) is_sound: bool,
}

impl Comparison {
    pub(super) fn of(
        with: &'static str,
        against: Store,
        dialect: Dialect,
        relay: serde_json::Value,
        rounds: &[Round],
    ) -> Self {
        let row = |figure| Row::of(with, rounds, figure);
        let has_receipts = rounds.iter().any(|round| round.server.read_ms.is_some());
        let read = |figure| has_receipts.then(|| row(figure));
        let runs = || rounds.iter().flat_map(|round| [&round.server, &round.other]);
        Self {
            workload: "compare",
            with,
            against,
            dialect,
            rounds: rounds.len(),
            relay,
            per_second: row(|outcome| outcome.costs.per_second),
            cpu_us: row(|outcome| outcome.costs.cpu_us.unwrap_or(f64::NAN)),
            p50_ms: row(|outcome| outcome.latency_ms.p50),
            p99_ms: row(|outcome| outcome.latency_ms.p99),
            read_p50_ms: read(|outcome| outcome.read_ms.map_or(f64::NAN, |read| read.p50)),
            read_p99_ms: read(|outcome| outcome.read_ms.map_or(f64::NAN, |read| read.p99)),
            peak_rss_mib: row(|outcome| outcome.costs.peak_rss_mib.map_or(f64::NAN, megabytes)),
            other_cores: Spread::of(runs().filter_map(|run| run.costs.other_cores)),
            is_sound: runs().all(|run| run.sound.holds()),
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { with, against, dialect, rounds, .. } = self;
        let (against, dialect) = (against.as_str(), dialect.as_str());
        writeln!(f, "server against {with}/{against}, {dialect}, {rounds} rounds, median (min–max):")?;
        for (name, row) in [
            ("messages/s", Some(&self.per_second)),
            ("CPU-µs/message", Some(&self.cpu_us)),
            ("p50 ms", Some(&self.p50_ms)),
            ("p99 ms", Some(&self.p99_ms)),
            ("read p50 ms", self.read_p50_ms.as_ref()),
            ("read p99 ms", self.read_p99_ms.as_ref()),
            ("peak MiB", Some(&self.peak_rss_mib)),
        ] {
            let Some(Row { server, other, ratio }) = row else { continue };
            write!(f, "  {name:<15} server {server:.2}")?;
            for (name, other) in other {
                write!(f, "  {name} {other:.2}")?;
            }
            writeln!(f, "  ratio {ratio:.3}")?;
        }
        writeln!(f, "  other programs  {:.2} cores", self.other_cores)?;
        f.write_str(if self.is_sound {
            "  nothing lost, twice or out of order"
        } else {
            "  NOT SOUND: see the runs above"
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory in MiB is far below 2^52")]
fn megabytes(mib: u64) -> f64 {
    mib as f64
}

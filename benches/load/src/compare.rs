//! Our server and the reference in turn, under the same load.

use anyhow::Result;
use serde::Serialize;

use crate::place::{Place, Store, Where};
use crate::relay::{Outcome, Relay};
use crate::report::{self, Spread};
use crate::target::Target;

/// Runs both in turn, each time on a fresh database.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Compare {
    /// What the reference stores
    #[arg(long, value_enum, default_value = "sqlite")]
    against: Store,
    /// How often both run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    relay: Relay,
    #[command(flatten)]
    place: Where,
}

/// One figure of both sides.
#[derive(Serialize)]
struct Row {
    server: Spread,
    reference: Spread,
    /// Server to reference, round by round.
    ratio: Spread,
}

/// What came of it.
#[derive(Serialize)]
struct Comparison {
    workload: &'static str,
    against: Store,
    rounds: u32,
    relay: serde_json::Value,
    per_second: Row,
    cpu_us: Row,
    p50_ms: Row,
    p99_ms: Row,
    peak_rss_mib: Row,
    /// What other programs have used meanwhile: where it is much, the figures say little.
    other_cores: Spread,
    /// Whether every message came once and in order, on both sides and in every round.
    is_sound: bool,
}

impl Compare {
    pub(crate) async fn run(&self) -> Result<()> {
        let place = self.place.place(self.against == Store::Postgres).await?;
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            // Alternating: what the first leaves behind does not always fall on the same one.
            rounds.push(if round % 2 == 0 {
                let server = self.server(&place).await?;
                (server, self.reference(&place).await?)
            } else {
                let reference = self.reference(&place).await?;
                (self.server(&place).await?, reference)
            });
        }
        let row = |figure: fn(&Outcome) -> f64| Row {
            server: Spread::of(rounds.iter().map(|(server, _)| figure(server))),
            reference: Spread::of(rounds.iter().map(|(_, reference)| figure(reference))),
            ratio: Spread::of(rounds.iter().map(|(server, reference)| figure(server) / figure(reference))),
        };
        let relay = serde_json::to_value(&self.relay)?;
        report::print(&Comparison {
            workload: "compare",
            against: self.against,
            rounds: self.rounds,
            relay,
            per_second: row(|outcome| outcome.costs.per_second),
            cpu_us: row(|outcome| outcome.costs.cpu_us.unwrap_or(f64::NAN)),
            p50_ms: row(|outcome| outcome.latency_ms.p50),
            p99_ms: row(|outcome| outcome.latency_ms.p99),
            peak_rss_mib: row(|outcome| outcome.costs.peak_rss_mib.map_or(f64::NAN, megabytes)),
            other_cores: Spread::of(
                rounds
                    .iter()
                    .flat_map(|(server, reference)| [server, reference])
                    .filter_map(|run| run.costs.other_cores),
            ),
            is_sound: rounds.iter().all(|(server, reference)| server.sound.holds() && reference.sound.holds()),
        })
    }

    async fn server(&self, place: &Place) -> Result<Outcome> {
        self.measure(&place.server(self.relay.accounts(), self.relay.plan.dialect).await?).await
    }

    async fn reference(&self, place: &Place) -> Result<Outcome> {
        self.measure(&place.reference(self.relay.accounts(), self.against).await?).await
    }

    async fn measure(&self, target: &Target) -> Result<Outcome> {
        let outcome = self.relay.run(target).await?;
        report::print(&outcome)?;
        Ok(outcome)
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "server against reference/{}, {} rounds, median (min–max):", self.against.as_str(), self.rounds)?;
        for (name, Row { server, reference, ratio }) in [
            ("messages/s", &self.per_second),
            ("CPU-µs/message", &self.cpu_us),
            ("p50 ms", &self.p50_ms),
            ("p99 ms", &self.p99_ms),
            ("peak MiB", &self.peak_rss_mib),
        ] {
            writeln!(f, "  {name:<15} server {server:.2}  reference {reference:.2}  ratio {ratio:.3}")?;
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

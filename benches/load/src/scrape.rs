//! How long a scrape of the metrics takes while many sockets are open.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::costs::{Costs, Snapshot};
use crate::crowd::Crowd;
use crate::latency::{Latencies, Summary};
use crate::marked_frame::Dialect;
use crate::progress::Progress;
use crate::requests::Connection;
use crate::target::Target;

/// Longest time of a scrape that is promised, at its 99th percentile, in milliseconds.
const PROMISED_MS: f64 = 20.0;
/// Wait from the last connect to the first scrape.
const SETTLE: Duration = Duration::from_secs(2);
/// Sockets that connect at once.
const AT_ONCE: u32 = 256;

/// Idle sockets of as many users, and scrapes on one connection, as Prometheus keeps it.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Scrape {
    /// Sockets, each of a user of its own. The server must allow them (`FLUENT__SERVER__MAX_CONNECTIONS`), and each
    /// takes a file of the server and one of this program
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) sockets: u32,
    /// The wire that is spoken
    #[arg(long, value_enum, default_value = "legacy")]
    pub(crate) dialect: Dialect,
    /// Scrapes
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    scrapes: u32,
    /// Milliseconds from one to the next
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(0..=600_000))]
    every_ms: u64,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    scrape: Scrape,
    /// From the request to the last byte of the answer.
    scrape_ms: Summary,
    /// Length of the last answer.
    bytes: usize,
    /// Lines of it that are figures.
    series: usize,
    /// The server's costs, for each scrape.
    costs: Costs,
}

impl Scrape {
    pub(crate) async fn run(&self, target: &Target) -> Result<Outcome> {
        self.run_on(target).await.with_context(|| format!("{}: {}", target.name, target.said()))
    }

    async fn run_on(&self, target: &Target) -> Result<Outcome> {
        let admin = target.admin.context("give the --admin-url of the server: its metrics are what is measured")?;
        let (crowd, _) = Crowd::connect(target, target.accounts.len(), self.dialect, AT_ONCE).await?;
        sleep_until(Instant::now() + SETTLE).await;

        let before = Snapshot::take(target, 0).await?;
        let (times, last) = self.scrape(admin).await?;
        let after = Snapshot::take(target, self.scrapes.into()).await?;
        let open = open_sockets(&last);
        ensure!(open >= f64::from(self.sockets), "the metrics know of {open} sockets, not of {}", self.sockets);
        let (closed, _) = crowd.leave().await;
        ensure!(closed == 0, "{closed} sockets were not open to the end");
        Ok(Outcome {
            workload: "scrape",
            target: target.name.clone(),
            scrape: self.clone(),
            scrape_ms: times.summary(),
            bytes: last.len(),
            series: last.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count(),
            costs: Costs::between(target, &before, &after),
        })
    }

    /// Scrapes again and again. Returns the times and the last answer.
    async fn scrape(&self, admin: SocketAddr) -> Result<(Latencies, String)> {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\n\r\n").into_bytes();
        let progress = Progress::counting("scrapes", self.scrapes.into());
        let mut connection = Connection::open(admin).await?;
        let (mut times, mut last, mut due) = (Latencies::new()?, String::new(), Instant::now());
        for _ in 0..self.scrapes {
            sleep_until(due).await;
            due = Instant::now() + Duration::from_millis(self.every_ms);
            let from = clock::now();
            let answer = connection.ask(&request).await?;
            times.note(from, clock::now());
            ensure!(answer.status == 200, "/metrics was answered with {}", answer.status);
            last = String::from_utf8(answer.body.to_vec())?;
            progress.step();
        }
        Ok((times, last))
    }
}

/// Returns the number of open sockets in a state of `/metrics`.
fn open_sockets(metrics: &str) -> f64 {
    let figures = metrics.lines().filter(|line| line.starts_with("fluent_sockets{"));
    figures.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

impl Outcome {
    /// Returns whether a scrape takes no longer than promised.
    pub(crate) fn holds(&self) -> bool {
        self.scrape_ms.p99 < PROMISED_MS
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, scrape: Scrape { sockets, scrapes, .. }, scrape_ms, bytes, series, costs, .. } = self;
        write!(f, "scrape {target} {sockets} sockets, {scrapes} scrapes: {scrape_ms} (promised: p99 {PROMISED_MS}); ")?;
        write!(f, "{bytes} bytes, {series} series; {costs}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_all_wires_count() {
        let metrics = "# TYPE fluent_sockets gauge\nfluent_sockets{dialect=\"v1\",mode=\"background\"} 3\n\
                       fluent_sockets_closed_total{code=\"1000\"} 100\nfluent_sockets{dialect=\"legacy\"} 10000\n";
        assert!((open_sockets(metrics) - 10_003.0).abs() < 0.5);
    }
}

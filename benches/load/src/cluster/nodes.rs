//! Servers on one fresh database, and what they use and count together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fluent_backend::testing::Postgres;
use tempfile::TempDir;
use tokio::sync::Barrier;

use super::quota::Quota;
use crate::child::Child;
use crate::clock;
use crate::database::Database;
use crate::http;
use crate::marked_frame::Dialect;
use crate::place::{Place, accounts};
use crate::process;
use crate::seed;
use crate::target::Account;

/// What is summed up, by the name of the series, or by its beginning up to the value of its only label.
const BATCHES: &str = "fluent_commit_duration_seconds_count";
const RECORDS: &str = "fluent_cluster_records_total{from=\"";
const BYTES: &str = "fluent_cluster_bytes_total{direction=\"";
const GAPS: &str = "fluent_cluster_gaps_total{by=\"";

/// Servers on one database. Everything is removed on drop, in this order.
pub(super) struct Nodes {
    running: Vec<(Child, Option<Quota>)>,
    pub(super) accounts: Vec<Account>,
    is_limited: bool,
    opened: Barrier,
    _dirs: Vec<TempDir>,
    _database: Database,
    _cluster: Option<Arc<Postgres>>,
}

/// Sums by the value of a label.
pub(super) type Labelled = BTreeMap<String, f64>;

/// Counters of all servers together.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) seconds: f64,
    pub(super) cpu: Duration,
    /// Transactions of the writers.
    pub(super) batches: f64,
    /// Batches that were announced, by where they came from.
    pub(super) records: Labelled,
    /// Bytes by NATS, by their direction.
    pub(super) bytes: Labelled,
    /// By what a gap was filled.
    pub(super) gaps: Labelled,
    /// Whether each server has its share of a core.
    pub(super) is_limited: bool,
}

impl Nodes {
    /// Starts so many servers, on a fresh database with so many accounts.
    pub(super) async fn start(
        place: &Place,
        number: u32,
        (count, dialect): (u32, Dialect),
        quota: Option<f64>,
    ) -> Result<Self> {
        let (dir, database) = place.fresh(true).await?;
        seed::accounts(&database, count, dialect).await?;
        let mut dirs = vec![dir];
        for _ in 1..number {
            dirs.push(place.fresh_dir()?);
        }
        let mut running = Vec::new();
        for dir in &dirs {
            let child = Child::start(&mut place.command(dir.path(), &place.near(&database)), dir.path()).await?;
            let quota = quota.and_then(|cores| Quota::of(child.pid(), cores));
            running.push((child, quota));
        }
        let is_limited = running.iter().all(|(_, quota)| quota.is_some());
        Ok(Self {
            running,
            accounts: accounts(count)?,
            is_limited,
            // Both kinds of pairs, and the one who counts.
            opened: Barrier::new(if number > 1 { 3 } else { 2 }),
            _dirs: dirs,
            _database: database,
            _cluster: place.cluster(),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.running.len()
    }

    /// The address of a server; numbers go round.
    pub(super) fn at(&self, number: usize) -> SocketAddr {
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        self.running.get(number % self.count().max(1)).map_or(unknown, |(child, _)| child.addr)
    }

    /// Waits until all sockets are open.
    pub(super) async fn all_open(&self) {
        self.opened.wait().await;
    }

    /// Adds what the servers have said to an error.
    pub(super) fn blame(&self, error: anyhow::Error) -> anyhow::Error {
        let said: Vec<String> = self.running.iter().map(|(child, _)| child.said()).collect();
        error.context(said.join("\n"))
    }

    /// Sums up all counters.
    pub(super) async fn counts(&self) -> Result<Counts> {
        let mut counts = Counts { is_limited: self.is_limited, ..Counts::default() };
        counts.seconds = Duration::from_nanos(clock::now()).as_secs_f64();
        for (child, _) in &self.running {
            counts.cpu += process::usage(child.pid())?.cpu;
            counts.add(&http::get(child.admin.context("a server without an operators' listener")?, "/metrics").await?);
        }
        Ok(counts)
    }
}

impl Counts {
    fn add(&mut self, metrics: &str) {
        for (series, value) in metrics.lines().filter_map(|line| line.rsplit_once(' ')) {
            let value: f64 = value.parse().unwrap_or_default();
            if series == BATCHES {
                self.batches += value;
                continue;
            }
            for (beginning, sums) in [(RECORDS, &mut self.records), (BYTES, &mut self.bytes), (GAPS, &mut self.gaps)] {
                if let Some(label) = series.strip_prefix(beginning) {
                    *sums.entry(label.trim_end_matches("\"}").to_owned()).or_default() += value;
                }
            }
        }
    }

    /// What has come since.
    pub(super) fn since(mut self, before: &Self) -> Self {
        self.seconds -= before.seconds;
        self.cpu = self.cpu.saturating_sub(before.cpu);
        self.batches -= before.batches;
        let sums = [&mut self.records, &mut self.bytes, &mut self.gaps];
        for (sums, before) in sums.into_iter().zip([&before.records, &before.bytes, &before.gaps]) {
            for (label, sum) in sums {
                *sum -= before.get(label).copied().unwrap_or_default();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_two_servers_are_summed_up() {
        let mut counts = Counts::default();
        counts.add(
            "# HELP x\nfluent_cluster_records_total{from=\"own\"} 3\nfluent_cluster_records_total{from=\"journal\"} 9",
        );
        let before = counts.clone();
        counts.add("fluent_cluster_records_total{from=\"own\"} 4\nfluent_cluster_gaps_total{by=\"resync\"} 2\n");
        counts.add("fluent_cluster_bytes_total{direction=\"out\"} 10\nfluent_commit_duration_seconds_count 5\n");
        let labelled = |label: &str, sum: f64| (label.to_owned(), sum);
        assert_eq!(counts.records, [labelled("own", 7.0), labelled("journal", 9.0)].into());
        let since = counts.since(&before);
        assert_eq!(since.records, [labelled("own", 4.0), labelled("journal", 0.0)].into());
        assert_eq!((since.gaps, since.bytes), ([labelled("resync", 2.0)].into(), [labelled("out", 10.0)].into()));
        assert!(since.batches > 4.9);
    }
}

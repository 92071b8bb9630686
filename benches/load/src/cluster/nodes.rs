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

/// What is summed up, by the name of the series.
const RECORDS: &str = "fluent_cluster_records_total{from=\"own\"}";
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

/// Counters of all servers together.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) seconds: f64,
    pub(super) cpu: Duration,
    /// Batches.
    pub(super) records: f64,
    /// By what a gap was filled.
    pub(super) gaps: BTreeMap<String, f64>,
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
            if series == RECORDS {
                self.records += value;
            } else if let Some(kind) = series.strip_prefix(GAPS) {
                *self.gaps.entry(kind.trim_end_matches("\"}").to_owned()).or_default() += value;
            }
        }
    }

    /// What has come since.
    pub(super) fn since(mut self, before: &Self) -> Self {
        self.seconds -= before.seconds;
        self.cpu = self.cpu.saturating_sub(before.cpu);
        self.records -= before.records;
        for (kind, count) in &mut self.gaps {
            *count -= before.gaps.get(kind).copied().unwrap_or_default();
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
        assert_eq!(format!("{} {:?}", counts.records, counts.gaps.get("resync")), "7 Some(2.0)");
        assert_eq!(format!("{}", counts.since(&before).records), "4");
    }
}

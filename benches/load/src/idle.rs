//! Many idle sockets: how fast they connect, the cost of each, and the memory that the server gives back when they have
//! left.

mod outcome;

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::costs::{Costs, Snapshot};
use crate::crowd::{Connects, Crowd};
use crate::marked_frame::Dialect;
use crate::memory::Memory;
use crate::progress::Progress;
use crate::target::Target;
use outcome::{Left, Outcome};

/// Wait from the last connect to the first measurement of memory.
const SETTLE: Duration = Duration::from_secs(2);
/// Sockets that connect and leave before the measurement: a server that has served no client has not even loaded its
/// own program.
const FIRST: usize = 100;

/// One socket for each of many users, which only answer pings.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Idle {
    /// Sockets, each of a user of its own. The server must allow them (`FLUENT__SERVER__MAX_CONNECTIONS`), and each
    /// takes a file of the server and one of this program
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) sockets: u32,
    /// The wire that is spoken
    #[arg(long, value_enum, default_value = "legacy")]
    pub(crate) dialect: Dialect,
    /// Sockets that connect at once
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    at_once: u32,
    /// Seconds that they stay; the server pings after 25
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stay: u64,
    /// Seconds after the last has left at which the memory is measured
    #[arg(
        long,
        default_values_t = [1, 10, 60],
        value_delimiter = ',',
        value_parser = clap::value_parser!(u64).range(0..=3600)
    )]
    after: Vec<u64>,
}

impl Idle {
    pub(crate) async fn run(&self, target: &Target) -> Result<Outcome> {
        self.run_on(target).await.with_context(|| format!("{}: {}", target.name, target.said()))
    }

    async fn connect(&self, target: &Target, count: usize) -> Result<(Crowd, Connects)> {
        Crowd::connect(target, count, self.dialect, self.at_once).await
    }

    async fn run_on(&self, target: &Target) -> Result<Outcome> {
        let pid = target.pid.context("give the --pid of the server: its memory is what is measured")?;
        let (first, _) = self.connect(target, FIRST).await?;
        first.leave().await;
        sleep_until(Instant::now() + SETTLE).await;

        let before = Memory::of(pid)?;
        let start = Snapshot::take(target, 0).await?;
        let (crowd, connects) = self.connect(target, target.accounts.len()).await?;
        let full = Snapshot::take(target, self.sockets.into()).await?;
        let came = Costs::between(target, &start, &full);
        let mut until = Instant::now() + SETTLE;
        sleep_until(until).await;
        let settled = Memory::of(pid)?.beyond(before);

        let resting = Snapshot::take(target, 0).await?;
        let stay = Duration::from_secs(self.stay);
        until = wait(&format!("{} sockets stay", self.sockets), until, stay).await;
        let stayed = Memory::of(pid)?.beyond(before);
        let rest = Costs::between(target, &resting, &Snapshot::take(target, 0).await?);

        let (lost, closing) = crowd.leave().await;
        let mut left = Vec::new();
        let gone = until.max(Instant::now());
        for &seconds in &self.after {
            wait("all have left", gone, Duration::from_secs(seconds)).await;
            left.push(Left::new(seconds, before, Memory::of(pid)?));
        }
        Ok(Outcome {
            workload: "idle",
            target: target.name.clone(),
            idle: self.clone(),
            connects_per_second: connects.per_second(self.sockets),
            first_to_last_s: connects.span.as_secs_f64(),
            connect_ms: connects.times.summary(),
            connect_cpu_us: came.cpu_us,
            came,
            start_mib: before.rss_mib(),
            settled_kib: settled.each(self.sockets),
            kib: stayed.each(self.sockets),
            resting_cores: rest.server_cores,
            lost,
            closing_s: closing.as_secs_f64(),
            left,
        })
    }
}

/// Waits until a time after `from`, with a progress bar.
async fn wait(what: &str, from: Instant, time: Duration) -> Instant {
    let progress = Progress::over(what, time);
    let until = from + time;
    while Instant::now() < until {
        progress.at(from.elapsed());
        sleep_until(until.min(Instant::now() + Duration::from_secs(1))).await;
    }
    until
}

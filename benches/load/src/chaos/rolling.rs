//! All servers stopped and started, one after the other, under phones that write meanwhile.

mod outcome;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fluent_backend::testing::Nats;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::audit::Findings;
use super::crowd::{Crowd, Habits};
use super::ring::Ring;
use super::shared::{Phase, Shared};
use super::{begin, complain_of_panics, finish};
use crate::host::Host;
use crate::http;
use crate::marked_frame::Dialect;
use crate::place::{Place, Where};
use crate::report;
use crate::seed;
use outcome::{Outcome, Turn};

/// How long everybody writes before the first stop.
const CALM: Duration = Duration::from_secs(3);
/// Longest time until all phones have a socket again.
const BACK: Duration = Duration::from_mins(2);

/// A rolling restart, or a rolling upgrade.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Rolling {
    /// Servers, with a NATS between them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=8))]
    nodes: u32,
    /// Phones of fluent.v1, two of each user
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(24..=20_000))]
    phones: u32,
    /// Milliseconds between two messages of a phone, on average
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pause_ms: u64,
    /// Seconds in which a server that stops sends its phones away
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    drain_s: u64,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(48..=98_304))]
    bytes: u32,
    /// Decides who writes what, and where phones go
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program of the servers before their restart, for a rolling upgrade
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<PathBuf>,
}

impl Rolling {
    pub(crate) async fn run(&self, own: &Where) -> Result<()> {
        let started = Instant::now();
        let mut place = own.place(true).await?;
        let nats = Nats::start().await?;
        place.put_between(&nats);
        let before = match &self.from {
            Some(program) => place.with_program("before", program)?,
            None => place.clone(),
        };
        let ring = Ring::new(self.phones);
        let (_dir, database) = before.fresh(true).await?;
        seed::accounts(&database, ring.users(), Dialect::V1).await?;
        let (nodes, drain) = (watch::Sender::default(), Duration::from_secs(self.drain_s));
        let host = |dir| Host::new(&before, dir, &place.near(&database), drain, &nodes);
        let mut hosts: Vec<Host> = (0..self.nodes).map(|_| Ok(host(place.fresh_dir()?))).collect::<Result<_>>()?;
        let phase = watch::Sender::new(Phase::Come);
        let shared = Arc::new(Shared::new(nodes.subscribe(), phase.subscribe(), self.seed));
        let habits = Habits {
            seed: self.seed,
            legacy: 0,
            again: 0,
            bytes: self.bytes,
            pause: Duration::from_millis(self.pause_ms),
        };
        let crowd = Crowd::gather(&habits, ring, &shared)?;
        let rolled = self.roll(&place, &mut hosts, crowd, &phase, &shared).await;
        let said = hosts.iter().map(Host::said).collect::<Result<Vec<_>>>().unwrap_or_default().join("\n");
        let (turns, found) = rolled.with_context(|| said.clone())?;
        complain_of_panics(&said, &shared);
        let outcome = Outcome::new(self, &shared, turns, found, started.elapsed());
        report::print(&outcome)?;
        ensure!(outcome.holds(), "a promise was broken");
        Ok(())
    }

    async fn roll(
        &self,
        place: &Place,
        hosts: &mut [Host],
        mut crowd: Crowd,
        phase: &watch::Sender<Phase>,
        shared: &Shared,
    ) -> Result<(Vec<Turn>, (Findings, u64))> {
        for host in hosts.iter_mut() {
            host.start().await?;
        }
        let everybody = begin(&mut crowd, phase, shared).await?;
        sleep(CALM).await;
        let mut turns = Vec::new();
        for number in 0..hosts.len() {
            let host = hosts.get_mut(number).context("there is no server")?;
            let (started, opened) = (Instant::now(), shared.opened.load(Relaxed));
            let phones = sockets(host).await?;
            host.use_program(place);
            host.stop().await?;
            host.start().await?;
            all_back(hosts, everybody, shared).await?;
            let reconnects = shared.opened.load(Relaxed) - opened;
            turns.push(Turn { phones, reconnects, seconds: started.elapsed().as_secs_f64() });
        }
        let found = finish(Ring::new(self.phones), crowd, everybody, phase, shared).await?;
        Ok((turns, found))
    }
}

/// Waits until so many sockets are open.
pub(super) async fn all_back(hosts: &[Host], everybody: u64, shared: &Shared) -> Result<()> {
    let deadline = Instant::now() + BACK;
    loop {
        let mut open = 0;
        for host in hosts {
            open += sockets(host).await?;
        }
        if open >= everybody {
            return Ok(());
        }
        if Instant::now() > deadline {
            shared.complain(|| format!("only {open} of {everybody} phones are back"));
            return Ok(());
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// How many sockets are open at a server.
pub(super) async fn sockets(host: &Host) -> Result<u64> {
    let metrics = http::get(host.admin()?, "/metrics").await?;
    // One line a dialect and mode.
    let lines = metrics.lines().filter_map(|line| line.strip_prefix("fluent_sockets{")?.rsplit(' ').next());
    let count = lines.filter_map(|count| count.parse().ok()).reduce(|one: u64, other| one + other);
    count.context("a server does not say how many sockets it has")
}

//! Many phones, and everything breaks all the time: what is lost, what comes twice, and what comes out of order.
//!
//! Every user has a phone that speaks fluent.v1 and a second client: a tablet that does so, too, or the shipped app.
//! Each writes to ten others as fast as it is answered, one message at a time to each, keeps what is not acknowledged
//! and sends it again; and some messages it sends once more without need, by another way. Meanwhile the server is
//! killed and stopped, clients are cut and stand still, and on PostgreSQL the database and the way to it break. Of
//! several servers on one PostgreSQL each has a way of its own, some stand still for a while, and clients come back to
//! any. At the end the devices' logs, what was acknowledged, and what the server tells are compared message by message.

mod again;
mod audit;
mod book;
mod crowd;
mod device;
mod inbox;
mod legacy;
mod monkey;
mod outcome;
mod restart;
mod ring;
mod rolling;
mod sending;
mod shared;
mod timeline;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fluent_backend::testing::Nats;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::database::Database;
use crate::host::Host;
use crate::place::{Place, Store};
use crate::progress::Progress;
use crowd::{Crowd, Habits};
use monkey::{LONG_RUN, Monkey};
pub(crate) use outcome::Outcome;
pub(crate) use restart::Restart;
use ring::Ring;
pub(crate) use rolling::Rolling;
use shared::{Phase, Shared};

/// Longest time until everybody has come, has got rid of everything, or has come back.
const SETTLE: Duration = Duration::from_mins(2);
/// How long a server sends its clients away when it is stopped.
const DRAIN: Duration = Duration::from_secs(2);

/// A chaos run.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Chaos {
    /// Where the server keeps messages: in SQLite, or in a PostgreSQL that is started for this
    #[arg(long, value_enum, default_value = "sqlite", value_parser = store)]
    store: Store,
    /// Servers on that PostgreSQL; clients go to any of them, and come back to any
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    nodes: u32,
    /// Put a throw-away NATS between these servers, which breaks too
    #[arg(long)]
    nats: bool,
    /// Ends when so many messages are acknowledged; from a million on, only after everything has broken five times
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    messages: u64,
    /// Ends after so many minutes, such as 0.5, even when there are fewer messages
    #[arg(long, default_value_t = 60.0, value_parser = crate::mixed::minutes)]
    minutes: f64,
    /// Clients, two of each user
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(24..=10_000))]
    clients: u32,
    /// Of 1000 users, how many have the shipped app as their second client
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(0..=1000))]
    legacy: u32,
    /// Of 1000 messages, how many are sent once more without need
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(0..=1000))]
    again: u64,
    /// Seconds between two breaks, on average
    #[arg(long, default_value_t = 3.0, value_parser = seconds)]
    every: f64,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(48..=98_304))]
    bytes: u32,
    /// Decides who does what, and what breaks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's program, by default the one beside this program
    #[arg(long, value_name = "PATH")]
    #[serde(skip)]
    server: Option<PathBuf>,
    /// Where the data directories are made, and removed at the end: on a real disk; by default the system's temporary
    /// directory
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    dir: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.2..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("from 0.2 to 3600".to_owned()) }
}

impl Chaos {
    pub(crate) async fn run(&self) -> Result<Outcome> {
        ensure!(
            (self.nodes == 1 && !self.nats) || self.store == Store::Postgres,
            "several servers need --store postgres"
        );
        let started = Instant::now();
        let ring = Ring::new(self.clients);
        let mut place = Place::at(self.server.as_deref(), self.dir.as_deref())?;
        let cluster = match self.store {
            Store::Postgres => Some(place.start_postgres().await?),
            _ => None,
        };
        let parent = cluster.as_ref().map(|cluster| cluster.url("postgres"));
        let nats = if self.nats { Some(Nats::start().await?) } else { None };
        let (dir, database) = place.populated(parent, ring.users()).await?;
        let nodes = watch::Sender::default();
        // The database is dropped before its cluster, which ends with the monkey.
        let (hosts, database) = match (&cluster, database) {
            (Some(cluster), Database::Postgres(fresh)) => {
                let there = (cluster, fresh.name());
                let mut hosts = vec![Host::behind(&place, dir, there, nats.as_ref(), DRAIN, &nodes).await?];
                for _ in 1..self.nodes {
                    hosts.push(Host::behind(&place, place.fresh_dir()?, there, nats.as_ref(), DRAIN, &nodes).await?);
                }
                (hosts, Some(fresh))
            }
            (_, database) => (vec![Host::new(&place, dir, database.url(), DRAIN, &nodes)], None),
        };
        let phase = watch::Sender::new(Phase::Come);
        let shared = Arc::new(Shared::new(nodes.subscribe(), phase.subscribe(), self.seed));
        let crowd = Crowd::gather(&self.habits(), ring, &shared)?;
        let mut monkey =
            Monkey::new(hosts, (cluster, nats), crowd.orders(), self.seed, Duration::from_secs_f64(self.every));
        let done = self.play(&mut monkey, crowd, &phase, &shared).await;
        let (findings, unacknowledged) = done.with_context(|| monkey.said().unwrap_or_default())?;
        drop(database);
        let said = monkey.said()?;
        complain_of_panics(&said, &shared);
        if shared.errors() > 0 {
            shared.remark(format!("the server's last words: {}", last_lines(&said)));
        }
        let numbers = (unacknowledged, started.elapsed().as_secs_f64());
        Ok(Outcome::new(self, &shared, findings, numbers, monkey.breaks, said.lines().count()))
    }

    async fn play(
        &self,
        monkey: &mut Monkey,
        mut crowd: Crowd,
        phase: &watch::Sender<Phase>,
        shared: &Shared,
    ) -> Result<(audit::Findings, u64)> {
        monkey.start().await?;
        let everybody = begin(&mut crowd, phase, shared).await?;
        let ends = watch::Sender::new(false);
        let has_seen_all = monkey.has_seen_all();
        let (raged, ()) = tokio::join!(monkey.rage(ends.subscribe()), self.wait(shared, &has_seen_all, &ends));
        raged?;
        finish(Ring::new(self.clients), crowd, everybody, phase, shared).await
    }

    fn habits(&self) -> Habits {
        let Self { seed, legacy, again, bytes, .. } = *self;
        Habits { seed, legacy, again, bytes, pause: Duration::ZERO }
    }

    /// Waits until there are enough messages and a long run has seen everything, or it has taken long enough.
    async fn wait(&self, shared: &Shared, has_seen_all: &watch::Receiver<bool>, ends: &watch::Sender<bool>) {
        let deadline = Instant::now() + Duration::from_secs_f64(self.minutes * 60.0);
        let progress = Progress::counting("messages are acknowledged", self.messages);
        let is_enough = |count| count >= self.messages && (count < LONG_RUN || *has_seen_all.borrow());
        while !is_enough(shared.book.acknowledged()) && Instant::now() < deadline {
            let count = shared.book.acknowledged();
            progress.reach(count);
            shared.has_enough.store(count >= self.messages, Relaxed);
            sleep(Duration::from_millis(100)).await;
        }
        ends.send_replace(true);
    }
}

/// Lets everybody come for the first time, and then write. Returns how many they are.
async fn begin(crowd: &mut Crowd, phase: &watch::Sender<Phase>, shared: &Shared) -> Result<u64> {
    let everybody = crowd.spawn();
    shared.all_ready(everybody, "came", SETTLE).await;
    ensure!(shared.errors() == 0, "nobody can write: {:?}", shared.problems());
    phase.send_replace(Phase::Storm);
    Ok(everybody)
}

/// Lets everybody get rid of everything and come back, and compares what they know with what the servers tell. Returns
/// that, and the number of messages without an answer.
async fn finish(
    ring: Ring,
    mut crowd: Crowd,
    everybody: u64,
    phase: &watch::Sender<Phase>,
    shared: &Shared,
) -> Result<(audit::Findings, u64)> {
    for (next, what) in [(Phase::Settle, "got rid of everything"), (Phase::Return, "came back")] {
        phase.send_replace(next);
        shared.all_ready(everybody, what, SETTLE).await;
    }
    phase.send_replace(Phase::End);
    let devices = crowd.devices().await?;
    let waiting = devices.iter().map(|device| device.phone.waiting().count() as u64).sum();
    let findings = audit::audit(&shared.servers(), ring, &devices, &shared.book).await?;
    Ok((findings, waiting))
}

fn complain_of_panics(said: &str, shared: &Shared) {
    let panics = said.matches("panicked at").count();
    if panics > 0 {
        shared.complain(|| format!("the server has panicked {panics} times: {}", told_of(said)));
    }
}

/// The end of a log.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join(" | ")
}

/// The first line about a panic, and the one behind it.
fn told_of(log: &str) -> String {
    let at = log.find("panicked at").unwrap_or_default();
    log.get(at..).unwrap_or_default().lines().take(2).collect::<Vec<_>>().join(" ")
}

fn store(text: &str) -> Result<Store, String> {
    match text {
        "sqlite" => Ok(Store::Sqlite),
        "postgres" => Ok(Store::Postgres),
        _ => Err("sqlite or postgres".to_owned()),
    }
}

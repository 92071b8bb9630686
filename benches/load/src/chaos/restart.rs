//! A server that is followed by another one on the same listening socket, under phones that write meanwhile.
//!
//! The socket is this tool's, as it is the service manager's in production: who connects while no server is there waits
//! in its queue. On SQLite, where one server at a time may write, the old one ends before the new one starts. On
//! PostgreSQL the new one starts first.

mod outcome;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::audit::Findings;
use super::crowd::{Crowd, Habits};
use super::ring::Ring;
use super::rolling::{all_back, sockets};
use super::shared::{Phase, Shared};
use super::timeline::Timeline;
use super::{begin, complain_of_panics, finish};
use crate::clock;
use crate::host::Host;
use crate::marked_frame::Dialect;
use crate::place::{Store, Where};
use crate::report;
use crate::seed;
use outcome::{Outcome, Turn};

/// How long everybody writes before the first restart, and after each.
const CALM: Duration = Duration::from_secs(12);

/// Restarts on one listening socket.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Restart {
    /// Restarts, one after the other
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    restarts: u32,
    /// Phones of fluent.v1, two of each user
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(24..=20_000))]
    phones: u32,
    /// Milliseconds between two messages of a phone, on average
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pause_ms: u64,
    /// Seconds in which a server that stops sends its phones away
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    drain_s: u64,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(48..=98_304))]
    bytes: u32,
    /// Decides who writes what
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Restart {
    pub(crate) async fn run(&self, own: &Where) -> Result<()> {
        let started = Instant::now();
        let place = own.place(false).await?;
        let is_sqlite = place.store() == Store::Sqlite;
        let ring = Ring::new(self.phones);
        let (dir, database) = place.fresh(!is_sqlite).await?;
        seed::accounts(&database, ring.users(), Dialect::V1).await?;
        let (nodes, drain) = (watch::Sender::default(), Duration::from_secs(self.drain_s));
        let socket = Arc::new(TcpListener::bind("127.0.0.1:0").context("cannot listen")?);
        // A service manager gives its sockets a longer queue than this library does.
        rustix::net::listen(&socket, 4096)?;
        let url = place.near(&database);
        let mut hosts = vec![Host::new(&place, dir, &url, drain, &nodes)];
        if !is_sqlite {
            hosts.push(Host::new(&place, place.fresh_dir()?, &url, drain, &nodes));
        }
        for host in &mut hosts {
            host.listens_on(&socket)?;
        }
        let phase = watch::Sender::new(Phase::Come);
        let mut shared = Shared::new(nodes.subscribe(), phase.subscribe(), self.seed);
        shared.timeline = Some(Timeline::default());
        let shared = Arc::new(shared);
        let habits = Habits {
            seed: self.seed,
            legacy: 0,
            again: 0,
            bytes: self.bytes,
            pause: Duration::from_millis(self.pause_ms),
        };
        let crowd = Crowd::gather(&habits, ring, &shared)?;
        let counting = async {
            match &shared.timeline {
                Some(timeline) => timeline.count_phones().await,
                None => std::future::pending().await,
            }
        };
        let done = tokio::select! {
            done = self.restart(&mut hosts, crowd, &phase, &shared) => done,
            () = counting => bail!("phones are not counted any more"),
        };
        let said = hosts.iter().filter_map(|host| host.said().ok()).collect::<Vec<_>>().join("\n");
        let (turns, found) = done.with_context(|| said.clone())?;
        complain_of_panics(&said, &shared);
        let outcome = Outcome::new(self, place.store(), &shared, turns, found, started.elapsed());
        report::print(&outcome)?;
        ensure!(outcome.holds(), "a promise was broken");
        Ok(())
    }

    async fn restart(
        &self,
        hosts: &mut [Host],
        mut crowd: Crowd,
        phase: &watch::Sender<Phase>,
        shared: &Shared,
    ) -> Result<(Vec<Turn>, (Findings, u64))> {
        hosts.first_mut().context("there is no server")?.start().await?;
        let everybody = begin(&mut crowd, phase, shared).await?;
        let mut turns: Vec<Turn> = Vec::new();
        for _ in 0..self.restarts {
            sleep(CALM).await;
            let (stopped, at, opened) = (Instant::now(), clock::now(), shared.opened.load(Relaxed));
            if let [old, new] = hosts {
                new.start().await?;
                old.stop().await?;
            } else {
                for host in hosts.iter_mut() {
                    host.stop().await?;
                    host.start().await?;
                }
            }
            let served_after_s = stopped.elapsed().as_secs_f64();
            hosts.rotate_left(1);
            let running = hosts.get(..1).unwrap_or_default();
            all_back(running, everybody, shared).await?;
            let back_after_s = stopped.elapsed().as_secs_f64();
            let reconnects = shared.opened.load(Relaxed) - opened;
            turns.push(Turn::new(at, served_after_s, back_after_s, reconnects));
        }
        sleep(CALM).await;
        ensure!(sockets(hosts.first().context("there is no server")?).await? >= everybody, "phones have gone");
        let ends = turns.iter().skip(1).map(Turn::begin).chain([clock::now()]).collect::<Vec<_>>();
        for (turn, end) in turns.iter_mut().zip(ends) {
            turn.look(shared.timeline.as_ref().context("nothing was noted")?, end)?;
        }
        let found = finish(Ring::new(self.phones), crowd, everybody, phase, shared).await?;
        Ok((turns, found))
    }
}

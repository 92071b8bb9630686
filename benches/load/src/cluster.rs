//! Several servers on one PostgreSQL: pairs of users whose sides are at the same server and at different ones, under
//! the same load, for one, two and more servers in turn.
//!
//! All share the machine, so more servers do not get more of it: look at what a message costs, and how long it takes to
//! another server.

mod nodes;
mod outcome;
mod quota;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use fluent_backend::testing::Nats;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{self, OPENING};
use crate::latency::Summary;
use crate::marked_frame::{Dialect, MarkedFrame};
use crate::place::{Place, Where};
use crate::report;
use crate::socket::Socket;
use crate::target::{Account, Target};
use crate::traffic::{Pacing, Party, Plan, Soundness, drive};
use nodes::{Counts, Nodes};
use outcome::{Comparison, Outcome};

/// Servers on one PostgreSQL under load.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Cluster {
    /// How many servers, one number after the other
    #[arg(long, value_delimiter = ',', default_value = "1,2,3", value_parser = clap::value_parser!(u32).range(1..=8))]
    nodes: Vec<u32>,
    /// Rounds in which each number has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Pairs of users, half of them with both sides at one server, the others with sides at two; with few messages on
    /// their way, servers wait for their turn at the database and not for the processor
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(2..=50_000))]
    pairs: u32,
    /// Unacknowledged messages of each pair at any time
    #[arg(
        long,
        default_value_t = 8,
        conflicts_with = "rate",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    window: u32,
    /// Instead of a window: messages a second in total
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// Sockets at each server that do nothing
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    idle: u32,
    /// Cores of each server, such as 0.25, by a control group; without the right to make one, there is no such limit
    #[arg(long, value_parser = quota::cores)]
    quota: Option<f64>,
    /// Put a throw-away NATS between the servers
    #[arg(long)]
    nats: bool,
    /// The wire that is spoken
    #[arg(long, value_enum, default_value = "v1")]
    dialect: Dialect,
    #[command(flatten)]
    #[serde(flatten)]
    plan: Plan,
}

/// Pairs of one kind, and what became of their messages.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Half {
    per_second: f64,
    latency_ms: Summary,
    #[serde(flatten)]
    sound: Soundness,
}

/// Idle sockets, each with a task that answers pings.
struct Idlers(JoinSet<Result<()>>);

impl Cluster {
    pub(crate) async fn run(&self, own: &Where) -> Result<()> {
        self.plan.check()?;
        let mut place = own.place(true).await?;
        let nats = if self.nats { Some(Nats::start().await?) } else { None };
        if let Some(nats) = &nats {
            place.put_between(nats);
        }
        let mut outcomes = Vec::new();
        for round in 0..self.rounds {
            let mut numbers = self.nodes.clone();
            // So that what comes first is not always the same.
            if round % 2 == 1 {
                numbers.reverse();
            }
            for number in numbers {
                let outcome = Box::pin(self.measure(&place, number)).await?;
                report::print(&outcome)?;
                outcomes.push(outcome);
            }
        }
        let comparison = Comparison::of(self, &outcomes);
        report::print(&comparison)?;
        ensure!(comparison.is_sound, "a message was lost, came twice or out of order: see the runs above");
        Ok(())
    }

    async fn measure(&self, place: &Place, number: u32) -> Result<Outcome> {
        let accounts = self.pairs * 2 + self.idle * number;
        let nodes = Nodes::start(place, number, (accounts, self.dialect), self.quota).await?;
        let (busy, idle) = nodes.accounts.split_at(self.pairs as usize * 2);
        let idlers = self.idlers(&nodes, idle).await?;
        let mut halves = [Vec::new(), Vec::new()];
        for (pair, index) in busy.chunks_exact(2).zip(0_usize..) {
            // With one server there is only one kind.
            let is_cross = number > 1 && index % 2 == 1;
            if let Some(half) = halves.get_mut(usize::from(is_cross)) {
                half.push((pair, nodes.at(index / 2), nodes.at(index / 2 + usize::from(is_cross))));
            }
        }
        let [same, cross] = halves;
        let measured =
            tokio::try_join!(self.drive(&nodes, "same", same), self.drive(&nodes, "cross", cross), self.count(&nodes));
        let (same, cross, counts) = measured.map_err(|error| nodes.blame(error))?;
        idlers.check()?;
        Ok(Outcome::new(number, same, cross, &counts))
    }

    /// Lets the pairs of one kind write.
    async fn drive(&self, nodes: &Nodes, kind: &str, pairs: Vec<(&[Account], SocketAddr, SocketAddr)>) -> Result<Half> {
        let writers = u32::try_from(pairs.len())?;
        if writers == 0 {
            return Ok(Half::default());
        }
        let opening =
            futures_util::stream::iter(pairs.into_iter().zip(0..).map(|((pair, at, to_at), number)| async move {
                let [from, to] = pair else { bail!("a pair has two sides") };
                Ok(Party {
                    readers: vec![client::connect(to_at, &to.token, self.dialect, "").await?],
                    writer: client::connect(at, &from.token, self.dialect, "").await?,
                    frame: MarkedFrame::new(self.dialect, number, to.id, self.plan.bytes, self.plan.seed)?,
                    partners: None,
                })
            }));
        let parties = opening.buffered(OPENING).try_collect().await?;
        nodes.all_open().await;
        // Its share of all.
        let rate = self.rate.map(|rate| (u64::from(rate) * u64::from(writers)).div_ceil(u64::from(self.pairs)));
        let rate = rate.map(u32::try_from).transpose()?;
        let pacing = |start, pair| match rate {
            Some(rate) => Pacing::schedule(start, rate, writers, pair),
            None => Pacing::Window(self.window.into()),
        };
        let mut target = Target::running(nodes.at(0), None, None, Vec::new());
        target.name = format!("{} servers, {kind}", nodes.count());
        let (board, costs) = drive(&target, &self.plan, parties, pacing).await?;
        let latency_ms = board.times().delivery.summary();
        Ok(Half { per_second: costs.per_second, latency_ms, sound: board.soundness() })
    }

    /// What all servers use and count in the measured period.
    async fn count(&self, nodes: &Nodes) -> Result<Counts> {
        nodes.all_open().await;
        sleep(Duration::from_secs(self.plan.warmup)).await;
        let before = nodes.counts().await?;
        sleep(Duration::from_secs(self.plan.seconds)).await;
        Ok(nodes.counts().await?.since(&before))
    }

    async fn idlers(&self, nodes: &Nodes, accounts: &[Account]) -> Result<Idlers> {
        let mut idlers = Idlers(JoinSet::new());
        let opening = accounts
            .iter()
            .zip(0_usize..)
            .map(|(account, number)| client::connect(nodes.at(number), &account.token, self.dialect, ""));
        let mut opening = futures_util::stream::iter(opening).buffer_unordered(OPENING);
        while let Some(opened) = opening.next().await {
            idlers.0.spawn(stay(opened?));
        }
        Ok(idlers)
    }
}

impl Idlers {
    /// None of them may have ended.
    fn check(mut self) -> Result<()> {
        match self.0.try_join_next() {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }
}

/// Reads what comes and forgets it.
async fn stay(mut socket: Socket) -> Result<()> {
    loop {
        socket.transfer().await?;
        while socket.next()?.is_some() {}
    }
}

//! Breaks one thing after the other, and mends it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use fluent_backend::testing::{CommitCut, Nats, Postgres};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::host::Host;
use super::shared::Order;
use crate::random::Random;

/// Longest time between two breaks.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Longest time for which something stays down.
const MAX_DOWN_MS: u64 = 500;
/// How long a short stall of the database's link may last, and a long one: beyond what the server waits for a
/// transaction.
const SHORT_STALL_MS: u64 = 2500;
const LONG_STALL: Duration = Duration::from_secs(12);
/// Of a thousand stalls so many are long.
const LONG_STALLS: u64 = 150;
/// Commits that are cut one after the other, at most, and how long one is waited for.
const MAX_COMMITS: u64 = 4;
const COMMIT: Duration = Duration::from_secs(1);
/// How long a server may stand still, and for how long a sixth of them do: beyond what the others wait for it.
const SHORT_FREEZE_MS: u64 = 2500;
const LONG_FREEZE: Duration = Duration::from_secs(6);
/// Longest time for which a client does not read.
const CLIENT_STALL_MS: u64 = 4000;

/// What can break.
#[derive(Clone, Copy)]
enum Break {
    ServerKilled,
    ServerStopped,
    ServerFrozen,
    Rolling,
    ClientsCut,
    ClientsStalled,
    LinkCut,
    LinkStalled,
    CommitCut,
    DatabaseKilled,
    NatsKilled,
    NatsFrozen,
}

/// How often each comes, in a sum of its own, on either store.
const ON_SQLITE: [(Break, u64); 4] =
    [(Break::ServerKilled, 40), (Break::ServerStopped, 10), (Break::ClientsCut, 35), (Break::ClientsStalled, 15)];
const ON_POSTGRES: [(Break, u64); 8] = [
    (Break::ServerKilled, 20),
    (Break::ServerStopped, 5),
    (Break::ClientsCut, 20),
    (Break::ClientsStalled, 10),
    (Break::LinkCut, 15),
    (Break::LinkStalled, 8),
    (Break::CommitCut, 16),
    (Break::DatabaseKilled, 6),
];
const ON_SEVERAL_NODES: [(Break, u64); 10] = [
    (Break::ServerKilled, 16),
    (Break::ServerStopped, 5),
    (Break::ServerFrozen, 16),
    (Break::Rolling, 4),
    (Break::ClientsCut, 20),
    (Break::ClientsStalled, 6),
    (Break::LinkCut, 12),
    (Break::LinkStalled, 6),
    (Break::CommitCut, 10),
    (Break::DatabaseKilled, 5),
];
/// Beside these, with NATS.
const OF_NATS: [(Break, u64); 2] = [(Break::NatsKilled, 10), (Break::NatsFrozen, 10)];

/// What was broken, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Breaks {
    pub(super) server_killed: u64,
    pub(super) server_stopped: u64,
    /// Of several servers: stood still with all their connections.
    pub(super) server_frozen: u64,
    /// Of several servers: all stopped and started, one after the other.
    pub(super) rolling: u64,
    pub(super) clients_cut: u64,
    pub(super) clients_stalled: u64,
    pub(super) link_cut: u64,
    pub(super) link_stalled: u64,
    /// Connections cut exactly at a `COMMIT`, before it or before its answer.
    pub(super) commit_cut: u64,
    pub(super) database_killed: u64,
    pub(super) nats_killed: u64,
    pub(super) nats_frozen: u64,
}

/// The one who breaks things.
pub(super) struct Monkey {
    /// At least one.
    pub(super) hosts: Vec<Host>,
    cluster: Option<Postgres>,
    nats: Option<Nats>,
    clients: Vec<watch::Sender<Order>>,
    random: Random,
    every: Duration,
    pub(super) breaks: Breaks,
}

impl Monkey {
    /// Breaks something once in `every` on average; the seed decides what.
    pub(super) fn new(
        hosts: Vec<Host>,
        (cluster, nats): (Option<Postgres>, Option<Nats>),
        clients: Vec<watch::Sender<Order>>,
        seed: u64,
        every: Duration,
    ) -> Self {
        Self { hosts, cluster, nats, clients, random: Random::of(seed, u64::MAX), every, breaks: Breaks::default() }
    }

    /// Starts all servers.
    pub(super) async fn start(&mut self) -> Result<()> {
        for host in &mut self.hosts {
            host.start().await?;
        }
        Ok(())
    }

    /// All that the servers have logged.
    pub(super) fn said(&self) -> Result<String> {
        let logs: Vec<String> = self.hosts.iter().map(Host::said).collect::<Result<_>>()?;
        Ok(logs.join("\n"))
    }

    /// Until `ends` is true; then everything works.
    pub(super) async fn rage(&mut self, ends: watch::Receiver<bool>) -> Result<()> {
        loop {
            let wait = self.random.wait(self.every).min(MAX_WAIT);
            let mut ending = ends.clone();
            tokio::select! {
                () = sleep(wait) => {}
                _ = ending.wait_for(|ends| *ends) => break,
            }
            self.break_something().await?;
        }
        let links = self.hosts.iter().filter_map(|host| host.link.as_ref());
        self.breaks.commit_cut = links.map(|link| link.commits_cut() as u64).sum();
        Ok(())
    }

    async fn break_something(&mut self) -> Result<()> {
        let own: &[(Break, u64)] = match (&self.cluster, self.hosts.len()) {
            (None, _) => &ON_SQLITE,
            (_, 1) => &ON_POSTGRES,
            _ => &ON_SEVERAL_NODES,
        };
        let more = self.nats.iter().flat_map(|_| &OF_NATS);
        let choices: Vec<(Break, u64)> = own.iter().chain(more).copied().collect();
        let mut rest = self.random.below(choices.iter().map(|(_, weight)| weight).sum());
        let chosen = choices.iter().find(|(_, weight)| {
            let is_it = rest < *weight;
            rest = rest.saturating_sub(*weight);
            is_it
        });
        let chosen = chosen.map_or(Break::ClientsCut, |(chosen, _)| *chosen);
        match chosen {
            Break::ServerKilled | Break::ServerStopped | Break::ServerFrozen | Break::Rolling => {
                self.break_server(chosen).await?;
            }
            Break::NatsKilled | Break::NatsFrozen => self.break_nats(chosen).await?,
            Break::ClientsCut => self.breaks.clients_cut += self.order(|_| Order::Cut),
            Break::ClientsStalled => {
                let stall = |random: &mut Random| Order::Stall(Duration::from_millis(random.below(CLIENT_STALL_MS)));
                self.breaks.clients_stalled += self.order(stall);
            }
            Break::LinkCut | Break::LinkStalled | Break::CommitCut | Break::DatabaseKilled => {
                self.break_database(chosen).await?;
            }
        }
        Ok(())
    }

    async fn break_server(&mut self, chosen: Break) -> Result<()> {
        let down = Duration::from_millis(self.random.below(MAX_DOWN_MS));
        let short = Duration::from_millis(self.random.below(SHORT_FREEZE_MS));
        let freeze = if self.random.chance(LONG_STALLS) { LONG_FREEZE } else { short };
        let at = self.random.index(self.hosts.len());
        let host = self.hosts.get_mut(at).context("there is no server")?;
        match chosen {
            Break::ServerKilled => {
                host.kill();
                self.breaks.server_killed += 1;
                sleep(down).await;
                host.start().await
            }
            Break::ServerFrozen => {
                self.breaks.server_frozen += 1;
                host.freeze(freeze).await
            }
            Break::Rolling => {
                self.breaks.rolling += 1;
                for host in &mut self.hosts {
                    host.stop().await?;
                    host.start().await?;
                }
                Ok(())
            }
            _ => {
                host.stop().await?;
                self.breaks.server_stopped += 1;
                host.start().await
            }
        }
    }

    async fn break_nats(&mut self, chosen: Break) -> Result<()> {
        let time = Duration::from_millis(self.random.below(SHORT_FREEZE_MS));
        let Some(nats) = &mut self.nats else { return Ok(()) };
        if matches!(chosen, Break::NatsKilled) {
            nats.kill()?;
            self.breaks.nats_killed += 1;
            sleep(time).await;
            return Ok(nats.restart().await?);
        }
        nats.freeze().await?;
        self.breaks.nats_frozen += 1;
        sleep(if self.random.chance(LONG_STALLS) { LONG_FREEZE } else { time }).await;
        Ok(nats.thaw().await?)
    }

    async fn break_database(&mut self, chosen: Break) -> Result<()> {
        let at = self.random.index(self.hosts.len());
        let link = self.hosts.get(at).and_then(|host| host.link.as_ref());
        let (Some(link), Some(cluster)) = (link, &mut self.cluster) else { return Ok(()) };
        match chosen {
            Break::LinkStalled => {
                link.stall();
                self.breaks.link_stalled += 1;
                let short = Duration::from_millis(self.random.below(SHORT_STALL_MS));
                sleep(if self.random.chance(LONG_STALLS) { LONG_STALL } else { short }).await;
                if self.random.chance(500) {
                    link.cut();
                }
                link.flow();
            }
            Break::CommitCut => {
                for _ in 0..=self.random.below(MAX_COMMITS) {
                    let before = link.commits_cut();
                    link.cut_next_commit(if self.random.chance(200) { CommitCut::Before } else { CommitCut::After });
                    let deadline = Instant::now() + COMMIT;
                    while link.commits_cut() == before && Instant::now() < deadline {
                        sleep(Duration::from_millis(10)).await;
                    }
                }
            }
            Break::DatabaseKilled => {
                cluster.crash()?;
                self.breaks.database_killed += 1;
                sleep(Duration::from_millis(self.random.below(MAX_DOWN_MS))).await;
                cluster.restart().await?;
            }
            _ => {
                link.cut();
                self.breaks.link_cut += 1;
            }
        }
        Ok(())
    }

    /// Orders the same of some of the clients; of how many.
    fn order(&mut self, order: impl Fn(&mut Random) -> Order) -> u64 {
        let share = 20 + self.random.below(380);
        let mut count = 0;
        for client in &self.clients {
            if self.random.chance(share) {
                client.send_replace(order(&mut self.random));
                count += 1;
            }
        }
        count
    }
}

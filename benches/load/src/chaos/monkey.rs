//! Breaks one thing after the other, and mends it.

mod breaks;
mod database;
mod deck;
mod nats;
mod servers;

use std::time::Duration;

use anyhow::Result;
use fluent_backend::testing::{Nats, Postgres};
use tokio::sync::watch;
use tokio::time::sleep;

use super::shared::Order;
use crate::host::Host;
use crate::random::Random;
pub(super) use breaks::{Break, Breaks, LONG_RUN};
use deck::{Deck, Ground};
use nats::Harm;

/// Longest time between two breaks.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Longest time for which something stays down.
const MAX_DOWN_MS: u64 = 500;
/// Of a thousand stalls so many are long.
const LONG_STALLS: u64 = 150;
/// Longest time for which a client does not read.
const CLIENT_STALL_MS: u64 = 4000;

/// The one who breaks things.
pub(super) struct Monkey {
    /// At least one.
    pub(super) hosts: Vec<Host>,
    cluster: Option<Postgres>,
    nats: Option<Nats>,
    clients: Vec<watch::Sender<Order>>,
    random: Random,
    every: Duration,
    deck: Deck,
    /// What harms hints while the next thing breaks.
    harm: Option<Harm>,
    pub(super) breaks: Breaks,
    /// Whether everything happened as often as it must in a long run.
    has_seen_all: watch::Sender<bool>,
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
        let ground =
            Ground { is_on_postgres: cluster.is_some(), has_several: hosts.len() > 1, has_nats: nats.is_some() };
        Self {
            hosts,
            cluster,
            nats,
            clients,
            random: Random::of(seed, u64::MAX),
            every,
            deck: Deck::new(ground),
            harm: None,
            breaks: Breaks::none_of(ground),
            has_seen_all: watch::Sender::new(false),
        }
    }

    /// Starts all servers.
    pub(super) async fn start(&mut self) -> Result<()> {
        for host in &mut self.hosts {
            host.start().await?;
        }
        Ok(())
    }

    /// Returns all that the servers have logged.
    pub(super) fn said(&self) -> Result<String> {
        let logs: Vec<String> = self.hosts.iter().map(Host::said).collect::<Result<_>>()?;
        Ok(logs.join("\n"))
    }

    /// Returns whether everything happened as often as it must in a long run.
    pub(super) fn has_seen_all(&self) -> watch::Receiver<bool> {
        self.has_seen_all.subscribe()
    }

    /// Breaks things until `ends` is true; then everything works.
    pub(super) async fn rage(&mut self, ends: watch::Receiver<bool>) -> Result<()> {
        loop {
            let wait = self.random.wait(self.every).min(MAX_WAIT);
            let mut ending = ends.clone();
            tokio::select! {
                () = sleep(wait) => {}
                _ = ending.wait_for(|ends| *ends) => break,
            }
            self.break_something().await?;
            self.has_seen_all.send_replace(self.breaks.rare().is_empty());
        }
        self.end_harm();
        Ok(())
    }

    async fn break_something(&mut self) -> Result<()> {
        let Some(chosen) = self.deck.draw(&mut self.random) else { return Ok(()) };
        match chosen {
            Break::ServerKilled
            | Break::ServerStopped
            | Break::ServerFrozen
            | Break::FrozenInBatch
            | Break::Rolling => self.break_server(chosen).await?,
            Break::ClientsCut => {
                let cut = self.order(|_| Order::Cut);
                self.breaks.add(chosen, cut);
            }
            Break::ClientsStalled => {
                let stall = |random: &mut Random| Order::Stall(Duration::from_millis(random.below(CLIENT_STALL_MS)));
                let stalled = self.order(stall);
                self.breaks.add(chosen, stalled);
            }
            Break::LinkCut | Break::LinkStalled | Break::LinkOneWay | Break::CommitCut | Break::DatabaseKilled => {
                self.break_database(chosen).await?;
            }
            Break::Fenced => {
                // It must hear that others can write.
                self.end_harm();
                self.fence().await?;
            }
            Break::NatsKilled | Break::NatsFrozen => self.break_nats(chosen).await?,
            Break::NatsCut | Break::NatsMute | Break::NatsDeaf => self.break_way_to_nats(chosen).await,
            Break::HintsDropped | Break::HintsDoubled | Break::HintsReordered | Break::HintsDelayed => {
                self.end_harm();
                self.harm_hints(chosen);
                return Ok(());
            }
        }
        self.heal_hints();
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

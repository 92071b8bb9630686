//! A server of a run, which dies and comes back.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fluent_backend::testing::{DatabaseLink, Nats, NatsLink, Postgres};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::shared::Nodes;
use crate::child::Child;
use crate::place::Place;

/// Longest time until it is back: its database may be away meanwhile.
const BACK: Duration = Duration::from_mins(1);
/// Longest time for a polite stop, beyond [`DRAIN_S`].
const STOP: Duration = Duration::from_secs(20);
/// The server's own window for it.
const DRAIN_S: &str = "2";
/// Longest wait for its next batch.
const BATCH: Duration = Duration::from_secs(2);

/// A server, the directory of its own, and the ways to its database and to NATS.
pub(super) struct Host {
    command: Command,
    dir: TempDir,
    /// On PostgreSQL.
    pub(super) link: Option<DatabaseLink>,
    /// Of several with a NATS between them.
    pub(super) nats: Option<NatsLink>,
    child: Option<Child>,
    /// The addresses of all servers, and which of them is this one's.
    nodes: watch::Sender<Nodes>,
    number: usize,
}

impl Host {
    /// On the database at `url`; not started yet.
    pub(super) fn new(place: &Place, dir: TempDir, url: &str, nodes: &watch::Sender<Nodes>) -> Self {
        let mut command = place.command(dir.path(), url);
        command.env("FLUENT__SERVER__DRAIN_WINDOW_S", DRAIN_S);
        let mut number = 0;
        nodes.send_modify(|nodes| {
            number = nodes.len();
            nodes.push(None);
        });
        Self { command, dir, link: None, nats: None, child: None, nodes: nodes.clone(), number }
    }

    /// On a database of this PostgreSQL; it reaches that, and NATS, by ways that can be broken.
    pub(super) async fn behind(
        place: &Place,
        dir: TempDir,
        (cluster, database): (&Postgres, &str),
        nats: Option<&Nats>,
        nodes: &watch::Sender<Nodes>,
    ) -> Result<Self> {
        let link = DatabaseLink::to(cluster.socket()).await?;
        let mut host = Self::new(place, dir, &link.url("fluent", database), nodes);
        host.link = Some(link);
        if let Some(nats) = nats {
            let link = NatsLink::to(nats.addr()).await?;
            host.command.env("FLUENT__CLUSTER__NATS_URL", link.url());
            host.nats = Some(link);
        }
        Ok(host)
    }

    /// Says to all where it is.
    fn is_at(&self, addr: Option<SocketAddr>) {
        self.nodes.send_modify(|nodes| {
            if let Some(there) = nodes.get_mut(self.number) {
                *there = addr;
            }
        });
    }

    /// Starts it, again and again, as a service manager does.
    pub(super) async fn start(&mut self) -> Result<()> {
        let deadline = Instant::now() + BACK;
        let child = loop {
            match Child::start(&mut self.command, self.dir.path()).await {
                Ok(child) => break child,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        };
        self.is_at(Some(child.addr));
        self.child = Some(child);
        Ok(())
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.is_at(None);
        self.child = None;
    }

    /// SIGTERM. It must end by itself.
    pub(super) async fn stop(&mut self) -> Result<()> {
        self.is_at(None);
        match self.child.take() {
            Some(child) => child.stop(STOP).await,
            None => Ok(()),
        }
    }

    /// Stops its process where it is for a while. Clients that try it are not told.
    pub(super) async fn freeze(&self, time: Duration) -> Result<()> {
        let child = self.child.as_ref().context("the server does not run")?;
        child.signal(Signal::STOP)?;
        sleep(time).await;
        child.signal(Signal::CONT)
    }

    /// The same as soon as it holds the row for which all that write wait. Returns false when it takes too long to
    /// write something.
    pub(super) async fn freeze_in_batch(&self, time: Duration) -> Result<bool> {
        let (child, link) = self.child.as_ref().zip(self.link.as_ref()).context("the server does not run")?;
        let Ok(batch) = timeout(BATCH, link.hold_batch()).await else { return Ok(false) };
        child.signal(Signal::STOP)?;
        drop(batch);
        sleep(time).await;
        child.signal(Signal::CONT)?;
        Ok(true)
    }

    /// All that it has logged, in all its lives.
    pub(super) fn said(&self) -> Result<String> {
        self.child.as_ref().map(Child::said).context("the server does not run")
    }
}

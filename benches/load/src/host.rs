//! A server of a run, which dies and comes back.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use command_fds::{CommandFdExt as _, FdMapping};
use fluent_backend::testing::{DatabaseLink, Nats, NatsLink, Postgres};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::child::Child;
use crate::place::Place;

/// Longest time until it is back: its database may be away meanwhile.
const BACK: Duration = Duration::from_mins(1);
/// Longest time for a polite stop, beyond the server's own window for it.
const STOP: Duration = Duration::from_secs(20);
/// How soon it closes itself to its clients when the database is away for it alone: as soon as it can be set.
const FENCE_AFTER_S: &str = "10";
/// What it says then.
const FENCED: &str = "the database is out of reach for this server and not for others";
/// Longest wait for its next batch.
const BATCH: Duration = Duration::from_secs(2);

/// Where each server is; nowhere while it is down.
pub(crate) type Nodes = Vec<Option<SocketAddr>>;

/// A server, the directory of its own, and the ways to its database and to NATS.
pub(crate) struct Host {
    command: Command,
    dir: TempDir,
    /// On PostgreSQL.
    pub(crate) link: Option<DatabaseLink>,
    /// Of several with a NATS between them.
    pub(crate) nats: Option<NatsLink>,
    child: Option<Child>,
    /// A socket that is not its own, on which it takes clients.
    socket: Option<Arc<TcpListener>>,
    url: String,
    /// The time in which it sends its clients away when it stops.
    drain: Duration,
    /// The addresses of all servers, and which of them is this one's.
    nodes: watch::Sender<Nodes>,
    number: usize,
}

impl Host {
    /// On the database at `url`; not started yet.
    pub(crate) fn new(place: &Place, dir: TempDir, url: &str, drain: Duration, nodes: &watch::Sender<Nodes>) -> Self {
        let mut number = 0;
        nodes.send_modify(|nodes| {
            number = nodes.len();
            nodes.push(None);
        });
        let command = Command::new("");
        let (url, nodes) = (url.to_owned(), nodes.clone());
        let mut host =
            Self { command, dir, link: None, nats: None, child: None, socket: None, url, drain, nodes, number };
        host.use_program(place);
        host
    }

    /// Lets it run the program of this place from its next start on.
    pub(crate) fn use_program(&mut self, place: &Place) {
        self.command = place.command(self.dir.path(), &self.url);
        self.command.env("FLUENT__SERVER__DRAIN_WINDOW_S", self.drain.as_secs().to_string());
        if let Some(nats) = &self.nats {
            self.command.env("FLUENT__CLUSTER__NATS_URL", nats.url());
        }
    }

    /// Puts this NATS between it and others, by a way of its own that can be broken. Holds from its next start on.
    pub(crate) async fn put_between(&mut self, nats: &Nats) -> Result<()> {
        let link = NatsLink::to(nats.addr()).await?;
        self.command.env("FLUENT__CLUSTER__NATS_URL", link.url());
        self.nats = Some(link);
        Ok(())
    }

    /// Lets it take its clients on a socket of somebody else, as of a service manager (`sd_listen_fds(3)`), from its
    /// next start on. Who connects while it does not run waits there.
    pub(crate) fn listens_on(&mut self, socket: &Arc<TcpListener>) -> Result<()> {
        let mut command = Command::new("/bin/sh");
        // The program has the number of the shell.
        command.arg("-c").arg("LISTEN_PID=$$ exec \"$0\" \"$@\"").arg(self.command.get_program());
        command.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "public");
        let parent_fd = socket.as_fd().try_clone_to_owned().context("cannot pass the socket on")?;
        command.fd_mappings(vec![FdMapping { parent_fd, child_fd: 3 }])?;
        self.command = command;
        self.is_at(Some(socket.local_addr()?));
        self.socket = Some(socket.clone());
        Ok(())
    }

    /// On a database of this PostgreSQL; it reaches that, and NATS, by ways that can be broken.
    pub(crate) async fn behind(
        place: &Place,
        dir: TempDir,
        (cluster, database): (&Postgres, &str),
        nats: Option<&Nats>,
        drain: Duration,
        nodes: &watch::Sender<Nodes>,
    ) -> Result<Self> {
        let link = DatabaseLink::to(cluster.socket()).await?;
        let mut host = Self::new(place, dir, &link.url("fluent", database), drain, nodes);
        host.link = Some(link);
        host.command.env("FLUENT__CLUSTER__FENCE_AFTER_S", FENCE_AFTER_S);
        if let Some(nats) = nats {
            host.put_between(nats).await?;
        }
        Ok(host)
    }

    /// Says to all where it is.
    fn is_at(&self, addr: Option<SocketAddr>) {
        if self.socket.is_some() {
            // The address stays while it is down.
            return;
        }
        self.nodes.send_modify(|nodes| {
            if let Some(there) = nodes.get_mut(self.number) {
                *there = addr;
            }
        });
    }

    /// Starts it, again and again, as a service manager does.
    pub(crate) async fn start(&mut self) -> Result<()> {
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
    pub(crate) fn kill(&mut self) {
        self.is_at(None);
        self.child = None;
    }

    /// SIGTERM. It must end by itself.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.is_at(None);
        match self.child.take() {
            Some(child) => child.stop(self.drain + STOP).await,
            None => Ok(()),
        }
    }

    /// Stops its process where it is for a while. Clients that try it are not told.
    pub(crate) async fn freeze(&self, time: Duration) -> Result<()> {
        let child = self.child.as_ref().context("the server does not run")?;
        child.signal(Signal::STOP)?;
        sleep(time).await;
        child.signal(Signal::CONT)
    }

    /// The same as soon as it holds the row for which all that write wait. Returns false when it takes too long to
    /// write something.
    pub(crate) async fn freeze_in_batch(&self, time: Duration) -> Result<bool> {
        let (child, link) = self.child.as_ref().zip(self.link.as_ref()).context("the server does not run")?;
        let Ok(batch) = timeout(BATCH, link.hold_batch()).await else { return Ok(false) };
        child.signal(Signal::STOP)?;
        drop(batch);
        sleep(time).await;
        child.signal(Signal::CONT)?;
        Ok(true)
    }

    /// The address for operators.
    pub(crate) fn admin(&self) -> Result<SocketAddr> {
        self.child.as_ref().and_then(|child| child.admin).context("the server does not run")
    }

    /// Returns how often it has closed itself to its clients.
    pub(crate) fn fences(&self) -> Result<usize> {
        Ok(self.said()?.matches(FENCED).count())
    }

    /// All that it has logged, in all its lives.
    pub(crate) fn said(&self) -> Result<String> {
        self.child.as_ref().map(Child::said).context("the server does not run")
    }
}

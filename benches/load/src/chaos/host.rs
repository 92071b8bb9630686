//! The server of a run, which dies and comes back.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::child::Child;
use crate::place::Place;

/// Longest time until it is back: its database may be away meanwhile.
const BACK: Duration = Duration::from_mins(1);
/// Longest time for a polite stop, beyond [`DRAIN_S`].
const STOP: Duration = Duration::from_secs(20);
/// The server's own window for it.
const DRAIN_S: &str = "2";

/// The server, and the directory of its own.
pub(super) struct Host {
    command: Command,
    dir: TempDir,
    child: Option<Child>,
    addr: watch::Sender<Option<SocketAddr>>,
}

impl Host {
    /// On the database at `url`; not started yet.
    pub(super) fn new(place: &Place, dir: TempDir, url: &str) -> Self {
        let mut command = place.command(dir.path(), url);
        command.env("FLUENT__SERVER__DRAIN_WINDOW_S", DRAIN_S);
        Self { command, dir, child: None, addr: watch::Sender::new(None) }
    }

    /// Where it is, now and later.
    pub(super) fn addr(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.addr.subscribe()
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
        self.addr.send_replace(Some(child.addr));
        self.child = Some(child);
        Ok(())
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.addr.send_replace(None);
        self.child = None;
    }

    /// SIGTERM. It must end by itself.
    pub(super) async fn stop(&mut self) -> Result<()> {
        self.addr.send_replace(None);
        match self.child.take() {
            Some(child) => child.stop(STOP).await,
            None => Ok(()),
        }
    }

    /// All that it has logged, in all its lives.
    pub(super) fn said(&self) -> Result<String> {
        self.child.as_ref().map(Child::said).context("the server does not run")
    }
}

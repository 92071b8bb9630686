//! Several servers on one fresh database, each with a way of its own to a NATS between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fluent_backend::testing::{Nats, NatsLink, Postgres};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::database::Database;
use crate::host::{Host, Nodes};
use crate::http;
use crate::marked_frame::Dialect;
use crate::place::{Where, accounts};
use crate::seed;
use crate::target::Account;

/// How long a server sends its clients away when it is stopped.
const DRAIN: Duration = Duration::from_secs(10);
/// Longest time until servers have heard of each other, or notice that they cannot.
const NOTICED: Duration = Duration::from_secs(30);

/// The servers, in the order in which everything is dropped.
pub(super) struct Servers {
    pub(super) hosts: Vec<Host>,
    nodes: watch::Receiver<Nodes>,
    pub(super) accounts: Vec<Account>,
    _nats: Nats,
    _database: Database,
    _dir: TempDir,
    _cluster: Option<Arc<Postgres>>,
}

impl Servers {
    /// Starts so many servers, on a database with so many accounts, and waits until they hear each other.
    pub(super) async fn start(own: &Where, number: u32, count: u32) -> Result<Self> {
        let place = own.place(true).await?;
        let nats = Nats::start().await?;
        let (dir, database) = place.fresh(true).await?;
        seed::accounts(&database, count, Dialect::V1).await?;
        let addresses = watch::Sender::default();
        let mut hosts = Vec::new();
        for _ in 0..number {
            let mut host = Host::new(&place, place.fresh_dir()?, &place.near(&database), DRAIN, &addresses);
            host.put_between(&nats).await?;
            host.start().await?;
            hosts.push(host);
        }
        let servers = Self {
            hosts,
            nodes: addresses.subscribe(),
            accounts: accounts(count)?,
            _nats: nats,
            _database: database,
            _dir: dir,
            _cluster: place.cluster(),
        };
        servers.all_say("nats").await?;
        servers.all_heard().await?;
        Ok(servers)
    }

    /// The address of a server; numbers go round.
    pub(super) fn at(&self, number: usize) -> Result<SocketAddr> {
        let nodes = self.nodes.borrow();
        nodes.get(number % nodes.len().max(1)).copied().flatten().context("a server is down")
    }

    /// Returns the first one.
    pub(super) fn first(&mut self) -> Result<&mut Host> {
        self.hosts.first_mut().context("there is no server")
    }

    /// Cuts all of them off from NATS, and waits until they have noticed it.
    pub(super) async fn cut_nats(&self) -> Result<()> {
        self.hosts.iter().filter_map(|host| host.nats.as_ref()).for_each(NatsLink::sever);
        self.all_say("polling").await
    }

    /// Adds what the servers have said to an error.
    pub(super) fn blame(&self, error: anyhow::Error) -> anyhow::Error {
        let said: Vec<String> = self.hosts.iter().filter_map(|host| host.said().ok()).collect();
        error.context(said.join("\n"))
    }

    /// Waits until all of them learn of each other this way.
    async fn all_say(&self, relay: &str) -> Result<()> {
        self.wait_for("/readyz", |ready| ready.get("relay").and_then(Value::as_str) == Some(relay)).await
    }

    /// Waits until each has heard of all others.
    pub(super) async fn all_heard(&self) -> Result<()> {
        let all = self.hosts.len();
        let knows_all = |told: &Value| {
            let nodes = told.get("nodes").and_then(Value::as_array);
            nodes.is_some_and(|nodes| {
                nodes.len() >= all && nodes.iter().all(|node| node.get("relay").and_then(Value::as_str).is_some())
            })
        };
        self.wait_for("/admin/cluster", knows_all).await
    }

    async fn wait_for(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Result<()> {
        let deadline = Instant::now() + NOTICED;
        for host in &self.hosts {
            loop {
                let said = http::get(host.admin()?, path).await;
                if said.as_ref().is_ok_and(|text| serde_json::from_str(text).is_ok_and(|said| is_so(&said))) {
                    break;
                }
                if Instant::now() > deadline {
                    bail!("a server does not say what is awaited at {path}: {said:?}");
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }
}

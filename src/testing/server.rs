//! The server of one test.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use rand::seq::IndexedRandom as _;
use secrecy::ExposeSecret as _;
use tokio::sync::OnceCell;

use super::client::{Http, TestClient};
use super::nats::Nats;
use super::socket::hang_up;
use super::{TestData, share_instance_key};
use crate::actors::Health;
use crate::clock::Clock;
use crate::config::{Config, Store};
use crate::push::Sender;
use crate::server::{Server, ServerError};
use crate::storage::StorageError;

/// What several servers of one test share, over all tests of a process: their databases keep them apart.
static NATS: OnceCell<Nats> = OnceCell::const_new();

/// A server on free ports with a data directory of its own, on the engine that the environment names (see
/// [`TestData::new`]). When it is dropped or stopped, no actor may have failed unexpectedly.
///
/// Where the environment asks for several servers, each client is at a random one, and all else is about the first.
pub struct TestServer {
    /// None once it is stopped.
    servers: Vec<Server>,
    addrs: Vec<SocketAddr>,
    admin_addr: SocketAddr,
    expected_failures: u64,
    /// Dropped after the server, whose files are in it.
    data: Arc<TestData>,
}

impl TestServer {
    /// Returns the configuration of test servers: the defaults, cheap password hashes, no rate limits, free ports.
    #[must_use]
    pub fn config() -> Config {
        let mut config = Config::defaults().expect("the defaults are valid");
        config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0)).into();
        config.admin.listen = SocketAddr::from(([127, 0, 0, 1], 0)).into();
        config.server.drain_window_s = 10;
        config.auth.argon2_memory_kib = 64;
        config.auth.argon2_passes = 1;
        config.auth.hash_wait_ms = 30_000;
        config.limits.enabled = false;
        config
    }

    /// Starts a server with [`config`](Self::config).
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with some settings changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(Clock::system(), change).await
    }

    /// Starts one server with some settings changed, whatever the environment says of their number: for tests of what
    /// each server keeps or does for itself.
    pub async fn start_alone(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_alone_at(Clock::system(), change).await
    }

    /// As [`start_alone`](Self::start_alone), with another clock.
    pub async fn start_alone_at(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(TestData::of_one().await, clock, change).await
    }

    /// Starts a server with another clock and some settings changed.
    pub async fn start_at(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(TestData::new().await, clock, change).await
    }

    /// Starts one server with these providers that wake devices, on data that another server may have left.
    pub async fn start_pushing(
        data: Arc<TestData>,
        clock: Clock,
        sender: Arc<dyn Sender>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Self::config();
        data.configure(&mut config);
        change(&mut config);
        name_files(&mut config);
        if matches!(config.store(), Ok(Store::Postgres(_))) {
            // Other servers on the database may have other directories.
            share_instance_key(&config.server.data_dir);
        }
        // One that was dropped, as a process that is killed, may not have let go of the store yet.
        let start =
            async || match Box::pin(Server::start_with_sender(config.clone(), clock.clone(), sender.clone())).await {
                Err(ServerError::Storage(StorageError::InUse { .. })) => None,
                started => Some(started.expect("the server starts")),
            };
        Self::of(vec![super::eventually("the store is free", start).await], data)
    }

    /// Starts a server on data that another server has left, or that several share. A test that names the database
    /// itself arranges the servers on it, too: each is one then, whatever the environment says of their number.
    pub async fn start_on(data: Arc<TestData>, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Self::config();
        data.configure(&mut config);
        let given = config.database.url.expose_secret().to_owned();
        change(&mut config);
        let nodes = if config.database.url.expose_secret() == given { data.nodes() } else { 1 };
        if matches!(config.store(), Ok(Store::Postgres(_))) {
            // Other servers on the database may have other directories.
            share_instance_key(&config.server.data_dir);
        }
        if nodes > 1 && config.cluster.nats_url.expose_secret().is_empty() {
            let nats = NATS.get_or_init(async || Nats::start().await.expect("a NATS for several servers")).await;
            config.cluster.nats_url = nats.url().into();
        }
        name_files(&mut config);
        // On the heap: the tests hold it in futures of their own.
        let start = || Box::pin(Server::start_with_clock(config.clone(), clock.clone()));
        let mut servers = Vec::new();
        for _ in 0..nodes {
            servers.push(start().await.expect("the server starts"));
        }
        Self::of(servers, data)
    }

    fn of(servers: Vec<Server>, data: Arc<TestData>) -> Self {
        let addrs = servers.iter().map(Server::addr).collect();
        let admin_addr = servers.first().expect("one server at least").admin_addr();
        Self { servers, addrs, admin_addr, expected_failures: 0, data }
    }

    /// Returns the address where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addrs.first().copied().expect("the server runs")
    }

    /// Returns the server itself.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.servers.first().expect("the server runs")
    }

    /// Returns the number of open sockets, at all servers.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.servers.iter().map(Server::open_sockets).sum()
    }

    /// Returns its data.
    #[must_use]
    pub fn data(&self) -> &Arc<TestData> {
        &self.data
    }

    /// Returns the data directory.
    #[must_use]
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.data.path().join("data")
    }

    /// Returns a client that is not signed in, of a random one of the servers.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(self.addrs.choose(&mut rand::rng()).copied().expect("the server runs"))
    }

    /// Returns a client of the operators' listener.
    #[must_use]
    pub fn admin(&self) -> Http {
        Http::new(self.admin_addr)
    }

    /// Registers a user, whose name is used as address too as the Android app does, and logs in.
    pub async fn sign_up(&self, name: &str) -> TestClient {
        TestClient::sign_up(self.http(), name).await
    }

    /// Allows this many failures of actors, which the test provokes.
    pub fn expect_failures(&mut self, count: u64) {
        self.expected_failures = count;
    }

    /// Lets the clients whose sockets are still open go, drains the server, and checks that nothing failed.
    pub async fn stop(self) {
        // A test that has ended reads no close frame, for which the server would wait.
        self.addrs.iter().copied().for_each(hang_up);
        self.drain().await;
    }

    /// Drains the server while clients are connected, which read that it closes their sockets, and checks that nothing
    /// failed.
    pub async fn drain(mut self) {
        self.shut_down().await;
    }

    /// Drains the server and keeps its data, to start another one on it.
    pub async fn stop_keeping_data(mut self) -> Arc<TestData> {
        self.shut_down().await;
        self.data.clone()
    }

    async fn shut_down(&mut self) {
        let servers = std::mem::take(&mut self.servers);
        let health = health(&servers);
        for drained in join_all(servers.into_iter().map(Server::drain)).await {
            drained.expect("the server drains");
        }
        self.check(&health);
    }

    fn check(&self, health: &[Arc<Health>]) {
        let failures: u64 = health.iter().map(|health| health.failures()).sum();
        assert_eq!(failures, self.expected_failures, "actors that failed");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if !self.servers.is_empty() && !std::thread::panicking() {
            self.check(&health(&self.servers));
        }
    }
}

fn health(servers: &[Server]) -> Vec<Arc<Health>> {
    servers.iter().map(|server| server.health().clone()).collect()
}

/// Names the directory of files where NATS joins servers, who must share one. Those of a test that does not say which
/// have one each, unless they share their data.
fn name_files(config: &mut Config) {
    let has_none = config.media.is_local() && config.media.directory.is_empty();
    if has_none && !config.cluster.nats_url.expose_secret().is_empty() {
        config.media.directory = config.media_dir().to_string_lossy().into_owned();
    }
}

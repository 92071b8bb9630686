//! The server under test, which can go down and come back with its data.

use std::sync::Arc;
use std::time::Duration;

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::config::Synchronous;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{Http, TestData, TestServer};
use tokio::runtime::{Builder, Runtime};

use crate::support::config::fast_janitor;

/// 2025-11-22T15:00:00Z.
const START_MICROS: i64 = 1_763_823_600_000_000;
/// Tokens outlive every history.
const TOKEN_S: i64 = 10 * 365 * 24 * 60 * 60;

/// A server with a stopped clock, in a runtime of its own: that can end as a process does.
pub(super) struct Bench {
    /// None while the server is down. Before the data.
    running: Option<(TestServer, Runtime)>,
    pub(super) clock: Clock,
    data: Arc<TestData>,
    /// Users so far.
    names: u32,
}

impl Bench {
    /// A new server with no data.
    pub(super) async fn start() -> Self {
        let clock = Clock::stopped_at(Timestamp::from_micros(START_MICROS));
        let data = TestData::new().await;
        let running = Some(start(clock.clone(), data.clone()).await);
        Self { running, clock, data, names: 0 }
    }

    /// A client that is not signed in.
    pub(super) fn http(&self) -> Http {
        self.running.as_ref().expect("the server runs").0.http()
    }

    /// A name that is not taken yet.
    pub(super) fn new_name(&mut self) -> String {
        self.names += 1;
        format!("user{}", self.names)
    }

    /// Drains the server, which replies to what it has read and closes all sockets.
    pub(super) async fn drain(&mut self) {
        let (server, runtime) = self.running.take().expect("the server runs");
        runtime.spawn(server.drain()).await.expect("the server drains");
        shut_down(runtime).await;
    }

    /// Ends the server's runtime with everything in it, as `kill -9` would.
    pub(super) async fn kill(&mut self) {
        let (server, runtime) = self.running.take().expect("the server runs");
        drop(server);
        shut_down(runtime).await;
    }

    /// Starts a server on the data of the former.
    pub(super) async fn restart(&mut self) {
        self.running = Some(start(self.clock.clone(), self.data.clone()).await);
    }

    /// Ends it after a failed case, whatever state it is in.
    pub(super) fn discard(mut self) {
        if let Some((mut server, runtime)) = self.running.take() {
            server.expect_failures(server.server().health().failures());
            drop(server);
            runtime.shutdown_background();
        }
    }
}

async fn start(clock: Clock, data: Arc<TestData>) -> (TestServer, Runtime) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let starting = runtime.spawn(TestServer::start_on(data, clock, configure));
    (starting.await.expect("the server starts"), runtime)
}

/// A runtime waits when it ends, which asynchronous code must not.
async fn shut_down(runtime: Runtime) {
    let ending = move || runtime.shutdown_timeout(Duration::from_mins(1));
    tokio::task::spawn_blocking(ending).await.expect("the runtime ends");
}

fn configure(config: &mut Config) {
    config.auth.access_token_s = TOKEN_S;
    config.auth.refresh_token_s = TOKEN_S + 1;
    // Sockets are closed spread over this time.
    config.server.drain_window_s = 1;
    // Here servers die, not machines.
    config.database.synchronous = Synchronous::Normal;
    fast_janitor(config);
}

//! The server: wires storage, actors and HTTP together. It uses all other modules, and none uses it.

mod address_rules;
mod error;
mod keys;
mod listeners;
mod monitor;
mod node;
mod offline;
mod parts;
mod prerequisites;
mod reload;
mod starting;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;

use crate::actors::{ActorSystem, Fatal, Health};
use crate::clock::NoRandomness;
#[cfg(unix)]
use crate::http::LocalSocketFile;
use crate::http::{App, MAX_REFUSALS};
use crate::service::Reloaded;
#[cfg(feature = "testing")]
use crate::socket::Sockets;
use crate::storage::Storage;

pub use error::ServerError;
pub use listeners::InheritedListeners;
pub use offline::OfflineServer;
pub use prerequisites::make_data_dir;
pub use watch::ServerWatch;

/// Connections of operators at once.
const MAX_ADMIN_CONNECTIONS: usize = 64;
/// File descriptors that are not connections of clients, nor files of theirs: operators, connections being refused,
/// databases, listeners, logs.
const RESERVED_FILES: u64 = (MAX_ADMIN_CONNECTIONS + MAX_REFUSALS + 96) as u64;
/// The server does not start when it could hold fewer connections than this, unless fewer are configured.
const LEAST_CONNECTIONS: usize = 64;
/// Longest wait, at the end of a drain, for the last responses to operators.
const LAST_RESPONSES: Duration = Duration::from_secs(1);
/// Longest wait for the writer's last batches after the sockets are closed.
const WRITER_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server. Dropped without [`drain`](Self::drain), it stops at once, in the middle of requests.
pub struct Server {
    addr: SocketAddr,
    admin_addr: SocketAddr,
    app: Arc<App>,
    /// Whether clients are served by TLS.
    speaks_tls: bool,
    actors: ActorSystem,
    storage: Arc<Storage>,
    fatal: oneshot::Receiver<Fatal>,
    connections: TaskTracker,
    /// The connections of operators.
    operators: TaskTracker,
    /// The Unix socket for operators on this machine; none when it could not be made.
    #[cfg(unix)]
    _local: Option<LocalSocketFile>,
    /// Ends the monitor's rounds.
    _rounds: monitor::Rounds,
    _stop_serving: DropGuard,
    stop_background: DropGuard,
}

impl Server {
    /// Returns the address where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the address where operators connect.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// Returns whether clients are served by TLS.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.speaks_tls
    }

    /// Reads the files anew that may change while the server runs: the certificate of TLS with its key, and the keys of
    /// access tokens. The rules about addresses are read anew, too, and push services that have refused this server's
    /// configuration are tried again. Logs and returns what has come of it, and which settings need a restart.
    pub async fn reload(&self) -> Reloaded {
        self.app.control.reload().await.unwrap_or_default()
    }

    /// Returns the longest time of a drain: what an operator has asked for, or else what is configured.
    #[must_use]
    pub fn drain_window(&self) -> Duration {
        self.app.drain_window()
    }

    /// Returns a view of this server for a thread outside the runtime.
    #[must_use]
    pub fn watch(&self) -> ServerWatch {
        ServerWatch::new(&self.app, self.actors.health.clone())
    }

    /// Returns whether there is a web client at `/app/`.
    #[must_use]
    pub fn has_web_client(&self) -> bool {
        self.app.web.is_some()
    }

    /// Keeps what the web client needs to become a user of a demo, as JSON, and returns the code that gives it, once.
    pub fn add_demo_link(&self, document: String) -> Result<String, NoRandomness> {
        self.app.demo_links.add(document.into())
    }

    /// Returns how many sockets are open.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.app.sockets.count()
    }

    /// Returns which actors are alive and which have failed.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.actors.health
    }

    /// Returns the actors, for tests that make them fail.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn actors(&self) -> &ActorSystem {
        &self.actors
    }

    /// Returns the open sockets, for tests that fill the queue of those that are being opened.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn sockets(&self) -> &Sockets {
        &self.app.sockets
    }

    /// Returns the store, for tests that look into it.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// Returns the use cases, for tests that act as an operator does.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn service(&self) -> &Arc<crate::service::Service> {
        &self.app.service
    }

    /// Waits until the server cannot continue because actors keep failing, and returns why.
    pub async fn failed(&mut self) -> ServerError {
        match (&mut self.fatal).await {
            Ok(fatal) => ServerError::Fatal(fatal),
            Err(_) => ServerError::RootEnded,
        }
    }

    /// Waits until an operator asks for the stop of this server, which is then to be [drained](Self::drain). Fails when
    /// the server cannot continue.
    pub async fn until_stop(&mut self) -> Result<(), ServerError> {
        let app = self.app.clone();
        tokio::select! {
            error = self.failed() => Err(error),
            () = app.control.stop_is_asked() => Ok(()),
        }
    }

    /// Stops in order: reports itself as not ready, accepts no new connections, stores and confirms what was read,
    /// closes sockets with 1012, and closes the database. Takes at most the drain window and a few seconds.
    pub async fn drain(self) -> Result<(), ServerError> {
        let window = self.drain_window();
        self.actors.health.begin_drain();
        let app = self.app.clone();
        // The others learn of it at once; the database may be away.
        tokio::spawn(async move { node::say_now(&app).await });
        self.connections.close();
        let closed = async {
            tokio::join!(self.app.sockets.closed(), self.connections.wait());
        };
        if tokio::time::timeout(window, closed).await.is_err() {
            tracing::warn!("some connections did not end within the drain window");
        }
        if let Some(media) = &self.app.media {
            media.drain().await;
        }
        self.actors.persistence.drain(WRITER_TIMEOUT).await;
        self.app.service.audit().flush().await;
        self.actors.stop().await;
        let closed = self.storage.close().await;
        // Whoever has asked for the stop gets the answer.
        drop(self.stop_background);
        self.operators.close();
        let _ = tokio::time::timeout(LAST_RESPONSES, self.operators.wait()).await;
        Ok(closed?)
    }
}

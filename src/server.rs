//! The server: wires storage, actors and HTTP together. It uses all other modules, and none uses it.

mod address_rules;
mod error;
mod keys;
mod listeners;
mod monitor;
mod node;
mod offline;
mod parts;
mod reload;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::actors::{ActorSystem, Fatal, Health};
use crate::clock::{Clock, NoRandomness};
use crate::config::Config;
use crate::http::{App, MAX_REFUSALS, Places, Tls};
#[cfg(unix)]
use crate::http::{LocalSocket, LocalSocketFile};
use crate::push::{self, Sender};
use crate::service::Reloaded;
#[cfg(feature = "testing")]
use crate::socket::Sockets;
use crate::storage::Storage;
use crate::telemetry::{ListenerKind, UPKEEP_INTERVAL, metrics};

pub use error::ServerError;
pub use listeners::InheritedListeners;
pub use offline::OfflineServer;
pub use watch::ServerWatch;

use listeners::{Listeners, listen_error};
use parts::{Keys, Parts};

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
    /// Starts a server: binds both addresses, makes the data directory, opens and migrates the database, starts the
    /// actors and serves.
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        Self::start_on(config, InheritedListeners::default()).await
    }

    /// As [`start`](Self::start), on sockets that listen already where there are some.
    pub async fn start_on(config: Config, inherited: InheritedListeners) -> Result<Self, ServerError> {
        Box::pin(Self::start_with(config, inherited, Clock::system(), open_push)).await
    }

    /// As [`start`](Self::start), with another clock.
    pub async fn start_with_clock(config: Config, clock: Clock) -> Result<Self, ServerError> {
        Box::pin(Self::start_with(config, InheritedListeners::default(), clock, open_push)).await
    }

    /// As [`start_with_clock`](Self::start_with_clock), with other providers that wake devices.
    #[cfg(feature = "testing")]
    pub async fn start_with_sender(config: Config, clock: Clock, sender: Arc<dyn Sender>) -> Result<Self, ServerError> {
        Box::pin(Self::start_with(config, InheritedListeners::default(), clock, |_, _| Ok(sender))).await
    }

    async fn start_with(
        config: Config,
        inherited: InheritedListeners,
        clock: Clock,
        open_push: impl FnOnce(&Config, &Clock) -> Result<Arc<dyn Sender>, ServerError>,
    ) -> Result<Self, ServerError> {
        config.validate()?;
        // First, so that a second server on the same address does not touch the database.
        let Listeners { public, addr, admin, admin_addr } = Listeners::open(&config, inherited).await?;
        let transfers = if config.media.enabled { config.media.transfers as u64 } else { 0 };
        let max = max_connections(config.server.max_connections, RESERVED_FILES.saturating_add(transfers))?;
        let tls = Tls::load(&config.tls, &clock)?;

        make_data_dir(&config)?;
        let places = Places::new(ListenerKind::Public, max, config.server.max_connections_per_address);
        let keys = Keys::load(&config, &clock)?;
        let sender = open_push(&config, &clock)?;
        let storage = Storage::open(&config).await?;
        let Parts { app, actors, storage, fatal } =
            Box::pin(Parts::start(config, keys, storage, (clock, sender), places.clone())).await?;
        warn_of_unusual_names(&storage).await?;

        let drain = actors.health.gate().drain().clone();
        let connections = TaskTracker::new();
        public
            .serve(&app, places, tls.clone(), drain.clone(), &connections)
            .map_err(|source| listen_error(&addr, source))?;
        let stop = CancellationToken::new();
        // Operators are served until the end, so that they can watch the drain.
        let (places, operators) = (Places::new(ListenerKind::Admin, MAX_ADMIN_CONNECTIONS, 0), TaskTracker::new());
        admin
            .serve(&app, places, None, stop.clone(), &operators)
            .map_err(|source| listen_error(&admin_addr, source))?;
        #[cfg(unix)]
        let local = serve_locally(&app, &stop, &operators);
        let files = reload::ServerFiles::new(&app, actors.sender.clone(), tls.clone());
        app.control.reload_by(Box::new(files));
        app.monitor.watch(Box::new(monitor::ServerEdge::new(&app, tls.clone())));
        tokio::spawn(monitor::beat(app.health.clone(), stop.clone()));
        tokio::spawn(monitor::look(app.monitor.clone(), stop.clone()));
        let rounds = monitor::start(&app.monitor).map_err(ServerError::Thread)?;
        tokio::spawn(upkeep(app.clone(), stop.clone()));
        tokio::spawn(address_rules::follow(app.clone(), stop.clone()));
        if let Some(media) = &app.media {
            tokio::spawn(media.clone().upkeep(stop.clone()));
        }
        if let Some(tls) = &tls {
            tokio::spawn(tls.clone().watch(stop.clone()));
        }
        if storage.has_journal() {
            tokio::spawn(node::beats(app.clone(), stop.clone()));
        }
        tokio::spawn(keys::watch(app.clone(), stop.clone()));
        Ok(Self {
            addr,
            admin_addr,
            app,
            speaks_tls: tls.is_some(),
            actors,
            storage,
            fatal,
            connections,
            operators,
            #[cfg(unix)]
            _local: local,
            _rounds: rounds,
            _stop_serving: drain.drop_guard(),
            stop_background: stop.drop_guard(),
        })
    }

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

/// Opens the services that wake devices, as they are configured.
fn open_push(config: &Config, clock: &Clock) -> Result<Arc<dyn Sender>, ServerError> {
    Ok(push::open(config, clock)?)
}

/// Makes the directory for the secret, keys and the database, readable to its owner alone. One that exists is left as
/// it is; none is made when nothing of them is kept there.
pub fn make_data_dir(config: &Config) -> Result<(), ServerError> {
    if !config.uses_data_dir() {
        return Ok(());
    }
    let path = &config.server.data_dir;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| ServerError::DataDir { path: path.clone(), source })
}

/// Serves operators on this machine at a Unix socket in the data directory. Without that directory, as where the
/// database is elsewhere, there is none: their commands then use the database themselves.
#[cfg(unix)]
fn serve_locally(app: &Arc<App>, stop: &CancellationToken, tasks: &TaskTracker) -> Option<LocalSocketFile> {
    let path = app.config.admin_socket();
    if !app.config.server.data_dir.is_dir() {
        return None;
    }
    let served = LocalSocket::bind(&path).and_then(|socket| socket.serve(app, stop.clone(), tasks));
    served
        .inspect_err(|error| {
            let path = path.display();
            tracing::warn!(%path, %error, "`fluent-backend admin` cannot reach this server: its socket was not made");
        })
        .ok()
}

/// Logs one line when there are accounts whose names the present rules would refuse.
async fn warn_of_unusual_names(storage: &Storage) -> Result<(), ServerError> {
    let accounts = storage.count_odd_names().await?;
    if accounts > 0 {
        tracing::warn!(
            accounts,
            "some names would not be accepted as new ones; `fluent-backend admin names` lists them"
        );
    }
    Ok(())
}

/// Returns the greatest number of client connections: the configured one, or less when the process may open too few
/// files. Fails when fewer than [`LEAST_CONNECTIONS`] are possible.
fn max_connections(configured: usize, reserved: u64) -> Result<usize, ServerError> {
    let Ok(files) = rlimit::increase_nofile_limit(u64::MAX) else { return Ok(configured) };
    let possible = usize::try_from(files.saturating_sub(reserved)).unwrap_or(usize::MAX);
    let least = configured.min(LEAST_CONNECTIONS);
    if possible < least {
        return Err(ServerError::TooFewFiles { files, least: reserved.saturating_add(least as u64) });
    }
    if possible < configured {
        tracing::warn!(files, connections = possible, "the limit on open files lowers server.max_connections");
    }
    Ok(configured.min(possible))
}

/// Runs the periodic chores of the server every [`UPKEEP_INTERVAL`]: folds histograms, drops full buckets of
/// limiters, logs wrong passwords.
async fn upkeep(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics().run_upkeep();
        app.limiters.sweep();
        app.service.log_wrong_passwords();
        app.service.forget_quiet_addresses();
        if let Err(error) = app.service.load_user_limits().await {
            // Those that were read before hold on.
            tracing::debug!(error = %error, "the limits of single users were not read");
        }
    }
}

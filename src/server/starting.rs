//! The start of a server: what is opened, in which order, and what runs beside requests from then on.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listeners::{InheritedListeners, Listeners, listen_error};
use super::parts::{Keys, Parts};
use super::prerequisites::{make_data_dir, max_connections, warn_of_unusual_names};
use super::{MAX_ADMIN_CONNECTIONS, RESERVED_FILES, Server, ServerError, address_rules, keys, monitor, node, reload};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{App, Places, Tls};
#[cfg(unix)]
use crate::http::{LocalSocket, LocalSocketFile};
use crate::push::{self, Sender};
use crate::storage::Storage;
use crate::telemetry::{ListenerKind, UPKEEP_INTERVAL, metrics};

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
        let rounds = monitor::start(&app.monitor).map_err(ServerError::Thread)?;
        run_beside(&app, &storage, tls.as_ref(), &stop);
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
}

/// Opens the services that wake devices, as they are configured.
fn open_push(config: &Config, clock: &Clock) -> Result<Arc<dyn Sender>, ServerError> {
    Ok(push::open(config, clock)?)
}

/// Starts what runs beside requests until `stop`.
fn run_beside(app: &Arc<App>, storage: &Storage, tls: Option<&Arc<Tls>>, stop: &CancellationToken) {
    tokio::spawn(monitor::beat(app.health.clone(), stop.clone()));
    tokio::spawn(monitor::look(app.monitor.clone(), stop.clone()));
    tokio::spawn(upkeep(app.clone(), stop.clone()));
    tokio::spawn(address_rules::follow(app.clone(), stop.clone()));
    if let Some(media) = &app.media {
        tokio::spawn(media.clone().upkeep(stop.clone()));
    }
    if let Some(tls) = tls {
        tokio::spawn(tls.clone().watch(stop.clone()));
    }
    if storage.has_journal() {
        tokio::spawn(node::beats(app.clone(), stop.clone()));
    }
    tokio::spawn(keys::watch(app.clone(), stop.clone()));
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

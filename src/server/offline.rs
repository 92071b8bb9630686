//! A server without clients, for operators' commands while none runs: it has the store for itself, and serves the local
//! interface over a pipe.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::io::DuplexStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::parts::{Keys, Parts};
use super::{ServerError, WRITER_TIMEOUT};
use crate::actors::ActorSystem;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{App, Places, serve_pipe};
use crate::push::Nothing;
use crate::storage::Storage;
use crate::telemetry::ListenerKind;

/// A server that no client can reach.
pub struct OfflineServer {
    app: Arc<App>,
    actors: ActorSystem,
    storage: Arc<Storage>,
    stop: CancellationToken,
    _stop_serving: DropGuard,
}

impl OfflineServer {
    /// Opens the store, which must exist. On PostgreSQL other servers may use it meanwhile; they learn of what is
    /// changed as they do of each other's changes.
    pub async fn open(mut config: Config) -> Result<Self, ServerError> {
        config.validate()?;
        // What is changed is found in the database soon enough.
        config.cluster.nats_url = SecretString::default();
        let storage = Storage::open_existing(&config, true).await?;
        let clock = Clock::system();
        let keys = Keys::load(&config, &clock)?;
        let places = Places::new(ListenerKind::Admin, 1, 0);
        let sender = Arc::new(Nothing::beside(&config));
        let parts = Box::pin(Parts::start(config, keys, storage, (clock, sender), places)).await?;
        let Parts { app, actors, storage, .. } = parts;
        let stop = CancellationToken::new();
        Ok(Self { app, actors, storage, _stop_serving: stop.clone().drop_guard(), stop })
    }

    /// Returns a stream whose other end serves the local interface.
    pub fn connect(&self) -> std::io::Result<DuplexStream> {
        serve_pipe(&self.app, self.stop.clone())
    }

    /// Stores what was begun and closes the store.
    pub async fn close(self) -> Result<(), ServerError> {
        self.actors.health.begin_drain();
        self.actors.persistence.drain(WRITER_TIMEOUT).await;
        self.app.service.audit().flush().await;
        self.actors.stop().await;
        Ok(self.storage.close().await?)
    }
}

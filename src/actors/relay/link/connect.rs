//! How the link connects, in one history after the other.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::{ConnectOptions, Event};
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

use super::line::{Ear, Line, PROBE_EVERY};
use super::seal::Seals;
use super::word::Word;
use crate::config::{Cluster, NatsServers};
use crate::domain::Epoch;
use crate::storage::Storage;

/// Words that wait to be said; more are dropped.
pub(super) const QUEUE: usize = 256;
/// Words of a kind that wait to be heard; more are dropped.
const WAITING: usize = 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest pause between two attempts to connect.
const RECONNECT: Duration = Duration::from_secs(2);

/// The link could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot use NATS: {0}")]
pub struct LinkError(String);

impl LinkError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// The way to the other servers, whatever the history.
pub(super) struct Way {
    config: Cluster,
    servers: NatsServers,
    storage: Arc<Storage>,
    ear: Ear,
}

impl Way {
    /// Returns the configured way; `None` when there is none. Fails when its files cannot be read.
    pub(super) async fn new(config: &Cluster, storage: Arc<Storage>, ear: Ear) -> Result<Option<Self>, LinkError> {
        let Some(servers) = config.nats().map_err(LinkError::of)? else { return Ok(None) };
        let way = Self { config: config.clone(), servers, storage, ear };
        way.options().await?;
        Ok(Some(way))
    }

    /// Says and hears words of a history until the queue ends.
    pub(super) async fn run(self: Arc<Self>, epoch: Epoch, queue: mpsc::Receiver<Word>, is_up: Arc<AtomicBool>) {
        let (sender, events) = mpsc::unbounded_channel();
        let line = loop {
            match self.line(&epoch, sender.clone(), is_up.clone()).await {
                Ok(line) => break line,
                Err(error) => tracing::warn!(error = %error, "trying again"),
            }
            tokio::time::sleep(RECONNECT).await;
        };
        drop(sender);
        line.run(queue, events).await;
    }

    async fn line(
        &self,
        epoch: &Epoch,
        events: mpsc::UnboundedSender<Event>,
        is_up: Arc<AtomicBool>,
    ) -> Result<Line, LinkError> {
        let key = self.storage.relay_key().await.map_err(LinkError::of)?;
        let seals = Seals::new(epoch, &key).ok_or_else(|| LinkError("no key can be made".to_owned()))?;
        let (prefix, boot) = (format!("fluent.{}", epoch.as_str()), self.storage.boot());
        let options = self
            .options()
            .await?
            // Nothing is ever sent there but the server's word that nobody answers.
            .custom_inbox_prefix(format!("{prefix}.to.{boot:016x}.inbox"))
            .event_callback(move |event| {
                // Fails only when the link has ended.
                let _ = events.send(event);
                std::future::ready(())
            });
        let client = Box::pin(options.connect(self.servers.urls.clone())).await.map_err(LinkError::of)?;
        let is_tls = self.servers.urls.iter().any(|url| url.starts_with("tls:"));
        let (epoch, ear, pulse) = (epoch.clone(), self.ear.clone(), Mutex::new(Instant::now()));
        Ok(Line { client, epoch, prefix, boot, is_tls, seals, ear, is_up, pulse })
    }

    async fn options(&self) -> Result<ConnectOptions, LinkError> {
        let Self { config, servers, .. } = self;
        let mut options = ConnectOptions::new();
        if !config.nats_creds.is_empty() {
            let about = |error| LinkError(format!("cluster.nats_creds ({}): {error}", config.nats_creds));
            options = options.credentials_file(&config.nats_creds).await.map_err(about)?;
        }
        if !config.nats_ca.is_empty() {
            // The client says nothing more than that it cannot connect.
            std::fs::metadata(&config.nats_ca)
                .map_err(|error| LinkError(format!("cluster.nats_ca ({}): {error}", config.nats_ca)))?;
            options = options.add_root_certificates(config.nats_ca.clone().into());
        }
        if let Some((user, password)) = &servers.user {
            options = options.user_and_password(user.clone(), password.expose_secret().to_owned());
        }
        Ok(options
            .name(config.name())
            .no_echo()
            .ping_interval(PROBE_EVERY)
            .request_timeout(Some(2 * PROBE_EVERY))
            .connection_timeout(CONNECT_TIMEOUT)
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| {
                let doubled = 2_u32.saturating_pow(u32::try_from(attempts).unwrap_or(u32::MAX).min(10));
                (Duration::from_millis(10) * doubled).min(RECONNECT)
            })
            .subscription_capacity(WAITING)
            .client_capacity(QUEUE))
    }
}

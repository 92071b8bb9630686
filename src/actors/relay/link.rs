//! The link to the other servers on the same store, by NATS: what is said there comes at once, or not at all.
//!
//! Nothing depends on it, and nothing waits for it. Bounds: 256 words that wait to be said, 1,024 that wait to be heard
//! of each kind.

mod line;
mod seal;
mod word;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::{Cluster, NatsServers};
use crate::storage::Storage;
use crate::telemetry::{Dropped, metrics};
use line::{Line, PROBE_EVERY};
use seal::{SEAL, Seals};

pub(in crate::actors) use line::Ear;
pub(in crate::actors) use word::{Heard, Word, WordKind};

/// Most bytes of a word.
pub(in crate::actors) const MAX_WORD: usize = 256 * 1024 - SEAL;

/// Words that wait to be said; more are dropped.
const QUEUE: usize = 256;
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

/// The link. Clones share it; it ends with the last one.
#[derive(Clone)]
pub(in crate::actors) struct Link(Arc<Shared>);

struct Shared {
    words: mpsc::Sender<Word>,
    is_up: Arc<AtomicBool>,
    is_retired: AtomicBool,
    running: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Link {
    /// Makes the link when one is configured. It connects by itself, now and whenever it was cut off.
    pub(in crate::actors) async fn open(
        config: &Cluster,
        storage: &Storage,
        ear: Ear,
    ) -> Result<Option<Self>, LinkError> {
        let Some(servers) = config.nats().map_err(LinkError::of)? else { return Ok(None) };
        let key = storage.relay_key().await.map_err(LinkError::of)?;
        let seals = Seals::new(&key).ok_or_else(|| LinkError("no key can be made".to_owned()))?;
        let (prefix, boot) = (format!("fluent.{}", key.epoch), storage.boot());
        let (sender, events) = mpsc::unbounded_channel();
        let options = options(config, &servers)
            .await?
            // Nothing is ever sent there but the server's word that nobody answers.
            .custom_inbox_prefix(format!("{prefix}.to.{boot:016x}.inbox"))
            .event_callback(move |event| {
                // Fails only when the link has ended.
                let _ = sender.send(event);
                std::future::ready(())
            });
        let client = Box::pin(options.connect(servers.urls)).await.map_err(LinkError::of)?;
        let (words, queue) = mpsc::channel(QUEUE);
        let is_up = Arc::new(AtomicBool::new(false));
        let pulse = Mutex::new(Instant::now());
        let line = Line { client, prefix, boot, seals, ear, is_up: is_up.clone(), pulse };
        let running = tokio::spawn(line.run(queue, events));
        Ok(Some(Self(Arc::new(Shared { words, is_up, is_retired: AtomicBool::new(false), running }))))
    }

    /// Returns whether what is said is heard, as far as is known.
    pub(in crate::actors) fn is_up(&self) -> bool {
        self.0.is_up.load(Ordering::Relaxed) && !self.is_retired()
    }

    /// Says and hears nothing more: its subjects and its seals are those of a former history.
    pub(in crate::actors) fn retire(&self) {
        self.0.is_retired.store(true, Ordering::Relaxed);
    }

    pub(in crate::actors) fn is_retired(&self) -> bool {
        self.0.is_retired.load(Ordering::Relaxed)
    }

    /// Says a word, without waiting. It is dropped when the link is down, when too many wait, and when it is too large.
    pub(in crate::actors) fn say(&self, word: Word) {
        if !self.is_up() || word.bytes.len() > MAX_WORD || self.0.words.try_send(word).is_err() {
            metrics().cluster.dropped(Dropped::Queue);
        }
    }
}

async fn options(config: &Cluster, servers: &NatsServers) -> Result<ConnectOptions, LinkError> {
    let mut options = ConnectOptions::new();
    if !config.nats_creds.is_empty() {
        let about = |error| LinkError(format!("cluster.nats_creds ({}): {error}", config.nats_creds));
        options = options.credentials_file(&config.nats_creds).await.map_err(about)?;
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

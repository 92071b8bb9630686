//! What operators see of the running server: its checks, its actors, and how it has done in the last minutes.

mod checks;
mod disk;
mod sessions;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use checks::{Check, CheckName, Readiness};
pub use sessions::{ListedSession, Sessions};
pub use tree::{ActorNode, ActorTree, Batch, ShownError};

use crate::actors::{ActorState, Health, SocketFigures};
use crate::clock::Clock;
use crate::config::{Config, Store};
use crate::domain::Timestamp;
use crate::push::Sender;
use crate::storage::{PoolFigures, Storage};
use crate::telemetry::{ActorKind, metrics};
use disk::Disk;

/// Longest wait for the database.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// Sessions are as many as users are connected, so they are judged at every second round only.
const SESSIONS_EVERY: u64 = 2;
/// A clock that is set back by less is being corrected, as NTP does.
const BACKSTEP_US: i64 = 100_000;

/// The edge of the server, at which clients connect.
pub trait Edge: Send + Sync {
    /// Returns the figures of all open sockets.
    fn sockets(&self) -> Vec<SocketFigures>;

    /// Returns whether a newcomer would get no place.
    fn is_full(&self) -> bool;

    /// Returns what ails the certificate at a time, if anything does.
    fn certificate_warning(&self, now: Timestamp) -> Option<String>;
}

/// The monitor of one server.
pub struct Monitor {
    health: Arc<Health>,
    storage: Arc<Storage>,
    sender: Arc<dyn Sender>,
    clock: Clock,
    /// The disk of a SQLite store.
    store_disk: Option<Disk>,
    /// The disk of files, where there are any.
    media_disk: Option<Disk>,
    min_free_bytes: u64,
    edge: OnceLock<Box<dyn Edge>>,
    /// The file of a SQLite store.
    file: Option<PathBuf>,
    /// Whether the database has passed its last check.
    database_works: AtomicBool,
    /// The greatest time that the clock has shown, in microseconds since 1970.
    latest: AtomicI64,
    /// The server's name among those on its database.
    node: String,
    /// Since when each check fails, in microseconds since 1970; 0 while it passes.
    failing_since: [AtomicI64; CheckName::ALL.len()],
}

impl Monitor {
    /// The monitor of a server with these parts.
    #[must_use]
    pub fn new(
        config: &Config,
        health: Arc<Health>,
        storage: Arc<Storage>,
        sender: Arc<dyn Sender>,
        clock: Clock,
    ) -> Self {
        let file = match config.store() {
            Ok(Store::Sqlite(path)) => Some(path),
            _ => None,
        };
        let store_disk = file.as_deref().and_then(Path::parent).map(Disk::of);
        metrics().started(storage.engine());
        let media_disk = config.media.enabled.then(|| Disk::of(&config.media_dir()));
        Self {
            health,
            storage,
            sender,
            clock,
            store_disk,
            media_disk,
            min_free_bytes: config.admin.min_free_bytes,
            edge: OnceLock::new(),
            file,
            database_works: AtomicBool::new(true),
            latest: AtomicI64::new(0),
            node: config.cluster.name(),
            failing_since: Default::default(),
        }
    }

    /// Looks at this edge from now on. Only the first one counts.
    pub fn watch(&self, edge: Box<dyn Edge>) {
        let _ = self.edge.set(edge);
    }

    fn sockets(&self) -> Vec<SocketFigures> {
        self.edge.get().map(|edge| edge.sockets()).unwrap_or_default()
    }

    /// Looks how much room the disks have. It waits for them, for as long as they take.
    pub fn look_at_disks(&self) {
        for (name, disk) in [("store", &self.store_disk), ("media", &self.media_disk)] {
            let Some(disk) = disk else { continue };
            disk.look();
            if let (Some(free), Some(size)) = (disk.free_bytes(), disk.total_bytes()) {
                metrics().store.disk(name, free, size);
            }
        }
        if let Some(file) = &self.file {
            let size = |path: &Path| std::fs::metadata(path).ok().map(|found| found.len());
            let mut log = file.clone().into_os_string();
            log.push("-wal");
            metrics().store.size(size(file), size(Path::new(&log)));
        }
    }

    /// Asks the database whether it works.
    pub async fn look_at_database(&self) {
        self.readiness().await;
    }

    /// Asks PostgreSQL how large the database is.
    pub async fn look_at_size(&self) {
        match self.storage.database_bytes().await {
            Ok(bytes) => metrics().store.size(bytes, None),
            Err(error) => tracing::debug!(error = %error, "the size of the database is not known"),
        }
    }

    /// Judges the actors, logs those that stand still, and tells the metrics. To be called each second with the number
    /// of the call; it waits for nothing.
    pub fn judge(&self, round: u64) {
        for kind in self.health.kinds() {
            if kind != ActorKind::Session || round.is_multiple_of(SESSIONS_EVERY) {
                self.judge_kind(kind);
            }
        }
        let works = self.note_checks() && self.database_works.load(Ordering::Relaxed);
        let is_full = self.edge.get().is_some_and(|edge| edge.is_full());
        let is_draining = self.health.is_draining();
        let is_ready = works && !is_draining && !is_full && !self.health.gate().is_fenced();
        metrics().readiness(is_ready, is_draining);
        for PoolFigures { pool, size, busy } in self.storage.pools() {
            metrics().store.connections(pool, busy, size.saturating_sub(busy));
        }
        let now = self.clock.now().as_micros();
        if self.latest.fetch_max(now, Ordering::Relaxed) > now.saturating_add(BACKSTEP_US) {
            metrics().store.backsteps.increment(1);
            self.latest.store(now, Ordering::Relaxed);
        }
    }

    fn judge_kind(&self, kind: ActorKind) {
        let before = self.health.last_state(kind);
        let (seen, changed) = self.health.judge(kind);
        let is_stuck = self.health.last_state(kind) == ActorState::Stuck;
        metrics().actors.judged(kind, seen.waiting, seen.busy_for.unwrap_or_default(), is_stuck);
        match changed {
            Some(ActorState::Stuck) => tracing::error!(
                actor = kind.as_str(),
                busy_for = ?seen.busy_for,
                oldest_wait = ?seen.oldest_wait,
                waiting = seen.waiting,
                "an actor is stuck"
            ),
            Some(ActorState::Running) if before == ActorState::Stuck => {
                tracing::info!(actor = kind.as_str(), "the actor works again");
            }
            _ => {}
        }
    }

    /// Keeps since when a check fails. Returns that.
    fn note(&self, name: CheckName, is_ok: bool) -> Option<Timestamp> {
        let since = &self.failing_since[name as usize];
        if is_ok {
            since.store(0, Ordering::Relaxed);
            return None;
        }
        let now = self.clock.now().as_micros().max(1);
        let first = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        Some(Timestamp::from_micros(first.err().unwrap_or(now)))
    }
}

//! What operators see of the running server: its checks, its actors, and how it has done in the last minutes.

mod checks;
mod closes;
mod disk;
mod history;
mod judging;
mod notices;
mod overview;
mod readers;
mod ring;
mod sampler;
mod second;
mod sessions;
mod slow;
mod sockets;
mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;

pub use checks::{Check, CheckName, Readiness};
pub use history::{Series, Tick};
pub use notices::{Notice, NoticeLevel, Notices};
pub use overview::{Overview, PlacesTaken};
pub use readers::{LiveEvent, NotFollowed, Reader, Snapshot};
pub use sessions::{ListedSession, Sessions};
pub use slow::{ShownStatement, SlowList};
pub use sockets::SocketList;
pub use tree::{ActorNode, ActorTree, Batch, ShownError};

use crate::actors::{Health, SocketFigures};
use crate::clock::Clock;
use crate::config::{Config, Store};
use crate::domain::Timestamp;
use crate::push::Sender;
use crate::storage::Storage;
use crate::telemetry::{SocketKind, metrics};
use disk::{Disk, Sizes};
use history::History;
use readers::READERS;
use second::KINDS;

/// Longest wait for the database.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The edge of the server, at which clients connect.
pub trait Edge: Send + Sync {
    /// Returns the figures of all open sockets.
    fn sockets(&self) -> Vec<SocketFigures>;

    /// Returns how many sockets of each kind are open.
    fn open_sockets(&self) -> [usize; SocketKind::ALL.len()];

    /// Returns how many places are taken.
    fn connections(&self) -> PlacesTaken;

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
    /// The parts that were warned of at the last look.
    warned: Mutex<BTreeSet<&'static str>>,
    /// How often actors of each kind had failed at the last look.
    restarts: [AtomicU64; KINDS],
    /// The size of the database.
    sizes: Sizes,
    /// The last quarter of an hour.
    history: History,
    /// What operators should learn at once.
    notices: Arc<Notices>,
    /// Room for those who follow.
    readers: Arc<Semaphore>,
    started_at: Timestamp,
    /// Threads that hash passwords.
    hash_threads: usize,
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
        notices: Arc<Notices>,
    ) -> Self {
        let file = match config.store() {
            Ok(Store::Sqlite(path)) => Some(path),
            _ => None,
        };
        let store_disk = file.as_deref().and_then(Path::parent).map(Disk::of);
        metrics().started(storage.engine());
        let media_disk = config.media.is_local().then(|| Disk::of(&config.media_dir()));
        Self {
            health,
            storage,
            sender,
            started_at: clock.now(),
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
            warned: Mutex::default(),
            restarts: Default::default(),
            sizes: Sizes::default(),
            history: History::default(),
            notices,
            readers: Arc::new(Semaphore::new(READERS)),
            hash_threads: config.auth.all_hash_threads(),
        }
    }

    /// Looks at this edge from now on. Only the first one counts.
    pub fn watch(&self, edge: Box<dyn Edge>) {
        let _ = self.edge.set(edge);
    }

    fn sockets(&self) -> Vec<SocketFigures> {
        self.edge.get().map(|edge| edge.sockets()).unwrap_or_default()
    }

    /// Returns the disks of the store and of files, each with its name.
    fn disks(&self) -> Vec<(&'static str, &Disk)> {
        let all = [("store", &self.store_disk), ("media", &self.media_disk)];
        all.into_iter().filter_map(|(name, disk)| Some((name, disk.as_ref()?))).collect()
    }

    /// Looks how much room the disks have. It waits for them, for as long as they take.
    pub fn look_at_disks(&self) {
        for (name, disk) in self.disks() {
            disk.look();
            if let (Some(free), Some(size)) = (disk.free_bytes(), disk.total_bytes()) {
                metrics().store.disk(name, free, size);
            }
        }
        if let Some(file) = &self.file {
            let size = |path: &Path| std::fs::metadata(path).ok().map(|found| found.len());
            let mut log = file.clone().into_os_string();
            log.push("-wal");
            self.sizes.set(size(file), size(Path::new(&log)));
        }
    }

    /// Asks the database whether it works.
    pub async fn look_at_database(&self) {
        let readiness = self.readiness().await;
        self.note_warnings(&readiness.checks);
    }

    /// Asks PostgreSQL how large the database is.
    pub async fn look_at_size(&self) {
        match self.storage.database_bytes().await {
            // That of SQLite is found with its disk.
            Ok(bytes) => self.sizes.set(bytes, None),
            Err(error) => tracing::debug!(error = %error, "the size of the database is not known"),
        }
    }
}

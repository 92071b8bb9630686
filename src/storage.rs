//! The store: the only module that uses SeaORM. Its queries are grouped by topic and return domain types.
//!
//! On SQLite the writer has a connection of its own for batches, requests write on another, and retention on a third,
//! one at a time; a few connections read (WAL). PostgreSQL has a pool for each purpose, and keeps one connection for
//! batches.
//!
//! Only one process at a time may use a SQLite store, so `store.last_seq` changes only by this process.

mod cluster;
mod commands;
mod engine;
mod journal;
mod maintenance;
mod media;
mod messages;
mod opening;
mod people;
mod push;
mod retention;
mod schema;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::sync::atomic::{AtomicBool, AtomicI32};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::{Mutex, Semaphore};

use crate::limits::Limiters;
use crate::push::Devices;
use cluster::Membership;
use cluster::history::History;
use cluster::hold_times::HoldTimes;
use commands::cache::Cache;
use engine::begin::Batches;
use engine::sqlite::lock::StoreLock;
use engine::sqlite::open_files::{OpenFiles, SharedFiles};
use engine::tx::Tx as _;
use engine::write_health::WriteHealth;

pub use cluster::{Beat, Joining, KnownHistory, Node, Pulse};
pub use commands::apply::{Applied, CommittedBatch};
pub use commands::numbers::HeldRow;
pub use engine::error::{Lost, StorageError};
pub use engine::figures::PoolFigures;
pub use engine::page::PAGE_BYTES;
pub use engine::postgres::servers::named;
pub use engine::slow::{SlowStatement, SlowStatements};
pub use journal::{JournalPage, JournalRow};
pub use maintenance::copy::{Copied, CopyError, CopySide, CopyStep, copy};
pub use maintenance::{Holding, MaintenanceError, PostgresFacts, backup, inspect_postgres, restore};
pub use media::{CreatedUpload, Kept, Leased, Marked, MediaCounts, MediaDeletion};
pub use messages::conversations::{Overview, Relation};
pub use messages::history::Before;
pub use messages::replay::{OpenedReplay, Page, PageLimit, Replay};
pub use people::accounts::{Credentials, Profile};
pub use people::audit::AuditFrom;
pub use people::devices::LoginDialect;
pub use people::logins::{Beginning, LoginCode, NewLogin};
pub use people::name_review::{OddName, odd_names};
pub use people::open_logins::OpenLogin;
pub use people::refresh_tokens::Rotation;
pub use people::reports::AddedReport;
pub use people::search::UserPage;
pub use people::second_factors::FactorChange;
pub use push::{Owing, PushTrace};
pub use retention::in_words::kept;
pub use retention::logins::Expired;
pub use retention::messages::{BATCH, Cleared};
pub use retention::zeros::ZerosWalk;
pub use schema::migrate::MigrationState;
pub use schema::table_figures::TableFigures;
#[cfg(feature = "testing")]
pub use testing::seed::{SeedMessages, SeedUsers};

/// Longest time for closing all connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The store. Cheap to share behind an `Arc`.
pub struct Storage {
    /// The connections on which requests write.
    request_writes: DatabaseConnection,
    /// The connections on which requests and replays read.
    reads: DatabaseConnection,
    /// The connection on which the writer stores batches of commands.
    batches: Batches,
    /// The connection on which retention deletes, concurrently with the writer.
    cleanup: DatabaseConnection,
    /// On SQLite: the connection on which is noted how far uploads have come, without waiting for the disk.
    upload_notes: Option<DatabaseConnection>,
    /// The connection on which the push actor writes.
    wakes: DatabaseConnection,
    /// On PostgreSQL: the connection on which the journal is read, so that no other reader makes it wait.
    journal: Option<DatabaseConnection>,
    /// Names this run of this server among all that write to the store.
    boot: i64,
    /// What this server knows of the store's history.
    history: History,
    /// For how long batches keep other servers from storing.
    hold_times: HoldTimes,
    /// On PostgreSQL: this server's place among the others.
    membership: Membership,
    /// The level of records that all live servers can read, as far as this one knows.
    agreed_level: AtomicI32,
    cache: Mutex<Cache>,
    /// What is known of devices that may have to be woken.
    devices: Arc<Devices>,
    /// How long a wake-up waits where the device may be connected to another server, in microseconds, if there is one.
    push_grace_us: i64,
    /// Whether another server uses the store, as far as this one knows.
    has_others: AtomicBool,
    write_health: Arc<WriteHealth>,
    /// On SQLite: the files that are open.
    files: Arc<SharedFiles>,
    /// Whether something was destroyed that may still be in the write-ahead log.
    destroyed: AtomicBool,
    /// Permits of long searches, which must not occupy all connections for reading.
    long_searches: Semaphore,
    /// The permit of the one page that may be read in several steps.
    large_pages: Semaphore,
    /// Permits of replays, which must not occupy all connections for reading either.
    replays: Semaphore,
    /// Longest wait for a connection, the right to write, or a permit.
    wait: Duration,
    /// The lock of a SQLite store, while it is open.
    lock: Option<StoreLock>,
    /// The limits on rates; none in programs that only look after the store.
    limiters: OnceLock<Arc<Limiters>>,
    /// How many messages each user may have in the store; 0: any number.
    messages_stored: OnceLock<u64>,
    /// The statements that took long.
    slow: Arc<SlowStatements>,
}

impl Storage {
    /// Checks that a restart would find what is written now. Returns [`StorageError::NotInPlace`] when the files of a
    /// SQLite store were removed or replaced.
    pub async fn check_files(&self) -> Result<(), StorageError> {
        if self.files.get().is_none_or(|place| place.lost().is_none()) {
            return Ok(());
        }
        // Taking the right to write performs the check, and gives up the store when it fails.
        self.write_guard().await.map(drop)
    }

    /// Makes the writer keep these limits. Only the first ones count.
    pub fn limit_by(&self, limiters: Arc<Limiters>) {
        let _ = self.limiters.set(limiters);
    }

    /// Returns the limits on rates; `None` in programs that only look after the store.
    #[must_use]
    pub fn limiters(&self) -> Option<&Arc<Limiters>> {
        self.limiters.get()
    }

    /// Returns what is known of devices that may have to be woken.
    #[must_use]
    pub fn devices(&self) -> &Arc<Devices> {
        &self.devices
    }

    /// Returns the statements that took long.
    #[must_use]
    pub fn slow_statements(&self) -> &SlowStatements {
        &self.slow
    }

    /// Returns whether the last write of a request succeeded.
    #[must_use]
    pub fn requests_can_write(&self) -> bool {
        !self.write_health.is_failing()
    }

    /// Checks that the database responds to a read, and that a restart would find it.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.files.get().map_or(Ok(()), OpenFiles::check)?;
        self.reads.query_one(self.statement("SELECT 1", [])).await?;
        Ok(())
    }

    /// Closes all connections; on SQLite this moves the write-ahead log into the database file. Gives up after
    /// `CLOSE_TIMEOUT` when the database does not respond.
    pub async fn close(&self) -> Result<(), StorageError> {
        if let Some(place) = self.files.get()
            && place.lost().is_some_and(|how| how != Lost::Log)
        {
            self.abandon().await;
            return place.check();
        }
        let closing = async {
            // Another server need not wait for their end; without them it waits a few seconds.
            let _ = self.give_leases_back().await;
            let _ = self.leave().await;
            self.reads.close_by_ref().await?;
            self.cleanup.close_by_ref().await?;
            self.wakes.close_by_ref().await?;
            for other in [&self.journal, &self.upload_notes].into_iter().flatten() {
                other.close_by_ref().await?;
            }
            match &self.batches {
                Batches::Sqlite(batches) => batches.lock().await.close(),
                Batches::Postgres(batches) => batches.lock().await.close(),
            }
            Ok(self.request_writes.close_by_ref().await?)
        };
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, closing).await.unwrap_or(Err(StorageError::TimedOut));
        if let Some(lock) = self.lock.as_ref().filter(|_| closed.is_ok()) {
            lock.release();
        }
        closed
    }

    /// Leaves all connections open until the process ends. Closing the last one would write our log into another
    /// database, or remove another database's log.
    async fn abandon(&self) {
        let pools = [&self.request_writes, &self.reads, &self.cleanup, &self.wakes];
        for pool in pools.into_iter().chain(&self.upload_notes) {
            std::mem::forget(pool.clone());
        }
        if let Batches::Sqlite(batches) = &self.batches {
            batches.lock().await.abandon();
        }
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }
}

//! The store: the only place that knows SeaORM. Queries by topic, which return domain types.
//!
//! On SQLite the writer has a connection of its own for batches, requests write on another, and retention on a third,
//! one at a time; a few connections read (WAL). PostgreSQL has a pool for each, and one connection is kept for batches.
//!
//! A SQLite store takes one process at a time, so its `store.head` moves only by this process.

mod commands;
mod engine;
mod maintenance;
mod messages;
mod opening;
mod people;
mod retention;
mod schema;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::{Mutex, Semaphore};

use commands::cache::Cache;
use engine::begin::Batches;
use engine::sqlite::lock::StoreLock;
use engine::sqlite::open_files::{OpenFiles, SharedFiles};
use engine::tx::Tx as _;
use engine::write_health::WriteHealth;
use people::login_marks::LoginMarks;

pub use commands::apply::Applied;
pub use engine::error::{Lost, StorageError};
pub use engine::page::PAGE_BYTES;
pub use engine::postgres::servers::named;
pub use maintenance::copy::{Copied, CopyError, CopySide, CopyStep, copy};
pub use maintenance::{Holding, MaintenanceError, backup, restore};
pub use messages::conversations::{Overview, Relation};
pub use messages::history::Before;
pub use messages::replay::{OpenedReplay, Page, PageLimit, Replay};
pub use people::accounts::{Credentials, Profile};
pub use people::devices::LoginDialect;
pub use people::logins::{NewLogin, NewRefreshToken};
pub use people::name_review::{OddName, odd_names};
pub use people::open_logins::{LoginSession, Which};
pub use people::refresh_tokens::Rotation;
pub use people::search::UserPage;
pub use retention::logins::Expired;
pub use retention::messages::{BATCH, Cleared};
pub use schema::migrate::MigrationState;
#[cfg(feature = "testing")]
pub use testing::seed::{SeedMessages, SeedUsers};

/// Longest time for closing all connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The store. Cheap to share behind an `Arc`.
pub struct Storage {
    /// What requests write on.
    request_writes: DatabaseConnection,
    /// What requests and replays read on.
    reads: DatabaseConnection,
    /// What batches of commands are written on.
    batches: Batches,
    /// What retention writes on, beside the writer.
    cleanup: DatabaseConnection,
    cache: Mutex<Cache>,
    login_marks: LoginMarks,
    write_health: Arc<WriteHealth>,
    /// On SQLite: the files that are open.
    files: Arc<SharedFiles>,
    /// Whether something was destroyed that may still be in the write-ahead log.
    destroyed: AtomicBool,
    /// Permits of long searches, which must not take all the readers.
    long_searches: Semaphore,
    /// Held by the one page that is read in several steps.
    large_pages: Semaphore,
    /// Permits of replays, which must not take all the readers either.
    replays: Semaphore,
    /// Longest wait for a connection, the right to write, or a permit.
    wait: Duration,
    /// The lock of a SQLite store, while it is open.
    lock: Option<StoreLock>,
}

impl Storage {
    /// Whether a restart would find what is written now: [`StorageError::NotInPlace`] when the files of a SQLite store
    /// were taken away from under it.
    pub async fn check_files(&self) -> Result<(), StorageError> {
        if self.files.get().is_none_or(|place| place.lost().is_none()) {
            return Ok(());
        }
        // With the right to write, so that what can be saved is saved.
        self.write_guard().await.map(drop)
    }

    /// Whether requests could write the last time that one tried.
    #[must_use]
    pub fn requests_can_write(&self) -> bool {
        !self.write_health.is_failing()
    }

    /// Whether the database answers a reader, and is where a restart would look for it.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.files.get().map_or(Ok(()), OpenFiles::check)?;
        self.reads.query_one(self.statement("SELECT 1", [])).await?;
        Ok(())
    }

    /// Closes all connections; on SQLite the log is folded into the database file. Gives up on a database that does not
    /// answer.
    pub async fn close(&self) -> Result<(), StorageError> {
        if let Some(place) = self.files.get()
            && place.lost().is_some_and(|how| how != Lost::Log)
        {
            self.abandon().await;
            return place.check();
        }
        let closing = async {
            self.reads.close_by_ref().await?;
            self.cleanup.close_by_ref().await?;
            match &self.batches {
                Batches::Sqlite(own) => own.lock().await.close(),
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

    /// Leaves all connections open until the process ends. Closing the last one would write our log into a database
    /// that is not ours, or remove one that is not ours.
    async fn abandon(&self) {
        for pool in [&self.request_writes, &self.reads, &self.cleanup] {
            std::mem::forget(pool.clone());
        }
        if let Batches::Sqlite(own) = &self.batches {
            own.lock().await.abandon();
        }
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }
}

//! Opening the store: checks that it is a store and not in use, and brings its schema up to date.

use std::sync::atomic::{AtomicBool, AtomicI32};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::{Mutex, Semaphore};

use crate::clock;
use crate::config::{Config, Store};
use crate::protocol::record::FIRST_LEVEL;
use crate::storage::cluster::Membership;
use crate::storage::cluster::history::History;
use crate::storage::cluster::hold_times::HoldTimes;
use crate::storage::commands::cache::Cache;
use crate::storage::engine::begin::Batches;
use crate::storage::engine::connect::store;
use crate::storage::engine::postgres::batches::PostgresBatches;
use crate::storage::engine::postgres::servers::{self, named};
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::slow::SlowStatements;
use crate::storage::engine::sqlite::batches::SqliteBatches;
use crate::storage::engine::sqlite::header;
use crate::storage::engine::sqlite::lock::StoreLock;
use crate::storage::engine::sqlite::open_files::{FileId, OpenFiles, SharedFiles};
use crate::storage::engine::{connect, sqlite};
use crate::storage::schema::foreign::{self, Found};
use crate::storage::schema::migrate::{self, MigrationState};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

impl Storage {
    /// Connects, brings the schema up to date and makes the row of the table `store`.
    ///
    /// Returns [`StorageError::NewerSchema`] or [`StorageError::TooOld`] when the database was written by a newer
    /// version that this one cannot run beside, [`StorageError::Foreign`] when by another program,
    /// [`StorageError::InUse`] when another process has the SQLite file.
    pub async fn open(config: &Config) -> Result<Self, StorageError> {
        let lock = match store(config)? {
            Store::Sqlite(path) => {
                sqlite::connect::check_directory(&path)?;
                if !StoreLock::exists(&path) {
                    // Checked before the lock file is made: nothing is written beside another program's database.
                    foreign::look(&path)?;
                }
                let lock = StoreLock::take(&path)?;
                foreign::look(&path)?;
                Some(lock)
            }
            Store::Postgres(_) => None,
        };
        // Boxed, since this runs once and its large future would be part of every caller's.
        Box::pin(Self::open_with(config, lock)).await
    }

    /// As [`open`](Self::open), but makes no store: returns [`StorageError::NoStore`] when there is none, and on
    /// PostgreSQL [`StorageError::Connected`] or [`StorageError::Seen`] while a server uses it, unless `force` is set.
    pub async fn open_existing(config: &Config, force: bool) -> Result<Self, StorageError> {
        match store(config)? {
            Store::Sqlite(path) => {
                if foreign::look(&path)? == Found::Nothing {
                    return Err(StorageError::NoStore(path.display().to_string()));
                }
            }
            Store::Postgres(url) => {
                if !Self::migration_state(config).await?.iter().any(|migration| migration.applied) {
                    return Err(StorageError::NoStore(named(config)?));
                }
                if !force {
                    servers::refuse(config, &url).await?;
                }
            }
        }
        Self::open(config).await
    }

    /// As [`open`](Self::open), with a lock that was taken before, or on a file that no other process knows.
    pub(super) async fn open_with(config: &Config, lock: Option<StoreLock>) -> Result<Self, StorageError> {
        Box::pin(Self::connect(config, lock)).await.map_err(|error| named_file(config, error))
    }

    async fn connect(config: &Config, lock: Option<StoreLock>) -> Result<Self, StorageError> {
        let migrator = connect::open(config, Purpose::Migrate).await?;
        let mark = new_mark()?;
        let prepared = prepare(&migrator, mark).await;
        let file = if let Store::Sqlite(path) = store(config)? { FileId::of(&path).map(|id| (path, id)) } else { None };
        migrator.close().await?;
        prepared?;
        let slow = SlowStatements::new(config.log.slow_query_ms);
        let open = async |purpose, pool| open_watched(config, purpose, pool, &slow).await;
        let request_writes = open(Purpose::Write, Pool::Requests).await?;
        let (batches, files) = open_batches(config, &request_writes, &slow)?;
        let storage = Self {
            request_writes,
            reads: open(Purpose::Read, Pool::Reads).await?,
            batches,
            cleanup: open(Purpose::Clean, Pool::Cleanup).await?,
            upload_notes: open_upload_notes(config, &slow).await?,
            wakes: open(Purpose::Clean, Pool::Wakes).await?,
            journal: open_journal(config, &slow).await?,
            boot: i64::from_be_bytes(clock::random_bytes()?),
            history: History::default(),
            hold_times: HoldTimes::default(),
            membership: Membership::default(),
            agreed_level: AtomicI32::new(FIRST_LEVEL),
            cache: Mutex::new(Cache::new()),
            devices: Arc::default(),
            push_grace_us: i64::try_from(config.push.cluster_grace_ms.saturating_mul(1000)).unwrap_or(i64::MAX),
            has_others: AtomicBool::new(false),
            write_health: Arc::default(),
            files,
            // A previous process may have destroyed ciphertext that is still in the log.
            destroyed: AtomicBool::new(true),
            long_searches: Semaphore::new(half_of_the_readers(config)),
            large_pages: Semaphore::new(1),
            replays: Semaphore::new(half_of_the_readers(config)),
            wait: Duration::from_millis(config.database.acquire_timeout_ms),
            lock,
            limiters: OnceLock::new(),
            messages_stored: OnceLock::new(),
            slow,
        };
        storage.ensure_store_row().await?;
        if let Some(history) = storage.present_history().await? {
            storage.adopt_history(history);
        }
        storage.review_names().await?;
        if let Batches::Sqlite(batches) = &storage.batches {
            // Opened now, since at the first batch there may be no file descriptor left.
            batches.lock().await.ensure_open()?;
        }
        if let Some((path, id)) = file {
            // Fails only when it is set already; it is set only here.
            let _ = storage.files.set(OpenFiles::new(&path, id, mark)?);
        }
        Ok(storage)
    }

    /// Returns the state of the schema without changing it. Fails when the database does not exist yet.
    pub async fn migration_state(config: &Config) -> Result<Vec<MigrationState>, StorageError> {
        if let Store::Sqlite(path) = store(config)?
            && foreign::look(&path)? == Found::Nothing
        {
            return Err(StorageError::NoStore(path.display().to_string()));
        }
        let looked = async {
            let db = connect::open(config, Purpose::Inspect).await?;
            let state = migrate::state(&db).await;
            db.close().await?;
            state
        };
        looked.await.map_err(|error| named_file(config, error))
    }
}

/// Adds the name of the SQLite file to an error.
fn named_file(config: &Config, error: StorageError) -> StorageError {
    match store(config) {
        Ok(Store::Sqlite(path)) => error.about(&path),
        _ => error,
    }
}

/// Opens connections whose slow statements are noted.
async fn open_watched(
    config: &Config,
    purpose: Purpose,
    pool: Pool,
    slow: &Arc<SlowStatements>,
) -> Result<DatabaseConnection, StorageError> {
    let mut db = connect::open(config, purpose).await?;
    slow.watch(pool, &mut db);
    Ok(db)
}

/// Opens the connection on which the journal is read; `None` on SQLite, which has no journal.
async fn open_journal(config: &Config, slow: &Arc<SlowStatements>) -> Result<Option<DatabaseConnection>, StorageError> {
    Ok(match store(config)? {
        Store::Sqlite(_) => None,
        Store::Postgres(_) => Some(open_watched(config, Purpose::Journal, Pool::Reads, slow).await?),
    })
}

/// Makes the connection on which batches are written. Also returns the files that it has open.
fn open_batches(
    config: &Config,
    writes: &DatabaseConnection,
    slow: &Arc<SlowStatements>,
) -> Result<(Batches, Arc<SharedFiles>), StorageError> {
    Ok(match store(config)? {
        Store::Sqlite(path) => {
            let batches = SqliteBatches::new(path, sqlite::connect::writing(config), slow.clone());
            let files = batches.files().clone();
            (Batches::Sqlite(Arc::new(Mutex::new(batches))), files)
        }
        Store::Postgres(_) => {
            let pool = writes.get_postgres_connection_pool().clone();
            (Batches::Postgres(Arc::new(Mutex::new(PostgresBatches::new(pool, slow.clone())))), Arc::default())
        }
    })
}

/// Opens the connection on which is noted how far uploads have come; `None` on PostgreSQL, where any can do it.
async fn open_upload_notes(
    config: &Config,
    slow: &Arc<SlowStatements>,
) -> Result<Option<DatabaseConnection>, StorageError> {
    Ok(match store(config)? {
        Store::Sqlite(_) => Some(open_watched(config, Purpose::Note, Pool::Requests, slow).await?),
        Store::Postgres(_) => None,
    })
}

/// Returns half the number of connections for reading, at least one.
fn half_of_the_readers(config: &Config) -> usize {
    usize::try_from(config.database.max_connections / 2).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)
}

/// Brings the schema up to date. Marks a SQLite file as a store, and with `mark` as opened by this run.
async fn prepare(migrator: &DatabaseConnection, mark: i32) -> Result<(), StorageError> {
    migrate::up(migrator).await?;
    header::forget_statistics(migrator).await?;
    header::mark(migrator, foreign::APPLICATION_ID, mark).await
}

/// Returns a random number that most likely no other run has.
fn new_mark() -> Result<i32, StorageError> {
    Ok(i32::from_be_bytes(clock::random_bytes()?) | 1)
}

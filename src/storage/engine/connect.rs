//! Connections and their settings.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;
use sea_orm::sqlx::Connection as _;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use crate::config::{Config, Store, Synchronous};
use crate::storage::StorageError;
use crate::storage::engine::postgres::connect as postgres;
use crate::storage::engine::sqlite::checkpoints::BACKSTOP;

/// Page cache of the SQLite connection that writes; negative means KiB.
const CACHE_KIB: &str = "-16384";
/// The same for the others, which read most pages from the system's cache.
const SMALL_CACHE_KIB: &str = "-2048";
/// The file is not mapped: memory would grow with it, once for each connection, and an error of the disk would be a signal that ends
/// the process (<https://sqlite.org/mmap.html>).
const NOT_MAPPED: &str = "0";
/// The WAL file is cut back to this after a checkpoint.
const WAL_LIMIT_BYTES: &str = "67108864";
/// How long one SQLite connection waits for another process's lock.
pub(in crate::storage) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for the connection that clears away: it holds up the writer while it waits.
const CLEAN_BUSY_TIMEOUT: Duration = Duration::from_millis(500);
/// A statement slower than this is logged.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// The database that is configured.
pub(in crate::storage) fn store(config: &Config) -> Result<Store, StorageError> {
    config.store().map_err(|error| StorageError::Url(error.to_string()))
}

/// Settings of a SQLite connection.
pub(in crate::storage) type Pragmas = Vec<(&'static str, &'static str)>;

/// The settings of a connection that writes batches.
pub(in crate::storage) fn writing(config: &Config) -> Pragmas {
    let synchronous = match config.database.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    vec![
        ("mmap_size", NOT_MAPPED),
        ("cache_size", CACHE_KIB),
        ("temp_store", "MEMORY"),
        ("journal_mode", "WAL"),
        ("synchronous", synchronous),
        ("journal_size_limit", WAL_LIMIT_BYTES),
        // What is deleted is overwritten with zeros (<https://sqlite.org/pragma.html#pragma_secure_delete>).
        ("secure_delete", "ON"),
        ("foreign_keys", "ON"),
        ("wal_autocheckpoint", BACKSTOP),
    ]
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Purpose {
    /// Bringing the schema up to date. Makes the SQLite file when it is missing.
    Migrate,
    /// Looking at the schema. A missing SQLite file is an error.
    Inspect,
    /// Writing: one connection on SQLite.
    Write,
    /// Clearing away, beside the writer: one connection, which soon gives way.
    Clean,
    /// Reading: read-only connections on SQLite.
    Read,
}

/// Opens connections for one purpose.
pub(in crate::storage) async fn open(config: &Config, purpose: Purpose) -> Result<DatabaseConnection, StorageError> {
    let store = store(config)?;
    let mut options = match &store {
        Store::Sqlite(path) => sqlite(config, path, purpose)?,
        Store::Postgres(url) => postgres::options(config, url, purpose).await?,
    };
    options
        .acquire_timeout(Duration::from_millis(config.database.acquire_timeout_ms))
        .sqlx_logging_level(LevelFilter::Off)
        .sqlx_slow_statements_logging_settings(LevelFilter::Warn, SLOW_STATEMENT)
        .record_stmt_in_spans(false);
    Database::connect(options).await.map_err(StorageError::Database)
}

fn sqlite(config: &Config, path: &Path, purpose: Purpose) -> Result<ConnectOptions, StorageError> {
    check_directory(path)?;
    if purpose == Purpose::Migrate {
        create_private(path)?;
    } else if !path.is_file() {
        return Err(StorageError::Url(format!("{} does not exist", path.display())));
    }
    let pragmas = writing(config);
    let file = PathBuf::from(path);
    // The URL names only the driver: a path may hold what means something else in a URL.
    let mut options = ConnectOptions::new("sqlite:");
    options
        .max_connections(if purpose == Purpose::Read { config.database.max_connections } else { 1 })
        .test_before_acquire(false)
        // A connection to a file does not age.
        .idle_timeout(None)
        .max_lifetime(None)
        // At its own level it would be a line for each of those who wait, when the database stands still for a moment.
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.acquire_slow_level(LevelFilter::Debug).after_release(|connection, _| Box::pin(is_clean(connection)))
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .filename(&file)
                .busy_timeout(if purpose == Purpose::Clean { CLEAN_BUSY_TIMEOUT } else { BUSY_TIMEOUT })
                .pragma("mmap_size", NOT_MAPPED)
                .pragma("cache_size", SMALL_CACHE_KIB)
                .pragma("temp_store", "MEMORY");
            if purpose == Purpose::Read {
                return sqlite.read_only(true);
            }
            pragmas
                .iter()
                .filter(|(name, _)| *name != "cache_size")
                .fold(sqlite, |sqlite, (name, value)| sqlite.pragma(*name, *value))
        });
    Ok(options)
}

/// An error when the file is in no directory.
pub(in crate::storage) fn check_directory(path: &Path) -> Result<(), StorageError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        return Err(StorageError::Url(format!("{} is not in an existing directory", path.display())));
    }
    Ok(())
}

/// Whether a connection may be used again: not when the driver still counts a transaction on it.
///
/// On a full disk or a failed write SQLite rolls back by itself (<https://sqlite.org/lang_transaction.html> §3). The driver's own
/// `ROLLBACK` then fails, it goes on counting a transaction, and would make the next one a savepoint inside a transaction
/// that nobody ever commits.
async fn is_clean(connection: &mut sea_orm::sqlx::SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    if connection.is_in_transaction() {
        // Waits for a rollback that is still queued.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// Makes the file, empty, for its owner alone; SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(StorageError::Url(format!("cannot make {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

//! Connections to SQLite and their settings.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;
use sea_orm::ConnectOptions;
use sea_orm::sqlx::Connection as _;

use crate::config::{Config, Synchronous};
use crate::storage::StorageError;
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::sqlite::checkpoints::BACKSTOP;

/// Page cache of the connection that writes; a negative number is KiB.
const CACHE_KIB: &str = "-16384";
/// Page cache of the other connections, which find most pages in the system's cache.
const SMALL_CACHE_KIB: &str = "-2048";
/// No memory mapping of the file: memory would grow with the file for each connection, and a disk error would be a
/// signal that ends the process (<https://sqlite.org/mmap.html>).
const NOT_MAPPED: &str = "0";
/// Size in bytes to which the WAL file is truncated after a checkpoint.
const WAL_LIMIT_BYTES: &str = "67108864";
/// Longest wait of a connection for another process's lock.
pub(in crate::storage) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait of the connection for retention, which holds up the writer while it waits.
const CLEAN_BUSY_TIMEOUT: Duration = Duration::from_millis(500);

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
        // Deleted content is overwritten with zeros (<https://sqlite.org/pragma.html#pragma_secure_delete>).
        ("secure_delete", "ON"),
        ("foreign_keys", "ON"),
        ("wal_autocheckpoint", BACKSTOP),
    ]
}

pub(in crate::storage) fn options(
    config: &Config,
    path: &Path,
    purpose: Purpose,
) -> Result<ConnectOptions, StorageError> {
    check_directory(path)?;
    if purpose == Purpose::Migrate {
        create_private(path)?;
    } else if !path.is_file() {
        return Err(StorageError::Url(format!("{} does not exist", path.display())));
    }
    let pragmas = writing(config);
    let file = PathBuf::from(path);
    // The URL names only the driver: a path may contain characters with another meaning in a URL.
    let mut options = ConnectOptions::new("sqlite:");
    options
        .max_connections(if purpose == Purpose::Read { config.database.max_connections } else { 1 })
        .test_before_acquire(false)
        // A connection to a file does not go stale.
        .idle_timeout(None)
        .max_lifetime(None)
        // At its default level, each waiting request would log a line whenever the database stalls for a moment.
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
            let sqlite = pragmas
                .iter()
                .filter(|(name, _)| *name != "cache_size")
                .fold(sqlite, |sqlite, (name, value)| sqlite.pragma(*name, *value));
            // With a write-ahead log this is safe: the last commits may be lost, the file stays whole.
            if purpose == Purpose::Note { sqlite.pragma("synchronous", "NORMAL") } else { sqlite }
        });
    Ok(options)
}

/// Returns an error when the directory of the file does not exist.
pub(in crate::storage) fn check_directory(path: &Path) -> Result<(), StorageError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        return Err(StorageError::Url(format!("{} is not in an existing directory", path.display())));
    }
    Ok(())
}

/// Returns whether a connection may be used again, which is not so when the driver still counts a transaction on it.
///
/// On a full disk or a failed write SQLite rolls back by itself (<https://sqlite.org/lang_transaction.html> §3). The
/// driver's own `ROLLBACK` then fails, it goes on counting a transaction, and would make the next one a savepoint
/// inside a transaction that is never committed.
async fn is_clean(connection: &mut sea_orm::sqlx::SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    if connection.is_in_transaction() {
        // Waits for a rollback that is still queued.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// Makes an empty file, readable to its owner alone; SQLite gives the files beside it the same mode.
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

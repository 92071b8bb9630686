//! Connections and their settings.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use log::LevelFilter;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseBackend, DatabaseConnection};

use super::StorageError;
use crate::config::{Config, Synchronous};

/// Memory each SQLite connection maps of the file.
const MMAP_BYTES: &str = "268435456";
/// Page cache of a SQLite connection; negative means KiB.
const CACHE_KIB: &str = "-16384";
/// The WAL file is cut back to this after a checkpoint.
const WAL_LIMIT_BYTES: &str = "67108864";
/// How long one SQLite connection waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A PostgreSQL connection that idled this long is tested before use.
const TEST_AFTER_IDLE: Duration = Duration::from_secs(30);
/// Longest time for one statement on PostgreSQL.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// A statement slower than this is logged.
const SLOW_STATEMENT: Duration = Duration::from_secs(1);

/// What a SQLite connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Create,
    Write,
    Read,
}

/// The connection (SQLite) or pool (PostgreSQL) for writing. Makes the SQLite file when it is missing.
pub(super) async fn writer(config: &Config) -> Result<DatabaseConnection, StorageError> {
    open(config, Access::Create).await
}

/// As [`writer`], but a missing SQLite file is an error.
pub(super) async fn existing(config: &Config) -> Result<DatabaseConnection, StorageError> {
    open(config, Access::Write).await
}

/// The connections for reading: read-only ones on SQLite, the writer's pool on PostgreSQL.
pub(super) async fn reader(config: &Config, writer: &DatabaseConnection) -> Result<DatabaseConnection, StorageError> {
    match writer.get_database_backend() {
        DatabaseBackend::Sqlite => open(config, Access::Read).await,
        _ => Ok(writer.clone()),
    }
}

async fn open(config: &Config, access: Access) -> Result<DatabaseConnection, StorageError> {
    let url = config.database_url();
    let mut options = ConnectOptions::new(url.clone());
    options
        .acquire_timeout(Duration::from_millis(config.database.acquire_timeout_ms))
        .connect_timeout(Duration::from_millis(config.database.acquire_timeout_ms))
        .sqlx_logging_level(LevelFilter::Off)
        .sqlx_slow_statements_logging_settings(LevelFilter::Warn, SLOW_STATEMENT)
        .record_stmt_in_spans(false);
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => sqlite(config, &url, access, &mut options)?,
        Some("postgres") => postgres(config, &mut options),
        Some(other) => return Err(StorageError::Url(format!("unknown scheme {other}; use sqlite:// or postgres://"))),
        None => return Err(StorageError::Url("it must begin with sqlite:// or postgres://".to_owned())),
    }
    Database::connect(options).await.map_err(StorageError::Database)
}

fn sqlite(config: &Config, url: &str, access: Access, options: &mut ConnectOptions) -> Result<(), StorageError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(StorageError::Url("a database in memory forgets everything; name a file".to_owned()));
    }
    let path = url.strip_prefix("sqlite://").and_then(|rest| rest.split('?').next()).unwrap_or_default();
    let parent = Path::new(path).parent().filter(|parent| !parent.as_os_str().is_empty());
    if path.is_empty() || parent.is_some_and(|parent| !parent.is_dir()) {
        return Err(StorageError::Url(format!("{path:?} is not a file in an existing directory")));
    }
    if access != Access::Create && !Path::new(path).is_file() {
        return Err(StorageError::Url(format!("{path:?} does not exist")));
    }
    if access == Access::Create {
        create_private(Path::new(path))?;
    }
    let synchronous = match config.database.synchronous {
        Synchronous::Full => SqliteSynchronous::Full,
        Synchronous::Normal => SqliteSynchronous::Normal,
    };
    let connections = if access == Access::Read { config.database.max_connections } else { 1 };
    options
        .max_connections(connections)
        .test_before_acquire(false)
        // A connection to a file does not age.
        .idle_timeout(None)
        .max_lifetime(None)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .busy_timeout(BUSY_TIMEOUT)
                .pragma("mmap_size", MMAP_BYTES)
                .pragma("cache_size", CACHE_KIB)
                .pragma("temp_store", "MEMORY");
            if access == Access::Read {
                return sqlite.read_only(true);
            }
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .pragma("journal_size_limit", WAL_LIMIT_BYTES)
                .optimize_on_close(true, None)
        });
    Ok(())
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

fn postgres(config: &Config, options: &mut ConnectOptions) {
    options
        .max_connections(config.database.max_connections.max(2))
        .test_before_acquire_if_idle_for(TEST_AFTER_IDLE)
        .statement_timeout(STATEMENT_TIMEOUT)
        .set_application_name("fluent-backend");
}

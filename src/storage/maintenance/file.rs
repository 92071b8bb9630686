//! SQLite files as files: written under another name, then given their own name atomically.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sea_orm::sqlx::{self, ConnectOptions as _};
use tempfile::TempPath;

use crate::storage::engine::sqlite::lock::{beside, own_as};

/// The suffixes of the files of a database, itself first: SQLite would apply these logs to any database of that name.
pub(in crate::storage) const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).pragma("mmap_size", "0").disable_statement_logging()
}

/// Opens an existing database without changing it.
pub(in crate::storage) async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).connect().await
}

/// Opens a file that no other process knows, without a write-ahead log. Foreign keys are not checked: its rows come
/// from a store.
pub(in crate::storage) async fn open_fresh(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path)
        .journal_mode(SqliteJournalMode::Delete)
        .foreign_keys(false)
        .pragma("secure_delete", "ON")
        .connect()
        .await
}

/// Makes an empty file that only the owner of the directory can read. It is removed on drop.
pub(in crate::storage) fn create(path: &Path) -> std::io::Result<TempPath> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    own_as(&file, path.parent().unwrap_or(path));
    TempPath::try_from_path(path)
}

/// Removes a database and its logs, as far as they exist.
pub(in crate::storage) fn remove(path: &Path) -> std::io::Result<()> {
    for part in PARTS {
        match std::fs::remove_file(beside(path, part)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Writes a complete file to the disk, and then moves it to `path`. Fails when a file is there.
pub(in crate::storage) fn publish(file: TempPath, path: &Path) -> std::io::Result<()> {
    File::open(&file)?.sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_directory(path)
}

/// Makes sure that the names in the directory of `path` survive loss of power.
pub(in crate::storage) fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != OsStr::new("")).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

//! SQLite files by themselves: made whole under another name, then given their name at once.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sea_orm::sqlx::{self, ConnectOptions as _};
use tempfile::TempPath;

use crate::storage::engine::sqlite::lock::{beside, own_as};

/// What belongs to a database file, itself first: logs that SQLite would play into whatever has its name.
pub(in crate::storage) const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).pragma("mmap_size", "0").disable_statement_logging()
}

/// Opens an existing database as it is.
pub(in crate::storage) async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path).connect().await
}

/// Opens a file that no other process knows, without a log beside it. Foreign keys are not looked at: its rows come
/// from a store.
pub(in crate::storage) async fn open_fresh(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    options(path)
        .journal_mode(SqliteJournalMode::Delete)
        .foreign_keys(false)
        .pragma("secure_delete", "ON")
        .connect()
        .await
}

/// Makes an empty file for the owner of the directory alone. It is gone with the value.
pub(in crate::storage) fn create(path: &Path) -> std::io::Result<TempPath> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    own_as(&file, path.parent().unwrap_or(path));
    TempPath::try_from_path(path)
}

/// Removes a database and what belongs to it, as far as it is there.
pub(in crate::storage) fn remove(path: &Path) -> std::io::Result<()> {
    for part in PARTS {
        match std::fs::remove_file(beside(path, part)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Puts a whole file on the disk and then in its place. Fails when something is there.
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

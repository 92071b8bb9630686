//! Restore: puts a backup in the place of a SQLite store.
//!
//! A copy of the backup is checked, migrated and given its new epoch under another name, and then renamed. So at each
//! moment, even if the process is killed, there is the whole old store or the whole new one.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use sea_orm::sqlx::{Connection as _, query_scalar};
use tempfile::TempPath;

use super::{Holding, MaintenanceError, file, holding};
use crate::clock::Clock;
use crate::config::{Config, Store};
use crate::storage::engine::sqlite::connect::check_directory;
use crate::storage::engine::sqlite::lock::{StoreLock, beside};
use crate::storage::schema::foreign;
use crate::storage::{Storage, StorageError};

/// The suffix of the copy until it is renamed.
const SUFFIX: &str = ".restoring";

/// Puts the backup `from` in place under a new epoch. Returns a summary of it, and the new path of the store that was
/// there before.
///
/// Returns [`MaintenanceError::InPlace`] when a store is there and `replace` is false, and [`StorageError::InUse`]
/// while a server runs on it.
pub async fn restore(
    config: &Config,
    from: &Path,
    replace: bool,
) -> Result<(Holding, Option<PathBuf>), MaintenanceError> {
    let Store::Sqlite(place) = config.store().map_err(|error| StorageError::Url(error.to_string()))? else {
        return Err(MaintenanceError::RestoreOfPostgres);
    };
    check_directory(&place)?;
    // A damaged store may be replaced, another program's database may not.
    if let Err(foreign @ StorageError::Foreign(_)) = foreign::look(&place) {
        return Err(foreign.into());
    }
    let lock = StoreLock::take(&place)?;
    let place = lock.database();
    if !from.is_file() {
        return Err(MaintenanceError::Missing(from.to_owned()));
    }
    if let Err(foreign @ StorageError::Foreign(_)) = foreign::look(from) {
        return Err(foreign.into());
    }
    let logs = ["-wal", "-journal"].map(|part| beside(from, part));
    if let Some(log) = logs.into_iter().find(|log| log.metadata().is_ok_and(|log| log.len() > 0)) {
        return Err(MaintenanceError::HasLog(log));
    }
    let there = file::PARTS.map(|part| beside(place, part)).into_iter().find(|part| part.exists());
    if let Some(there) = there.filter(|_| !replace) {
        return Err(MaintenanceError::InPlace(there));
    }

    let half = beside(place, SUFFIX);
    let copy = copied(from, &half)?;
    check(&half, from).await?;
    let found = Box::pin(prepare(config, &half, from)).await?;
    let aside = set_aside(place).await?;
    let failed = |source| MaintenanceError::File { path: place.to_owned(), source };
    File::open(&copy).and_then(|file| file.sync_all()).map_err(failed)?;
    copy.persist(place).map_err(|error| failed(error.error))?;
    file::sync_directory(place).map_err(failed)?;
    Ok((found, aside))
}

/// Makes a copy that only its owner can read.
fn copied(from: &Path, to: &Path) -> Result<TempPath, MaintenanceError> {
    let failed = |source| MaintenanceError::File { path: to.to_owned(), source };
    // Left by a restore that was killed: the lock shows that none is running.
    file::remove(to).map_err(failed)?;
    let copy = file::create(to).map_err(failed)?;
    let mut source = File::open(from).map_err(|source| MaintenanceError::File { path: from.to_owned(), source })?;
    let mut target = OpenOptions::new().write(true).open(to).map_err(failed)?;
    std::io::copy(&mut source, &mut target).map_err(failed)?;
    Ok(copy)
}

/// Checks that the copy is a sound store, before anything is written to it.
async fn check(copy: &Path, backup: &Path) -> Result<(), MaintenanceError> {
    let mut connection = file::open(copy).await?;
    let examined = holding::examine(&mut connection, backup).await;
    connection.close().await?;
    examined.map(drop)
}

/// Brings the schema up to date and changes the epoch. Returns a summary of the contents.
async fn prepare(config: &Config, copy: &Path, backup: &Path) -> Result<Holding, MaintenanceError> {
    let storage = Box::pin(Storage::open_with(&config.on_file(copy), None)).await?;
    let renamed = storage.new_epoch().await;
    storage.close().await?;
    renamed?;
    let mut connection = file::open_fresh(copy).await?;
    let found = holding::examine(&mut connection, backup).await;
    connection.close().await?;
    found
}

/// Gives the existing store another name beside its own. Its log is written into it first; if the store is too damaged
/// for that, the log is renamed with it.
async fn set_aside(place: &Path) -> Result<Option<PathBuf>, MaintenanceError> {
    if file::PARTS.iter().all(|part| !beside(place, part).exists()) {
        return Ok(None);
    }
    fold_log(place).await;
    let time: String = Clock::system().now().to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let aside = beside(place, &format!(".before-{time}"));
    let failed = |source| MaintenanceError::File { path: aside.clone(), source };
    if place.exists() {
        std::fs::hard_link(place, &aside).map_err(failed)?;
    }
    for part in file::PARTS.iter().filter(|part| !part.is_empty()) {
        let (own, kept) = (beside(place, part), beside(&aside, part));
        if own.exists() {
            std::fs::rename(own, kept).map_err(failed)?;
        }
    }
    file::sync_directory(place).map_err(failed)?;
    Ok(Some(aside))
}

/// Writes the log into the database and removes it, by opening and closing the last connection.
async fn fold_log(place: &Path) {
    if let Ok(mut connection) = file::open(place).await {
        // A store that cannot be read stays as it is.
        let _ = query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_optional(&mut connection).await;
        let _ = connection.close().await;
    }
}

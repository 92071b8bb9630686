//! Backups of a SQLite store as it is at one moment, while a server may go on writing.
//!
//! They are made by `VACUUM INTO` (<https://sqlite.org/lang_vacuum.html>): one read transaction, which does not hold up
//! writers. SQLite's backup API would begin anew whenever another process writes. Until the transaction ends, the
//! write-ahead log keeps everything that is written meanwhile.

use std::path::{Path, PathBuf};

use sea_orm::sqlx::{Connection as _, query};
use tempfile::Builder;

use super::{Holding, MaintenanceError, file, holding};
use crate::clock::Clock;
use crate::config::{Config, Store};
use crate::storage::StorageError;
use crate::storage::schema::foreign::{self, Found};

/// Prefix of the name of an unfinished backup.
const UNFINISHED: &str = ".fluent-backup-";

/// Writes a backup to the file `to`, or, when that is a directory, to a file in it that is named by the time. The file
/// gets its name when it is complete, checked and on the disk; an existing file is never overwritten. Returns its path
/// and a summary of its contents.
///
/// The backup contains everything that was committed before the call.
pub async fn backup(config: &Config, to: &Path) -> Result<(PathBuf, Holding), MaintenanceError> {
    let Store::Sqlite(source) = config.store().map_err(|error| StorageError::Url(error.to_string()))? else {
        return Err(MaintenanceError::BackupOfPostgres);
    };
    if !source.is_file() {
        return Err(MaintenanceError::Missing(source));
    }
    if foreign::look(&source)? == Found::Nothing {
        return Err(StorageError::NoStore(source.display().to_string()).into());
    }
    let to = if to.is_dir() { to.join(name()) } else { to.to_owned() };
    if to.symlink_metadata().is_ok() {
        return Err(MaintenanceError::Exists(to));
    }
    let failed = |source| MaintenanceError::File { path: to.clone(), source };
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(failed)?;
    // Temporary files have mode 0600.
    let unfinished = Builder::new().prefix(UNFINISHED).tempfile_in(parent).map_err(failed)?.into_temp_path();
    let name = unfinished.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;

    let about = |error| holding::about(&source, error);
    let mut connection = file::open(&source).await.map_err(about)?;
    let copied = query("VACUUM INTO $1").bind(name).execute(&mut connection).await;
    connection.close().await?;
    copied.map_err(about)?;
    let mut connection = file::open(&unfinished).await?;
    // With the mark of its run, a backup that is copied over the open store would be taken for it.
    query("PRAGMA user_version = 0").execute(&mut connection).await?;
    let found = holding::examine(&mut connection, &unfinished).await;
    connection.close().await?;
    let found = found?;
    file::publish(unfinished, &to).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => MaintenanceError::Exists(to.clone()),
        _ => MaintenanceError::File { path: to.clone(), source },
    })?;
    Ok((to, found))
}

/// Returns a name such as `fluent-20261125T093000Z.db`, so that backups sorted by name are sorted by time.
fn name() -> String {
    let now: String = Clock::system().now().to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("fluent-{}Z.db", now.split('.').next().unwrap_or_default())
}

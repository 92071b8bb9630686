//! Errors of backup and restore. Each text is one line for the operator.

use std::path::PathBuf;

use sea_orm::sqlx;

use crate::storage::StorageError;

/// The reason why a backup was not made or not restored. All existing files are unchanged.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The store cannot be locked or opened, or its schema not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Reading or writing the database failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A backup of PostgreSQL was asked for.
    #[error(
        "this makes backups of SQLite; on PostgreSQL use its own: \
         pg_dump --format=custom --file=fluent.dump \"$DATABASE_URL\""
    )]
    BackupOfPostgres,
    /// A restore of PostgreSQL was asked for.
    #[error(
        "this restores SQLite; on PostgreSQL, while no server runs: pg_restore --dbname=\"$DATABASE_URL\" fluent.dump, \
         then fluent-backend database new-epoch"
    )]
    RestoreOfPostgres,
    /// There is no such file.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// The target of the backup exists; a file is never overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A restore was asked for without `--force`, and there is a database.
    #[error("{} exists: --force keeps it aside and puts the backup in its place", .0.display())]
    InPlace(PathBuf),
    /// There is a write-ahead log beside the backup.
    #[error(
        "{} belongs to the backup, which so is a database in use or a copy of one: restore what `backup` has made",
        .0.display()
    )]
    HasLog(PathBuf),
    /// The file is no store, or damaged.
    #[error("{} cannot be used: {reason}", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// The message of SQLite, in one line.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

//! What can go wrong in the store.

use std::path::PathBuf;

use sea_orm::{DbErr, SqlErr};

use crate::clock::NoRandomness;

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// `database.url` is not one that we can use.
    #[error("database.url is not usable: {0}")]
    Url(String),
    /// No connection to PostgreSQL.
    #[error("cannot connect to the database: {0}")]
    Unreachable(String),
    /// The schema holds migrations that this version does not know.
    #[error(
        "the database was written by a newer version of fluent-backend (it has {0}): install that version or newer"
    )]
    NewerSchema(String),
    /// Another process has the SQLite database.
    #[error(
        "{} is in use by another fluent-backend{}: stop it first; a SQLite database takes one process at a time",
        path.display(),
        holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// Its process id, as far as it is known.
        holder: Option<u32>,
    },
    /// The SQLite database cannot be locked.
    #[error("cannot lock {}: {source}", path.display())]
    Lock {
        /// The database.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A name, an address or a token is taken.
    #[error("already taken: {0}")]
    Duplicate(String),
    /// What it was to belong to is gone: an account or a login session that was deleted at the same moment.
    #[error("what it belongs to is gone: {0}")]
    Orphan(String),
    /// The database failed or did not answer in time. Nothing of the attempt was stored, unless it was a commit.
    #[error("database: {0}")]
    Database(DbErr),
    /// As [`Database`](Self::Database), on the connection on which batches are written.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No thread for what goes on beside the writer.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The database did not answer in time. Whether the attempt was stored is not known.
    #[error("the database did not answer in time")]
    TimedOut,
    /// Stored data is not what the schema promises.
    #[error("the database holds data that cannot be read: {0}")]
    Corrupt(&'static str),
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<DbErr> for StorageError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(detail)) => Self::Duplicate(detail),
            Some(SqlErr::ForeignKeyConstraintViolation(detail)) => Self::Orphan(detail),
            _ => Self::Database(error),
        }
    }
}

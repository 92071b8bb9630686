//! Errors of the store.

use std::fmt;
use std::path::{Path, PathBuf};

use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, SqlErr, sqlx};

use crate::clock::NoRandomness;
use crate::protocol::record::RecordError;

/// What has happened to the files of an open store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// There is no such file.
    Removed,
    /// Another file has its name.
    Replaced,
    /// The file was overwritten in place.
    Overwritten,
    /// Its write-ahead log was removed or replaced.
    Log,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => {
                "was removed or moved away: put it back as it was, or stop the server and restore a backup"
            }
            Self::Replaced => "is another file than the one that was opened: start the server again to use it",
            Self::Overwritten => "was written over by another program: start the server again to use what it holds",
            Self::Log => "has lost its log (-wal or -shm): start the server again",
        })
    }
}

/// A failure or refusal of the store.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// `database.url` is not a usable URL.
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
        /// The id of that process, if known.
        holder: Option<u32>,
    },
    /// The SQLite database cannot be locked.
    #[error("cannot lock {}: {reason}", path.display())]
    Lock {
        /// The file of the lock.
        path: PathBuf,
        /// The error of the system.
        reason: std::io::Error,
    },
    /// The SQLite file cannot be opened, or is none.
    #[error("cannot use {}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The database belongs to another program. Nothing was written to it.
    #[error("{0} holds the data of another program, and was left as it is: name a database of its own in database.url")]
    Foreign(String),
    /// There is no store in the database, and the caller wanted none to be made.
    #[error("there is no store in {0}: name the server's database, as its configuration or its environment does")]
    NoStore(String),
    /// A record in the journal is of a version that this one cannot read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store has another epoch than this server believes. Nothing of the attempt was stored.
    #[error("the store has another epoch than this server knows")]
    NewEpoch,
    /// The store lacks something that it had confirmed. Nothing of the attempt was stored.
    #[error("the database lacks what it had confirmed")]
    Diverged,
    /// A server uses the PostgreSQL database.
    #[error("a fluent-backend is connected to {0}: stop it first, or add --force")]
    Connected(String),
    /// A server has used the PostgreSQL database a moment ago, and did not stop in order.
    #[error("the fluent-backend {label} was using {database} {seconds} s ago: wait until it is gone, or add --force")]
    Seen {
        /// The name of the server.
        label: String,
        /// The database.
        database: String,
        /// How long ago.
        seconds: i64,
    },
    /// The servers on the database have another secret.
    #[error(
        "this server has another secret than the servers on its database: give all the same auth.secret_key \
         (a new one goes first into auth.previous_secret_keys of all); if the secret is lost, stop all of them and run \
         `fluent-backend database forget-secret`"
    )]
    OtherSecret,
    /// The store was used with another instance key.
    #[error(
        "this server has another instance key than its database knows: bring keys/instance.key back from the data \
         directory or its backup (several servers share one file, auth.instance_key_file); if it is lost, stop all of \
         them and run `fluent-backend database forget-instance-key`"
    )]
    OtherInstanceKey,
    /// The schema lacks something that this version needs.
    #[error(
        "the database needs fluent-backend {0} or newer, and this is an older version: install that version or newer"
    )]
    TooOld(String),
    /// The servers on the database write what this version cannot read.
    #[error(
        "the servers on the database write level {level}, and this version reads up to level {own}: install their \
         version"
    )]
    TooLow {
        /// What they write.
        level: i32,
        /// What this version reads.
        own: i32,
    },
    /// A server of an older version is live.
    #[error("the server {label} still runs version {version}: bring all servers to this version first")]
    OlderNode {
        /// Its name.
        label: String,
        /// Its version.
        version: String,
    },
    /// The open SQLite store is no longer the one that a restart would find. Writes that fail with this are not
    /// confirmed to clients.
    #[error("{} {how}", path.display())]
    NotInPlace {
        /// The database.
        path: PathBuf,
        /// What has happened to it.
        how: Lost,
    },
    /// The names were not reviewed since this version was installed.
    #[error("the names have not been looked at yet: start the server once, or run `fluent-backend migrate up`")]
    NamesNotReviewed,
    /// A name, its look, an address or a token is taken.
    #[error("already taken: {0}")]
    Duplicate(String),
    /// The account or login to which the new row would belong was deleted concurrently.
    #[error("what it belongs to is gone: {0}")]
    Orphan(String),
    /// The database failed or did not respond in time. Nothing of the attempt was stored, unless it was a commit.
    #[error("database: {}", plain(.0))]
    Database(DbErr),
    /// As [`Database`](Self::Database), on the connection on which batches are written.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    /// A thread that runs beside the writer could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The database did not respond in time. It is unknown whether the attempt was stored.
    #[error("the database did not answer in time")]
    TimedOut,
    /// Stored data is not what the schema promises.
    #[error("the database holds data that cannot be read: {0}")]
    Corrupt(&'static str),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl StorageError {
    /// Returns whether the database itself failed, rather than this request: other writes would have failed, too.
    pub(in crate::storage) fn is_failure(&self) -> bool {
        matches!(self, Self::Database(_) | Self::Sqlite(_) | Self::TimedOut | Self::NotInPlace { .. })
    }

    /// Returns whether the store does not have the history that this server knows.
    #[must_use]
    pub fn is_another_history(&self) -> bool {
        matches!(self, Self::NewEpoch | Self::Diverged)
    }

    /// Adds the path of the SQLite file, which the database's own error lacks.
    pub(in crate::storage) fn about(self, path: &Path) -> Self {
        let reason = match self {
            Self::Database(error) => database_message(&error),
            Self::Sqlite(error) => error.to_string(),
            other => return other,
        };
        Self::Unusable { path: path.to_owned(), reason }
    }
}

/// Returns the message of the database, without the names of the layers in between.
fn database_message(error: &DbErr) -> String {
    use sea_orm::RuntimeErr::SqlxError;
    let (DbErr::Conn(SqlxError(cause)) | DbErr::Exec(SqlxError(cause)) | DbErr::Query(SqlxError(cause))) = error else {
        return error.to_string();
    };
    cause.as_database_error().map_or_else(|| cause.to_string(), |error| error.message().to_owned())
}

/// Converts without a source: the text already contains the cause.
impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
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

/// Returns the message of a database, without the line of PostgreSQL's source that the driver appends.
fn plain(error: &DbErr) -> String {
    use sea_orm::RuntimeErr::SqlxError;
    let (DbErr::Conn(SqlxError(cause)) | DbErr::Exec(SqlxError(cause)) | DbErr::Query(SqlxError(cause))) = error else {
        return error.to_string();
    };
    error.to_string().replace(&cause.to_string(), &without_source_line(cause))
}

/// Returns the message of a driver's error, without the line of PostgreSQL's source that the driver appends.
pub(in crate::storage) fn without_source_line(error: &sqlx::Error) -> String {
    let postgres = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    postgres.map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

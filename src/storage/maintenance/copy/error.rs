//! Errors of a copy. Each text is one line for the operator.

use std::fmt;
use std::path::PathBuf;

use sea_orm::sqlx;

use crate::storage::StorageError;
use crate::storage::engine::error::without_source_line;

/// One of the two databases of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopySide {
    /// The database that is copied.
    Source,
    /// The new database.
    Target,
}

impl fmt::Display for CopySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "the source",
            Self::Target => "the target",
        })
    }
}

/// The reason why a store was not copied. Nothing at the target could be taken for a store.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the two cannot be opened, or its schema not be read or made.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Reading or writing one of the two failed.
    #[error("database: {}", without_source_line(.0))]
    Database(#[from] sqlx::Error),
    /// Both URLs name one database.
    #[error("the source and the target are the same database")]
    SameStore,
    /// There is no store, or one without any account.
    #[error("the source holds nothing to copy")]
    SourceEmpty,
    /// The source was written by an older version.
    #[error("the source was written by an older version (it lacks {0}): run `migrate up` on it first")]
    SourceOutdated(String),
    /// A SQLite target exists.
    #[error("{} exists already: name a new file, which copy-db makes", .0.display())]
    TargetExists(PathBuf),
    /// A PostgreSQL target holds something.
    #[error("the target is not empty (there are rows in {0}): name a new database")]
    TargetNotEmpty(String),
    /// A PostgreSQL target is another program's.
    #[error("the target holds another program's tables ({0}): name a new database")]
    ForeignTables(String),
    /// A server is connected.
    #[error("a fluent-backend is connected to {0}: stop it first, or add --force")]
    InUse(CopySide),
    /// A server was using one of the two a moment ago, and did not stop in order.
    #[error("the fluent-backend {label} was using {end} {seconds} s ago: wait until it is gone, or add --force")]
    Seen {
        /// Which of the two.
        end: CopySide,
        /// The name of the server.
        label: String,
        /// How long ago.
        seconds: i64,
    },
    /// Another copy is running.
    #[error("another copy-db is at work on {0}, or the source and the target are the same database")]
    Copying(CopySide),
    /// The two schemas differ, although the same migrations have made them.
    #[error("the schemas of the two databases differ: {0}")]
    Schema(String),
    /// A value that its column cannot hold.
    #[error("a row of {table} cannot be copied: {column} {reason}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The reason.
        reason: &'static str,
    },
    /// What was read back is not what was written.
    #[error("what has arrived in {0} is not what was read; nothing of it was kept")]
    Differs(String),
    /// The file of a SQLite target cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

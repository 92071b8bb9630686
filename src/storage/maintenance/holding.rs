//! The check of a SQLite file and a summary of its contents.

use std::fmt;
use std::path::Path;

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Row as _, query, query_scalar};

use super::MaintenanceError;
use crate::domain::Timestamp;

const HOLDING: &str = "SELECT epoch, last_seq, clock, (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM messages) \
     FROM store WHERE id = 1";
/// Returns one row, `ok`, or a row for each of the first three damages.
const CHECK: &str = "PRAGMA integrity_check(3)";

/// A summary of a store at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Accounts.
    pub accounts: u64,
    /// Messages, with the tombstones that are still kept.
    pub messages: u64,
    /// The name of its history.
    pub epoch: String,
    /// The highest number given so far.
    pub head: i64,
    /// The time stamp of the newest message.
    pub newest: Timestamp,
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, messages, epoch, head, newest } = self;
        write!(f, "{accounts} accounts, {messages} messages, epoch {epoch}, head {head}")?;
        if newest.as_micros() > 0 { write!(f, ", newest message {newest}") } else { Ok(()) }
    }
}

/// Adds the file's name to an error of the database.
pub(super) fn about(path: &Path, error: sqlx::Error) -> MaintenanceError {
    match error {
        sqlx::Error::Database(error) => {
            MaintenanceError::Unsound { path: path.to_owned(), reason: error.message().to_owned() }
        }
        other => other.into(),
    }
}

/// Checks every page of the database, and returns a summary of its contents.
pub(super) async fn examine(connection: &mut SqliteConnection, path: &Path) -> Result<Holding, MaintenanceError> {
    let unsound = |reason: String| MaintenanceError::Unsound { path: path.to_owned(), reason };
    let told = |error| about(path, error);
    let found: Vec<String> = query_scalar(CHECK).fetch_all(&mut *connection).await.map_err(told)?;
    if found != ["ok"] {
        return Err(unsound(found.join("; ")));
    }
    let row = query(HOLDING).fetch_optional(connection).await.map_err(told)?;
    let row = row.ok_or_else(|| unsound("no store was ever opened in it".to_owned()))?;
    let count = |i: usize| row.try_get::<i64, _>(i).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Holding {
        epoch: row.try_get(0)?,
        head: row.try_get(1)?,
        newest: Timestamp::from_micros(row.try_get(2)?),
        accounts: count(3)?,
        messages: count(4)?,
    })
}

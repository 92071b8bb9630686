//! What operators learn of statements that fail: how many, by kind.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

use crate::storage::StorageError;
use crate::telemetry::{DbFailure, metrics};

/// The codes of a full disk: of SQLite (`SQLITE_FULL`), and of PostgreSQL (`disk_full`).
const FULL: [&str; 2] = ["13", "53100"];

/// Carries out a statement, and counts it when the database fails.
pub(in crate::storage) async fn watched<T>(
    statement: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, StorageError> {
    let done = statement.await.map_err(StorageError::from);
    if let Some(kind) = done.as_ref().err().and_then(StorageError::failure) {
        metrics().store.failed(kind);
    }
    done
}

impl StorageError {
    /// Returns how the database itself has failed; `None` for refusals and for what is wrong with the request.
    #[must_use]
    pub fn failure(&self) -> Option<DbFailure> {
        match self {
            Self::TimedOut => Some(DbFailure::Timeout),
            Self::NotInPlace { .. } => Some(DbFailure::Lost),
            Self::Unreachable(_) => Some(DbFailure::Connection),
            Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => {
                Some(DbFailure::Full)
            }
            Self::Sqlite(_) => Some(DbFailure::Statement),
            Self::Database(error) => Some(kind_of(error)),
            _ => None,
        }
    }
}

fn kind_of(error: &DbErr) -> DbFailure {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => DbFailure::Timeout,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => match &**cause {
            sqlx::Error::PoolTimedOut => DbFailure::Timeout,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                DbFailure::Connection
            }
            sqlx::Error::Database(error) if error.code().is_some_and(|code| FULL.contains(&&*code)) => DbFailure::Full,
            _ => DbFailure::Statement,
        },
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => DbFailure::Connection,
        _ => DbFailure::Statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_of_the_database_have_a_kind() {
        assert_eq!(StorageError::TimedOut.failure(), Some(DbFailure::Timeout));
        assert_eq!(StorageError::Duplicate(String::new()).failure(), None);
        assert_eq!(StorageError::NewEpoch.failure(), None);
        let acquire = StorageError::from(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        assert_eq!(acquire.failure(), Some(DbFailure::Timeout));
        let io = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let gone = StorageError::from(DbErr::Query(RuntimeErr::SqlxError(io.into())));
        assert_eq!(gone.failure(), Some(DbFailure::Connection));
    }
}

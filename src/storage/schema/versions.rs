//! Which versions may use a PostgreSQL database that several servers share.
//!
//! Migrations that only add something may run under servers of the version before, which do not know them. One that
//! takes something away first raises the version that a server must have (`cluster.min_version`).

use sea_orm::{DatabaseBackend, DatabaseConnection, Statement};

use crate::storage::StorageError;
use crate::storage::engine::tx::Tx as _;
use crate::version::VERSION;

const HAS_CLUSTER: &str = "SELECT 1 WHERE to_regclass('cluster') IS NOT NULL";
const MIN_VERSION: &str = "SELECT min_version FROM cluster WHERE id = 1";

/// Returns whether one version is older than another: `major.minor.patch`, without what follows.
pub(in crate::storage) fn is_older(version: &str, than: &str) -> bool {
    numbers(version) < numbers(than)
}

fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['-', '+']).next().unwrap_or_default().split('.');
    [(); 3].map(|()| numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// Returns [`StorageError::TooOld`] when this version may no longer use a store with this `min_version`.
pub(in crate::storage) fn check(min_version: &str) -> Result<(), StorageError> {
    if is_older(VERSION, min_version) { Err(StorageError::TooOld(min_version.to_owned())) } else { Ok(()) }
}

/// Returns the version that a server must have; `None` on SQLite, and where the schema is older than that rule.
pub(in crate::storage) async fn min_version(db: &DatabaseConnection) -> Result<Option<String>, StorageError> {
    let backend = db.get_database_backend();
    if backend != DatabaseBackend::Postgres {
        return Ok(None);
    }
    if db.query_one(Statement::from_string(backend, HAS_CLUSTER)).await?.is_none() {
        return Ok(None);
    }
    db.query_one(Statement::from_string(backend, MIN_VERSION)).await?.map(|row| row.get(0)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (older, newer) in [("0.1.0", "0.2.0"), ("0.9.9", "0.10.0"), ("1.2.3-rc.1", "1.2.4"), ("", "0.0.1")] {
            assert!(is_older(older, newer) && !is_older(newer, older), "{older} {newer}");
        }
        assert!(!is_older("1.2.3", "1.2.3") && !is_older("1.2.3-rc.1", "1.2.3"));
    }
}

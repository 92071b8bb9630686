//! Leases: chores that one of several servers does at a time.
//!
//! By the database's clock and rows, not by a lock of the session: a pooler between would share sessions. A lease that
//! is held by two for a moment does no harm, since chores may be done twice.

use std::time::Duration;

use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Takes or prolongs the lease `$1` for the run `$2`, for `$3` microseconds; no row while another run holds it.
const TAKE: &str = "INSERT INTO leases (name, boot, until) \
     VALUES ($1, $2, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + $3) \
     ON CONFLICT (name) DO UPDATE SET boot = EXCLUDED.boot, until = EXCLUDED.until \
     WHERE leases.boot = EXCLUDED.boot OR leases.until < (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint \
     RETURNING boot";
const GIVE_BACK: &str = "DELETE FROM leases WHERE boot = $1";

impl Storage {
    /// Takes or prolongs a lease for so long. Returns whether this server holds it now; always on SQLite, which one
    /// server uses.
    pub async fn take_lease(&self, name: &str, length: Duration) -> Result<bool, StorageError> {
        let Some(db) = &self.journal else { return Ok(true) };
        let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 2);
        let values = [name.into(), self.boot.into(), micros.into()];
        Ok(db.query_one(self.statement(TAKE, values)).await?.is_some())
    }

    /// Gives all leases back, so that another server need not wait for their end.
    pub async fn give_leases_back(&self) -> Result<(), StorageError> {
        if let Some(db) = &self.journal {
            db.execute(self.statement(GIVE_BACK, [self.boot.into()])).await?;
        }
        Ok(())
    }
}

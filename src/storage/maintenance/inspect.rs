//! What an operator should know of a PostgreSQL before servers use it.

use std::time::{Duration, Instant};

use sea_orm::{DatabaseBackend, DatabaseConnection, Statement};

use crate::clock::Clock;
use crate::config::{Config, Store};
use crate::storage::StorageError;
use crate::storage::engine::connect;
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::tx::Tx as _;

/// Round trips of which the shortest counts.
const ROUND_TRIPS: usize = 5;

const FACTS: &str = "SELECT current_setting('server_version_num')::bigint, current_setting('max_connections')::bigint, \
     current_setting('superuser_reserved_connections')::bigint, current_setting('fsync') = 'on', \
     (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";
/// Whether texts were sorted by other rules when the database was made; PostgreSQL 15 and newer know.
const COLLATION: &str = "SELECT COALESCE(datcollversion <> pg_database_collation_actual_version(oid), FALSE) \
     FROM pg_database WHERE datname = current_database()";

/// The first version that has what this program uses.
const LEAST_VERSION: i64 = 150_000;

/// A PostgreSQL as it was found.
#[derive(Clone, Copy, Debug)]
pub struct PostgresFacts {
    /// As in `server_version_num`: 150018 is 15.18.
    pub version: i64,
    /// Connections of all clients at once, without those that are reserved for administrators.
    pub connections: i64,
    /// Connections that one server opens at most.
    pub connections_of_a_server: i64,
    /// Whether it waits for the disk.
    pub waits_for_disk: bool,
    /// Whether the rules by which texts are sorted have changed since the database was made.
    pub sorts_otherwise: bool,
    /// The shortest of a few round trips.
    pub round_trip: Duration,
    /// Microseconds by which its clock is ahead of this machine's.
    pub ahead_us: i64,
}

impl PostgresFacts {
    /// Returns whether it is too old.
    #[must_use]
    pub fn is_too_old(&self) -> bool {
        self.version < LEAST_VERSION
    }
}

/// Looks at the configured PostgreSQL; `None` for SQLite.
pub async fn inspect_postgres(config: &Config, clock: &Clock) -> Result<Option<PostgresFacts>, StorageError> {
    let store = config.store().map_err(|error| StorageError::Url(error.to_string()))?;
    let Store::Postgres(_) = store else { return Ok(None) };
    let db = connect::open(config, Purpose::Inspect).await?;
    let facts = look(&db, config, clock).await;
    db.close().await?;
    facts.map(Some)
}

async fn look(db: &DatabaseConnection, config: &Config, clock: &Clock) -> Result<PostgresFacts, StorageError> {
    let ask = async |sql: &str| {
        let row = db.query_one(Statement::from_string(DatabaseBackend::Postgres, sql)).await?;
        row.ok_or(StorageError::Corrupt("a query without a row"))
    };
    let mut round_trip = Duration::MAX;
    for _ in 0..ROUND_TRIPS {
        let asked = Instant::now();
        ask("SELECT 1").await?;
        round_trip = round_trip.min(asked.elapsed());
    }
    let (version, all, reserved, waits_for_disk, micros): (i64, i64, i64, bool, i64) = ask(FACTS).await?.read()?;
    let ahead_us = micros - clock.now().as_micros();
    let sorts_otherwise = version >= LEAST_VERSION && ask(COLLATION).await?.read::<(bool,)>()?.0;
    // Reads, writes of requests and one more for batches, and one each for retention, the journal, wake-ups.
    let of_a_server = config.database.max_connections.saturating_add(config.database.write_connections) + 4;
    Ok(PostgresFacts {
        version,
        connections: all - reserved,
        connections_of_a_server: of_a_server.into(),
        waits_for_disk,
        sorts_otherwise,
        round_trip,
        ahead_us,
    })
}

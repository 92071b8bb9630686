//! Figures of the store, for operators: its connections, and its size.

use sea_orm::{DatabaseBackend, DatabaseConnection};

use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

/// The connections of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolFigures {
    /// The pool.
    pub pool: Pool,
    /// Connections that are open.
    pub size: usize,
    /// Most that may be open.
    pub max: usize,
    /// Those of them that are in use.
    pub busy: usize,
}

impl Storage {
    /// Returns the figures of all pools. That of batches is one connection, and is none.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolFigures> {
        let pools = [
            (Pool::Requests, &self.request_writes),
            (Pool::Reads, &self.reads),
            (Pool::Cleanup, &self.cleanup),
            (Pool::Wakes, &self.wakes),
        ];
        pools.into_iter().map(|(pool, connections)| self.figures(pool, connections)).collect()
    }

    /// Returns the name of the engine.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self.backend() {
            DatabaseBackend::Postgres => "postgres",
            _ => "sqlite",
        }
    }

    /// Returns the size of a PostgreSQL database in bytes; `None` on SQLite, whose size is that of its files.
    pub async fn database_bytes(&self) -> Result<Option<u64>, StorageError> {
        if self.backend() != DatabaseBackend::Postgres {
            return Ok(None);
        }
        let sql = "SELECT pg_database_size(current_database())";
        let row = self.reads.query_one(self.statement(sql, [])).await?;
        let bytes: Option<i64> = row.map(|row| row.get(0)).transpose()?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }

    fn figures(&self, pool: Pool, connections: &DatabaseConnection) -> PoolFigures {
        let (size, idle, max) = if self.backend() == DatabaseBackend::Postgres {
            let pool = connections.get_postgres_connection_pool();
            (pool.size(), pool.num_idle(), pool.options().get_max_connections())
        } else {
            let pool = connections.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle(), pool.options().get_max_connections())
        };
        let [size, max] = [size, max].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        PoolFigures { pool, size, max, busy: size.saturating_sub(idle) }
    }
}

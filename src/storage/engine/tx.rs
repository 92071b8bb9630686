//! Transactions that write: those of batches on either engine, and those of requests.

use std::sync::Arc;
use std::time::Instant;

use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, ExecResult, QueryResult,
    Statement,
};
use tokio::sync::OwnedMutexGuard;

use crate::storage::StorageError;
use crate::storage::engine::bulk::Bulk;
use crate::storage::engine::postgres::batches::PostgresTransaction;
use crate::storage::engine::row::Row;
use crate::storage::engine::slow::SlowStatements;
use crate::storage::engine::sqlite::batches::{SqliteBatches, SqliteTransaction};
use crate::storage::engine::watched::watched;
use crate::storage::engine::write_health::WriteHealth;
use crate::telemetry::Pool;

/// The exclusive right to write to SQLite, which is granted in the order of the requests.
pub(in crate::storage) type WriteGuard = OwnedMutexGuard<SqliteBatches>;

/// A transaction on a connection of a pool.
pub(in crate::storage) struct PoolTransaction {
    inner: DatabaseTransaction,
    /// The health to which failures are recorded; `None` for retention.
    write_health: Option<Arc<WriteHealth>>,
    /// The right to write to SQLite. Dropped after the transaction, which must end before others may write.
    guard: Option<WriteGuard>,
    slow: Arc<SlowStatements>,
    pool: Pool,
}

impl PoolTransaction {
    pub(in crate::storage) fn new(
        inner: DatabaseTransaction,
        write_health: Option<Arc<WriteHealth>>,
        guard: Option<WriteGuard>,
        (slow, pool): (Arc<SlowStatements>, Pool),
    ) -> Self {
        Self { inner, write_health, guard, slow, pool }
    }

    /// Commits, and checks that a restart will find the store that was committed to.
    pub(in crate::storage) async fn commit(self) -> Result<(), StorageError> {
        let Self { inner, write_health, guard, slow, pool } = self;
        let started = Instant::now();
        let committed = inner.commit().await.map_err(StorageError::from);
        slow.note(pool, "COMMIT", started.elapsed());
        let committed = committed.and_then(|()| guard.as_deref().map_or(Ok(()), SqliteBatches::check_files));
        if let Some(write_health) = write_health {
            write_health.record(committed.as_ref());
        }
        committed
    }

    /// Records whether a statement failed, and returns its result.
    fn recorded<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        if let (Err(error), Some(write_health)) = (&done, &self.write_health) {
            write_health.record_error(error);
        }
        done
    }

    pub(in crate::storage) async fn rollback(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }
}

#[sea_orm::prelude::async_trait::async_trait]
impl ConnectionTrait for PoolTransaction {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.recorded(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.recorded(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.recorded(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.recorded(self.inner.query_all_raw(statement).await)
    }
}

/// The transaction of a batch.
pub(in crate::storage) enum Transaction {
    /// On PostgreSQL.
    Postgres(PostgresTransaction),
    /// On SQLite.
    Sqlite(SqliteTransaction),
}

impl Transaction {
    pub(in crate::storage) async fn commit(self) -> Result<(), StorageError> {
        match self {
            Self::Postgres(tx) => tx.commit().await,
            Self::Sqlite(tx) => tx.commit(),
        }
    }

    /// Carries out `last`, a statement without parameters, and commits; on PostgreSQL in one round trip.
    pub(in crate::storage) async fn commit_with(self, last: &str) -> Result<(), StorageError> {
        match self {
            Self::Postgres(tx) => tx.commit_with(last).await,
            Self::Sqlite(tx) => {
                tx.execute(&Statement::from_string(DatabaseBackend::Sqlite, last))?;
                tx.commit()
            }
        }
    }

    pub(in crate::storage) async fn rollback(self) -> Result<(), StorageError> {
        match self {
            Self::Postgres(tx) => tx.rollback().await,
            Self::Sqlite(tx) => tx.rollback(),
        }
    }

    /// Carries out `sql` for all rows of `list`, which its `{rows}`, after a `WITH`, stands for: the table `v` with the
    /// columns `column1` and so on. On PostgreSQL that is one round trip; on SQLite, where there are none, one prepared
    /// statement that is repeated for each row. So `sql` must not combine rows with each other.
    pub(in crate::storage) async fn query_each<const N: usize>(
        &self,
        sql: &str,
        list: &Bulk<'_, N>,
    ) -> Result<Vec<Row>, StorageError> {
        if list.rows().is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Postgres(tx) => tx.query_with(list.with_arrays(sql), list).await,
            Self::Sqlite(tx) => tx.query_each(&Bulk::<N>::with_one_row(sql), list),
        }
    }
}

/// Carries out statements, in a transaction or on a connection of a pool.
pub(in crate::storage) trait Tx {
    /// Carries out a statement and returns how many rows it changed.
    async fn execute(&self, statement: Statement) -> Result<u64, StorageError>;

    /// Carries out a statement and returns its rows.
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, StorageError>;

    /// Carries out a statement and returns its first row.
    async fn query_one(&self, statement: Statement) -> Result<Option<Row>, StorageError> {
        Ok(self.query(statement).await?.into_iter().next())
    }
}

impl Tx for Transaction {
    async fn execute(&self, statement: Statement) -> Result<u64, StorageError> {
        match self {
            Self::Postgres(tx) => tx.execute(statement).await,
            Self::Sqlite(tx) => tx.execute(&statement),
        }
    }

    async fn query(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        match self {
            Self::Postgres(tx) => tx.query(statement).await,
            Self::Sqlite(tx) => tx.query(&statement),
        }
    }
}

macro_rules! pooled {
    ($($type:ty),+) => {$(
        impl Tx for $type {
            async fn execute(&self, statement: Statement) -> Result<u64, StorageError> {
                Ok(watched(self.execute_raw(statement)).await?.rows_affected())
            }

            async fn query(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
                Ok(watched(self.query_all_raw(statement)).await?.into_iter().map(Row::Pool).collect())
            }

            async fn query_one(&self, statement: Statement) -> Result<Option<Row>, StorageError> {
                Ok(watched(self.query_one_raw(statement)).await?.map(Row::Pool))
            }
        }
    )+};
}

pooled!(PoolTransaction, DatabaseConnection);

/// Carries out SQL without parameters that is used too seldom to be kept prepared, or cannot be prepared.
pub(in crate::storage) async fn run_unprepared(db: &impl ConnectionTrait, sql: &str) -> Result<(), StorageError> {
    db.execute_unprepared(sql).await?;
    Ok(())
}

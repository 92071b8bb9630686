//! Begin of transactions, and statements for the engine in use.

use std::sync::Arc;
use std::time::Instant;

use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, EntityTrait, Select, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use tokio::sync::Mutex;

use crate::storage::engine::postgres::batches::{PostgresBatches, PostgresTransaction};
use crate::storage::engine::sqlite::batches::{SqliteBatches, SqliteTransaction};
use crate::storage::engine::tx::{PoolTransaction, Transaction, WriteGuard};
use crate::storage::engine::watched::watched;
use crate::storage::engine::write_health::WriteHealth;
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Level, Pool, metrics};

/// The connection on which batches are written.
pub(in crate::storage) enum Batches {
    /// On SQLite. Holding the lock is the right to write.
    Sqlite(Arc<Mutex<SqliteBatches>>),
    /// On PostgreSQL.
    Postgres(Arc<Mutex<PostgresBatches>>),
}

impl Storage {
    /// Begins a transaction that may write. On SQLite it takes the write lock at once, so that it cannot fail half-way
    /// because another one wrote first (<https://sqlite.org/lang_transaction.html>).
    pub(in crate::storage) async fn begin(&self) -> Result<PoolTransaction, StorageError> {
        let begun = self.begin_on((Pool::Requests, &self.request_writes), Some(self.write_health.clone())).await;
        if let Err(error) = &begun {
            self.write_health.record(Err(error));
        }
        begun
    }

    /// As [`begin`](Self::begin), on the connection for retention.
    pub(in crate::storage) async fn begin_cleanup(&self) -> Result<PoolTransaction, StorageError> {
        let tx = self.begin_on((Pool::Cleanup, &self.cleanup), None).await?;
        if self.backend() == DatabaseBackend::Postgres {
            // The row that the writer's transactions lock first, so that the two never deadlock. It changes, so that a
            // batch that has foreseen it, and has read what is cleared away, is carried out again.
            tx.execute_unprepared("UPDATE store SET clock = clock + 1 WHERE id = 1").await?;
        }
        Ok(tx)
    }

    /// Begins the transaction of a batch. On PostgreSQL it is given its connection, and begins with the statement that
    /// locks the row of `store`.
    pub(in crate::storage) async fn begin_batch(&self) -> Result<Transaction, StorageError> {
        let (started, waiting) = (Instant::now(), metrics().store.waiting(Pool::Batches).map(Level::hold));
        let begun = match &self.batches {
            Batches::Sqlite(batches) => {
                Transaction::Sqlite(SqliteTransaction::begin(self.lock_batches(batches).await?)?)
            }
            Batches::Postgres(batches) => Transaction::Postgres(PostgresTransaction::on(batches.clone()).await?),
        };
        drop(waiting);
        metrics().store.acquired(Pool::Batches, started.elapsed());
        Ok(begun)
    }

    pub(in crate::storage) async fn begin_on(
        &self,
        (pool, db): (Pool, &DatabaseConnection),
        write_health: Option<Arc<WriteHealth>>,
    ) -> Result<PoolTransaction, StorageError> {
        let (started, waiting) = (Instant::now(), metrics().store.waiting(pool).map(Level::hold));
        let guard = self.write_guard().await?;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let free = Instant::now();
        let tx = watched(db.begin_with_options(options)).await?;
        drop(waiting);
        self.slow.note(pool, "BEGIN", free.elapsed());
        metrics().store.acquired(pool, started.elapsed());
        Ok(PoolTransaction::new(tx, write_health, guard, (self.slow.clone(), pool)))
    }

    /// Waits for the right to write to SQLite, in the order of the requests; `None` on PostgreSQL, where several may
    /// write.
    pub(in crate::storage) async fn write_guard(&self) -> Result<Option<WriteGuard>, StorageError> {
        match &self.batches {
            Batches::Sqlite(batches) => self.lock_batches(batches).await.map(Some),
            Batches::Postgres(_) => Ok(None),
        }
    }

    pub(in crate::storage) async fn lock_batches(
        &self,
        batches: &Arc<Mutex<SqliteBatches>>,
    ) -> Result<WriteGuard, StorageError> {
        let guard = tokio::time::timeout(self.wait, batches.clone().lock_owned()).await;
        let guard = guard.map_err(|_| StorageError::TimedOut)?;
        guard.check_files()?;
        Ok(guard)
    }

    /// Makes a statement. Its text should be constant, so that its plan is cached.
    pub(in crate::storage) fn statement(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> sea_orm::Statement {
        sea_orm::Statement::from_sql_and_values(self.backend(), sql.into(), values)
    }

    pub(in crate::storage) fn backend(&self) -> DatabaseBackend {
        self.request_writes.get_database_backend()
    }
}

/// Returns the row with a unique key, if there is one. SeaORM's `one` is not used: its `LIMIT` is a parameter, and
/// SQLite compiles such a statement anew for each use.
pub(in crate::storage) async fn unique<E: EntityTrait>(
    query: Select<E>,
    db: &impl ConnectionTrait,
) -> Result<Option<E::Model>, DbErr> {
    Ok(query.all(db).await?.pop())
}

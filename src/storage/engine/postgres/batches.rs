//! The PostgreSQL connection on which batches are written: one connection of the pool, kept between batches.
//!
//! A pool pings a connection whenever it is released, and hands out another one the next time. For batches that would
//! add half as many round trips again, and alternate between several of PostgreSQL's processes.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{DbErr, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe, Connection as _, Encode, Executor as _, PgPool, Postgres, Type};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::storage::StorageError;
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::postgres::connect::TEST_AFTER_IDLE;
use crate::storage::engine::row::Row;
use crate::storage::engine::slow::SlowStatements;

/// Longest wait for the ping of a connection that has idled.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// The pool, and its connection between two batches.
pub(in crate::storage) struct PostgresBatches {
    pool: PgPool,
    idle: Option<(PoolConnection<Postgres>, Instant)>,
    slow: Arc<SlowStatements>,
}

impl PostgresBatches {
    pub(in crate::storage) fn new(pool: PgPool, slow: Arc<SlowStatements>) -> Self {
        Self { pool, idle: None, slow }
    }

    /// Returns the kept connection, or a new one when it has idled and no longer responds.
    async fn take(&mut self) -> Result<PoolConnection<Postgres>, StorageError> {
        if let Some((mut connection, since)) = self.idle.take() {
            if since.elapsed() < TEST_AFTER_IDLE {
                return Ok(connection);
            }
            if matches!(tokio::time::timeout(ANSWER_TIMEOUT, connection.ping()).await, Ok(Ok(()))) {
                return Ok(connection);
            }
            connection.close_on_drop();
        }
        self.pool.acquire().await.map_err(failed)
    }

    /// Gives the connection back to its pool.
    pub(in crate::storage) fn close(&mut self) {
        self.idle = None;
    }
}

/// A transaction on that connection, which begins with [`begin_with`](Self::begin_with); before, each statement stands
/// for itself, and nothing is left to commit. Dropped, it is rolled back, and the connection closed.
pub(in crate::storage) struct PostgresTransaction {
    batches: OwnedMutexGuard<PostgresBatches>,
    /// Never contended; the mutex only makes the type `Sync`. Empty after the end of the transaction.
    connection: Mutex<Option<PoolConnection<Postgres>>>,
    /// Whether there is something to commit or to roll back.
    has_begun: AtomicBool,
}

impl PostgresTransaction {
    pub(in crate::storage) async fn on(batches: Arc<Mutex<PostgresBatches>>) -> Result<Self, StorageError> {
        let mut batches = batches.lock_owned().await;
        let connection = batches.take().await?;
        Ok(Self { batches, connection: Mutex::new(Some(connection)), has_begun: AtomicBool::new(false) })
    }

    /// Begins, and carries out `first`, a statement without parameters, all in one message. Returns its row.
    pub(in crate::storage) async fn begin_with(&self, first: &str) -> Result<Option<Row>, StorageError> {
        self.has_begun.store(true, Ordering::Relaxed);
        let sql: Arc<str> = format!("BEGIN; {first}").into();
        let _timed = self.batches.slow.time_of_batch(&sql);
        let mut connection = self.connection.lock().await;
        let found = connection.as_mut().ok_or_else(gone)?.fetch_all(AssertSqlSafe(sql.clone())).await;
        Ok(rows(found)?.pop())
    }

    pub(in crate::storage) async fn commit(self) -> Result<(), StorageError> {
        self.end("COMMIT".to_owned()).await
    }

    /// Carries out `last`, a statement without parameters, and commits, all in one message. Only for a transaction that
    /// has begun.
    pub(in crate::storage) async fn commit_with(self, last: &str) -> Result<(), StorageError> {
        self.end(format!("{last}; COMMIT")).await
    }

    pub(in crate::storage) async fn rollback(self) -> Result<(), StorageError> {
        self.end("ROLLBACK".to_owned()).await
    }

    async fn end(mut self, how: String) -> Result<(), StorageError> {
        if *self.has_begun.get_mut() {
            self.order(how).await?;
        }
        self.batches.idle = self.connection.get_mut().take().map(|connection| (connection, Instant::now()));
        Ok(())
    }

    async fn order(&self, sql: String) -> Result<(), StorageError> {
        let sql: Arc<str> = sql.into();
        let _timed = self.batches.slow.time_of_batch(&sql);
        let mut connection = self.connection.lock().await;
        connection.as_mut().ok_or_else(gone)?.execute(AssertSqlSafe(sql.clone())).await.map_err(failed)?;
        Ok(())
    }

    /// Carries out a statement and returns how many rows it changed.
    pub(in crate::storage) async fn execute(&self, statement: Statement) -> Result<u64, StorageError> {
        let sql: Arc<str> = statement.sql.into();
        let _timed = self.batches.slow.time_of_batch(&sql);
        let mut connection = self.connection.lock().await;
        let query = sqlx::query_with(AssertSqlSafe(sql.clone()), values(statement.values));
        let done = query.execute(&mut **connection.as_mut().ok_or_else(gone)?).await;
        Ok(done.map_err(failed)?.rows_affected())
    }

    pub(in crate::storage) async fn query(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        let sql: Arc<str> = statement.sql.into();
        let _timed = self.batches.slow.time_of_batch(&sql);
        let mut connection = self.connection.lock().await;
        let query = sqlx::query_with(AssertSqlSafe(sql.clone()), values(statement.values));
        rows(query.fetch_all(&mut **connection.as_mut().ok_or_else(gone)?).await)
    }

    /// As [`query`](Self::query), with each column of `list` as one array parameter, `$1` and so on. Cells are copied
    /// only once, into the buffer that is sent. Does nothing when `list` is empty, since an empty array has no type.
    pub(in crate::storage) async fn query_with<const N: usize>(
        &self,
        sql: String,
        list: &Bulk<'_, N>,
    ) -> Result<Vec<Row>, StorageError> {
        if list.rows().is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = PgArguments::default();
        for column in 0..N {
            add(&mut arguments, list, column).map_err(|error| failed(sqlx::Error::Encode(error)))?;
        }
        self.query_arguments(sql, arguments).await
    }

    /// As [`query`](Self::query), with parameters that are in the form in which they are sent.
    pub(in crate::storage) async fn query_arguments(
        &self,
        sql: String,
        arguments: PgArguments,
    ) -> Result<Vec<Row>, StorageError> {
        let sql: Arc<str> = sql.into();
        let _timed = self.batches.slow.time_of_batch(&sql);
        let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments);
        let mut connection = self.connection.lock().await;
        rows(query.fetch_all(&mut **connection.as_mut().ok_or_else(gone)?).await)
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        // Neither committed nor rolled back: perhaps in the middle of a statement or of its result.
        if let Some(connection) = self.connection.get_mut() {
            connection.close_on_drop();
        }
    }
}

fn values(values: Option<Values>) -> SqlxValues {
    SqlxValues(values.unwrap_or_else(|| Values(Vec::new())))
}

fn rows(found: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<Row>, StorageError> {
    Ok(found.map_err(failed)?.into_iter().map(|row| Row::Pool(row.into())).collect())
}

/// Adds a column as an array.
fn add<const N: usize>(
    arguments: &mut PgArguments,
    list: &Bulk<'_, N>,
    column: usize,
) -> Result<(), sqlx::error::BoxDynError> {
    let cells = || list.rows().iter().filter_map(move |row| row.get(column));
    match cells().next() {
        None => Ok(()),
        Some(Cell::Int(_)) => array(arguments, cells(), |cell| if let Cell::Int(it) = cell { Some(*it) } else { None }),
        Some(Cell::BigInt(_)) => {
            array(arguments, cells(), |cell| if let Cell::BigInt(it) = cell { Some(*it) } else { None })
        }
        Some(Cell::Text(_)) => {
            array(arguments, cells(), |cell| if let Cell::Text(it) = cell { Some(*it) } else { None })
        }
        Some(Cell::Bytes(_)) => {
            array(arguments, cells(), |cell| if let Cell::Bytes(it) = cell { Some(*it) } else { None })
        }
    }
}

fn array<'c, 'a: 'c, T>(
    arguments: &mut PgArguments,
    cells: impl Iterator<Item = &'c Cell<'a>>,
    part: impl Fn(&'c Cell<'a>) -> Option<T>,
) -> Result<(), sqlx::error::BoxDynError>
where
    for<'q> Vec<T>: Encode<'q, Postgres> + Type<Postgres>,
{
    arguments.add(cells.filter_map(part).collect::<Vec<T>>())
}

pub(in crate::storage) fn failed(error: sqlx::Error) -> StorageError {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))).into()
}

fn gone() -> StorageError {
    failed(sqlx::Error::Io(ErrorKind::NotConnected.into()))
}

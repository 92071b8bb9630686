//! Transactions that write: a batch's, in either way, and everybody else's.

use std::sync::Arc;

use rusqlite::types::{FromSql, Value as Stored};
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseTransaction, DbErr, ExecResult, QueryResult, Statement, TryGetable,
};
use tokio::sync::OwnedMutexGuard;

use crate::storage::StorageError;
use crate::storage::engine::postgres::batches::PostgresTransaction;
use crate::storage::engine::sqlite::batches::{SqliteBatches, SqliteTransaction, read};
use crate::storage::engine::write_health::WriteHealth;

/// The right to write to SQLite.
pub(in crate::storage) type WriteGuard = OwnedMutexGuard<SqliteBatches>;

/// A transaction in SeaORM's pool.
pub(in crate::storage) struct PoolTransaction {
    inner: DatabaseTransaction,
    /// Told of what fails. What clears away tells nobody.
    failing: Option<Arc<WriteHealth>>,
    /// On SQLite. After the transaction, which ends before others may write.
    turn: Option<WriteGuard>,
}

impl PoolTransaction {
    pub(in crate::storage) fn new(
        inner: DatabaseTransaction,
        failing: Option<Arc<WriteHealth>>,
        turn: Option<WriteGuard>,
    ) -> Self {
        Self { inner, failing, turn }
    }

    /// Succeeds when it is committed to the store that a restart will find.
    pub(in crate::storage) async fn commit(self) -> Result<(), StorageError> {
        let Self { inner, failing, turn } = self;
        let committed = inner.commit().await.map_err(StorageError::from);
        let committed = committed.and_then(|()| turn.as_deref().map_or(Ok(()), SqliteBatches::check_files));
        if let Some(failing) = failing {
            failing.note(committed.as_ref());
        }
        committed
    }

    /// LoginMarks what has failed.
    fn noted<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        if let (Err(error), Some(failing)) = (&done, &self.failing) {
            failing.note_error(error);
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
        self.noted(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.noted(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noted(self.inner.query_all_raw(statement).await)
    }
}

/// A transaction in which a batch is carried out.
pub(in crate::storage) enum Transaction {
    /// On PostgreSQL.
    Postgres(PostgresTransaction),
    /// On SQLite.
    Sqlite(SqliteTransaction),
}

/// A row that was read in a batch's transaction.
pub(in crate::storage) enum Row {
    Pool(QueryResult),
    Sqlite(Vec<Stored>),
}

impl Row {
    pub(in crate::storage) fn get<T: TryGetable + FromSql>(&self, index: usize) -> Result<T, StorageError> {
        match self {
            Self::Pool(row) => Ok(row.try_get_by_index(index)?),
            Self::Sqlite(row) => read(row.get(index).ok_or(StorageError::Corrupt("a row has too few columns"))?),
        }
    }
}

impl Transaction {
    pub(in crate::storage) async fn commit(self) -> Result<(), StorageError> {
        match self {
            Self::Postgres(tx) => tx.commit().await,
            Self::Sqlite(tx) => tx.commit(),
        }
    }

    pub(in crate::storage) async fn rollback(self) -> Result<(), StorageError> {
        match self {
            Self::Postgres(tx) => tx.rollback().await,
            Self::Sqlite(tx) => tx.rollback(),
        }
    }

    /// Answers how many rows were changed.
    pub(in crate::storage) async fn execute(&self, statement: Statement) -> Result<u64, StorageError> {
        match self {
            Self::Postgres(tx) => tx.execute(statement).await,
            Self::Sqlite(tx) => tx.execute(&statement),
        }
    }

    pub(in crate::storage) async fn query(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        Ok(match self {
            Self::Postgres(tx) => tx.query(statement).await?.into_iter().map(Row::Pool).collect(),
            Self::Sqlite(tx) => tx.query(&statement)?.into_iter().map(Row::Sqlite).collect(),
        })
    }

    pub(in crate::storage) async fn query_one(&self, statement: Statement) -> Result<Option<Row>, StorageError> {
        Ok(self.query(statement).await?.into_iter().next())
    }
}

/// Something that carries out statements in a transaction.
pub(in crate::storage) trait Statements {
    async fn run(&self, statement: Statement) -> Result<u64, StorageError>;
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>, StorageError>;
}

impl Statements for Transaction {
    async fn run(&self, statement: Statement) -> Result<u64, StorageError> {
        self.execute(statement).await
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        self.query(statement).await
    }
}

impl Statements for PoolTransaction {
    async fn run(&self, statement: Statement) -> Result<u64, StorageError> {
        Ok(self.execute_raw(statement).await?.rows_affected())
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<Row>, StorageError> {
        Ok(self.query_all_raw(statement).await?.into_iter().map(Row::Pool).collect())
    }
}

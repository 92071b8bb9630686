//! The store: the only place that knows SeaORM. Queries by topic, answering in domain types.
//!
//! On SQLite batches are written on a connection of the writer's own (`own`); requests write on another, what is over is
//! cleared away on a third, all in turn, and a few connections read (WAL). PostgreSQL has a pool for each, and batches a
//! connection to themselves (`lent`).
//!
//! A SQLite store takes one process at a time, so its `store.head` moves only by this process; see `lock`.

mod accounts;
mod ahead;
mod apply;
mod bodies;
mod checkpoints;
mod connect;
mod conversations;
mod copy;
mod devices;
mod entity;
mod error;
mod events;
mod facts;
mod failing;
mod foreign;
mod history;
mod janitor;
mod large_page;
mod lent;
mod list;
mod lock;
mod logins;
mod maintenance;
mod migrate;
mod names;
mod notes;
mod opening;
mod over;
mod own;
mod packed;
mod place;
#[cfg(test)]
mod plans;
mod recovery;
mod replay;
mod rotation;
mod rows;
#[cfg(feature = "testing")]
pub mod scratch;
mod search;
#[cfg(feature = "testing")]
mod seed;
mod servers;
mod sessions;
mod tickets;
mod transaction;
mod users;
mod walk;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, EntityTrait, Select, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};

use tokio::sync::{Mutex, Semaphore};

use crate::clock;
use crate::config::{Config, Store};

use facts::Facts;
use failing::Failing;
use lent::{Lent, LentTransaction};
use lock::StoreLock;
use notes::Notes;
use own::{Own, OwnTransaction};
use place::{Place, SharedPlace};
use transaction::{PoolTransaction, Transaction, Turn};

pub use accounts::{Credentials, Profile};
pub use apply::Applied;
pub use conversations::{Overview, Relation};
pub use copy::{Copied, CopyError, CopyStep, End, copy};
pub use devices::Dialect;
pub use error::StorageError;
pub use history::Before;
pub use janitor::{BATCH, Cleared};
pub use logins::{NewLogin, NewRefreshToken};
pub use maintenance::{Holding, MaintenanceError, backup, restore};
pub use migrate::MigrationState;
pub use names::{OddName, odd_names};
pub use over::Expired;
pub use place::Lost;
pub use replay::{Page, PageLimit, Position, Replay};
pub use rotation::Rotation;
pub use rows::PAGE_BYTES;
pub use search::UserPage;
#[cfg(feature = "testing")]
pub use seed::{SeedMessages, SeedUsers};
pub use servers::named;
pub use sessions::{LoginSession, Which};

/// Longest time for closing all connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where batches are written.
enum Batches {
    /// On SQLite: who has it has the right to write.
    Own(Arc<Mutex<Own>>),
    /// On PostgreSQL.
    Lent(Arc<Mutex<Lent>>),
}

/// The store. Cheap to share behind an `Arc`.
pub struct Storage {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    batches: Batches,
    /// Clears away what is over, beside the writer.
    janitor: DatabaseConnection,
    facts: Mutex<Facts>,
    notes: Notes,
    failing: Arc<Failing>,
    /// On SQLite: the files that are open.
    place: Arc<SharedPlace>,
    /// Something was destroyed that may still be in the write-ahead log.
    destroyed: AtomicBool,
    /// Searches that go on and on: they must not take all the readers.
    long_searches: Semaphore,
    /// Held by the one page that is read in several steps.
    large_pages: Semaphore,
    /// Nor must those who come back after a restart.
    replays: Semaphore,
    /// Longest wait for a connection, a turn to write or a turn for a long search.
    wait: Duration,
    /// On SQLite.
    lock: Option<StoreLock>,
}

impl Storage {
    /// Whether a restart would find what is written now: [`StorageError::NotInPlace`] when the files of a SQLite store
    /// were taken away from under it.
    pub async fn check_place(&self) -> Result<(), StorageError> {
        if self.place.get().is_none_or(|place| place.lost().is_none()) {
            return Ok(());
        }
        // With the right to write, so that what can be saved is saved.
        self.turn().await.map(drop)
    }

    /// Whether requests could write the last time that one tried.
    #[must_use]
    pub fn requests_can_write(&self) -> bool {
        !self.failing.is_set()
    }

    /// Whether the database answers a reader, and is where a restart would look for it.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.place.get().map_or(Ok(()), Place::check)?;
        self.reader.query_one_raw(self.statement("SELECT 1", [])).await?;
        Ok(())
    }

    /// Closes all connections; on SQLite the log is folded into the database file. Gives up on a database that does not
    /// answer.
    pub async fn close(&self) -> Result<(), StorageError> {
        if let Some(place) = self.place.get()
            && place.lost().is_some_and(|how| how != Lost::Log)
        {
            self.abandon().await;
            return place.check();
        }
        let closing = async {
            self.reader.close_by_ref().await?;
            self.janitor.close_by_ref().await?;
            match &self.batches {
                Batches::Own(own) => own.lock().await.close(),
                Batches::Lent(lent) => lent.lock().await.close(),
            }
            Ok(self.writer.close_by_ref().await?)
        };
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, closing).await.unwrap_or(Err(StorageError::TimedOut));
        if let Some(lock) = self.lock.as_ref().filter(|_| closed.is_ok()) {
            lock.release();
        }
        closed
    }

    /// Leaves all connections open until the process ends. Closing the last one would write our log into a database
    /// that is not ours, or remove one that is not ours.
    async fn abandon(&self) {
        for pool in [&self.writer, &self.reader, &self.janitor] {
            std::mem::forget(pool.clone());
        }
        if let Batches::Own(own) = &self.batches {
            own.lock().await.abandon();
        }
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }

    /// A transaction that may write. On SQLite it takes the write lock at once, so that it cannot fail half-way because
    /// another wrote first (<https://sqlite.org/lang_transaction.html>).
    async fn begin(&self) -> Result<PoolTransaction, StorageError> {
        let begun = self.begin_on(&self.writer, Some(self.failing.clone())).await;
        if let Err(error) = &begun {
            self.failing.note(Err(error));
        }
        begun
    }

    /// As [`begin`](Self::begin), beside the writer.
    async fn begin_cleaning(&self) -> Result<PoolTransaction, StorageError> {
        let tx = self.begin_on(&self.janitor, None).await?;
        if self.backend() == DatabaseBackend::Postgres {
            // What the writer's transactions lock first, so that the two never wait for each other.
            tx.execute_unprepared("SELECT head FROM store WHERE id = 1 FOR UPDATE").await?;
        }
        Ok(tx)
    }

    /// The transaction of a batch.
    async fn begin_batch(&self) -> Result<Transaction, StorageError> {
        Ok(match &self.batches {
            Batches::Own(own) => Transaction::Own(OwnTransaction::begin(self.turn_of(own).await?)?),
            Batches::Lent(lent) => Transaction::Lent(LentTransaction::begin(lent.clone()).await?),
        })
    }

    async fn begin_on(
        &self,
        db: &DatabaseConnection,
        failing: Option<Arc<Failing>>,
    ) -> Result<PoolTransaction, StorageError> {
        let turn = self.turn().await?;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(PoolTransaction::new(db.begin_with_options(options).await?, failing, turn))
    }

    /// The right to write to SQLite, in the order in which it was asked for; nothing where several may write.
    async fn turn(&self) -> Result<Option<Turn>, StorageError> {
        match &self.batches {
            Batches::Own(own) => self.turn_of(own).await.map(Some),
            Batches::Lent(_) => Ok(None),
        }
    }

    async fn turn_of(&self, own: &Arc<Mutex<Own>>) -> Result<Turn, StorageError> {
        let turn = tokio::time::timeout(self.wait, own.clone().lock_owned()).await;
        let turn = turn.map_err(|_| StorageError::TimedOut)?;
        turn.check_place()?;
        Ok(turn)
    }

    /// A statement with constant text, so that its plan is cached.
    fn statement(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> sea_orm::Statement {
        sea_orm::Statement::from_sql_and_values(self.backend(), sql.into(), values)
    }

    fn backend(&self) -> DatabaseBackend {
        self.writer.get_database_backend()
    }

    async fn ensure_store_row(&self) -> Result<(), StorageError> {
        let epoch = new_epoch()?;
        let sql = "INSERT INTO store (id, epoch, head, clock) VALUES (1, $1, 0, 0) ON CONFLICT (id) DO NOTHING";
        self.writer.execute_raw(self.statement(sql, [epoch.into()])).await?;
        Ok(())
    }
}

/// The row with a unique key, if there is one. Not by `one`: its `LIMIT` is a parameter, and SQLite compiles such a statement again
/// each time it is used.
async fn unique<E: EntityTrait>(query: Select<E>, db: &impl ConnectionTrait) -> Result<Option<E::Model>, DbErr> {
    Ok(query.all(db).await?.pop())
}

/// The database that is configured.
fn store(config: &Config) -> Result<Store, StorageError> {
    config.store().map_err(|error| StorageError::Url(error.to_string()))
}

/// A name for a history that no other has.
fn new_epoch() -> Result<String, StorageError> {
    Ok(clock::random_token()?.chars().take(8).collect())
}

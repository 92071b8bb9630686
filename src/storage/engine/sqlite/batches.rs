//! The SQLite connection on which batches are written, used directly by the writer's thread.
//!
//! SeaORM's driver runs each connection on a thread of its own, and each statement goes there and back. That suits
//! requests, which must not block; the writer has a dedicated thread that may block, and many short statements. So it
//! calls SQLite itself, and repeats one prepared statement for each row.
//!
//! All other transactions that write take the same lock first ([`Storage::write_guard`](crate::storage::Storage)):
//! SQLite has one writer at a time, and this lock has a fair queue, while SQLite's own lock is polled.

mod binding;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{CachedStatement, Connection, Rows, ToSql, params_from_iter};
use sea_orm::Statement;
use tokio::sync::OwnedMutexGuard;

use binding::bind;

use crate::storage::StorageError;
use crate::storage::engine::bulk::Bulk;
use crate::storage::engine::error::Lost;
use crate::storage::engine::row::Row;
use crate::storage::engine::slow::SlowStatements;
use crate::storage::engine::sqlite::checkpoints::Checkpoints;
use crate::storage::engine::sqlite::connect::{BUSY_TIMEOUT, Pragmas};
use crate::storage::engine::sqlite::open_files::SharedFiles;

/// Most statements that are kept prepared: more than batches use.
const STATEMENTS: usize = 64;

/// Page cache during [`SqliteTransaction::try_room`].
const ROOM_CACHE_PAGES: i64 = 16;

/// The path and settings of the connection, and the connection while it is open.
pub(in crate::storage) struct SqliteBatches {
    path: PathBuf,
    pragmas: Pragmas,
    files: Arc<SharedFiles>,
    slow: Arc<SlowStatements>,
    /// Never contended; the mutex only makes the type `Sync`.
    open: Mutex<Option<Open>>,
}

struct Open {
    connection: Connection,
    checkpoints: Checkpoints,
}

impl SqliteBatches {
    pub(in crate::storage) fn new(path: PathBuf, pragmas: Pragmas, slow: Arc<SlowStatements>) -> Self {
        Self { path, pragmas, files: Arc::default(), slow, open: Mutex::new(None) }
    }

    /// Returns the files of the open store.
    pub(in crate::storage) fn files(&self) -> &Arc<SharedFiles> {
        &self.files
    }

    /// Returns [`StorageError::NotInPlace`] when a restart would not find what is written here.
    pub(in crate::storage) fn check_files(&self) -> Result<(), StorageError> {
        let Some(place) = self.files.get() else { return Ok(()) };
        place.check().inspect_err(|error| {
            if let StorageError::NotInPlace { how, .. } = error {
                self.give_up(*how);
            }
        })
    }

    /// Gives up a store that is no longer at its path, once: saves what can be saved of it.
    fn give_up(&self, how: Lost) {
        // A file that was moved away may come back unchanged.
        let Some(place) = self.files.get().filter(|place| how != Lost::Removed && place.give_up()) else { return };
        // Confirmed writes are in the log. They are moved into the database that the log belongs to, wherever it is
        // now.
        let is_folded = how != Lost::Overwritten && self.open().as_ref().is_some_and(Open::fold_log);
        if how == Lost::Overwritten || how == Lost::Replaced && is_folded {
            place.remove_log();
        }
    }

    /// Leaves the connection open until the process ends: closing it would write to files of another database.
    pub(in crate::storage) fn abandon(&self) {
        std::mem::forget(self.open().take());
    }

    /// Opens a connection with the settings of a writing one.
    pub(in crate::storage) fn connection(&self) -> Result<Connection, StorageError> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        for (name, value) in &self.pragmas {
            connection.pragma_update(None, name, value)?;
        }
        Ok(connection)
    }

    fn connect(&self) -> Result<Open, StorageError> {
        let connection = self.connection()?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let checkpoints = Checkpoints::start(&connection, self.connection()?, self.files.clone())?;
        Ok(Open { connection, checkpoints })
    }

    /// Opens the connection, unless it is open.
    pub(in crate::storage) fn ensure_open(&self) -> Result<(), StorageError> {
        if self.open().is_none() {
            let fresh = self.connect()?;
            *self.open() = Some(fresh);
        }
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        // A transaction that a panic has left open is rolled back by the next one.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection; the next transaction opens a new one.
    pub(in crate::storage) fn close(&self) {
        *self.open() = None;
    }
}

impl Open {
    /// Moves the log into the database. Returns whether all of it was moved.
    fn fold_log(&self) -> bool {
        let sql = "PRAGMA wal_checkpoint(FULL)";
        self.connection.query_row(sql, [], |row| Ok(row.get::<_, i64>(0)? == 0)).unwrap_or(false)
    }
}

/// A transaction that holds the right to write. Dropped without a commit, it is rolled back.
pub(in crate::storage) struct SqliteTransaction(OwnedMutexGuard<SqliteBatches>);

impl SqliteTransaction {
    pub(in crate::storage) fn begin(batches: OwnedMutexGuard<SqliteBatches>) -> Result<Self, StorageError> {
        batches.ensure_open()?;
        let transaction = Self(batches);
        transaction.with("BEGIN", |connection| {
            if !connection.is_autocommit() {
                run(connection, "ROLLBACK")?;
            }
            run(connection, "BEGIN IMMEDIATE")
        })?;
        Ok(transaction)
    }

    pub(in crate::storage) fn commit(self) -> Result<(), StorageError> {
        self.with("COMMIT", |connection| run(connection, "COMMIT"))?;
        self.0.check_files()?;
        if let Some(open) = self.0.open().as_mut() {
            open.checkpoints.committed(&open.connection);
        }
        Ok(())
    }

    /// Checks that there is disk space for `bytes` bytes: writes them into the log and rolls back. The log keeps the
    /// space for later writes.
    pub(in crate::storage) fn try_room(self, bytes: usize) -> Result<(), StorageError> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        // Pages that do not fit into the cache are written to the log before the end of the transaction.
        let sql = "INSERT INTO bodies (id, sender_copy, receiver_copy) VALUES (-1, zeroblob(?1), x'')";
        let tried = self.with(sql, |connection| {
            connection.pragma_update(None, "cache_size", ROOM_CACHE_PAGES)?;
            connection.execute(sql, [bytes])
        });
        // The next transaction opens a connection with the usual settings.
        *self.0.open() = None;
        tried.map(drop)
    }

    pub(in crate::storage) fn rollback(self) -> Result<(), StorageError> {
        self.with("ROLLBACK", |connection| run(connection, "ROLLBACK"))
    }

    pub(in crate::storage) fn execute(&self, statement: &Statement) -> Result<u64, StorageError> {
        self.with(&statement.sql, |connection| {
            let mut prepared = connection.prepare_cached(&statement.sql)?;
            bind(&mut prepared, statement)?;
            Ok(prepared.raw_execute()? as u64)
        })
    }

    pub(in crate::storage) fn query(&self, statement: &Statement) -> Result<Vec<Row>, StorageError> {
        self.with(&statement.sql, |connection| {
            let mut prepared = connection.prepare_cached(&statement.sql)?;
            let columns = prepared.column_count();
            bind(&mut prepared, statement)?;
            let mut found = Vec::new();
            read_rows(prepared.raw_query(), columns, &mut found)?;
            Ok(found)
        })
    }

    /// Carries out `sql` once for each row, and returns what it returned for any of them.
    pub(in crate::storage) fn query_each<const N: usize>(
        &self,
        sql: &str,
        rows: &Bulk<'_, N>,
    ) -> Result<Vec<Row>, StorageError> {
        self.with(sql, |connection| {
            let mut prepared: CachedStatement<'_> = connection.prepare_cached(sql)?;
            let columns = prepared.column_count();
            let mut found = Vec::new();
            for row in rows.rows() {
                read_rows(prepared.query(params_from_iter(row))?, columns, &mut found)?;
            }
            Ok(found)
        })
    }

    /// Carries out `sql` once for each row, and returns how many rows it changed in all.
    pub(in crate::storage) fn execute_each<T: ToSql, const N: usize>(
        &self,
        sql: &str,
        rows: impl IntoIterator<Item = [T; N]>,
    ) -> Result<u64, StorageError> {
        self.with(sql, |connection| {
            let mut prepared: CachedStatement<'_> = connection.prepare_cached(sql)?;
            let mut changed = 0;
            for row in rows {
                changed += prepared.execute(params_from_iter(row))?;
            }
            Ok(changed as u64)
        })
    }

    /// Does something on the connection, which is timed as this statement.
    fn with<T>(
        &self,
        sql: &str,
        what: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StorageError> {
        let _timed = self.0.slow.time_of_batch(sql);
        let mut open = self.0.open();
        let connection =
            &open.as_ref().ok_or(StorageError::Corrupt("a transaction without its connection"))?.connection;
        what(connection).map_err(|error| {
            // After any failure the next batch begins with a new connection.
            *open = None;
            error.into()
        })
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        // A failed connection was closed already, and its transaction with it.
        let is_open = self.0.open().as_ref().is_some_and(|open| !open.connection.is_autocommit());
        if is_open {
            let _ = self.with("ROLLBACK", |connection| run(connection, "ROLLBACK"));
        }
    }
}

fn read_rows(mut rows: Rows<'_>, columns: usize, found: &mut Vec<Row>) -> Result<(), rusqlite::Error> {
    while let Some(row) = rows.next()? {
        found.push(Row::Sqlite((0..columns).map(|index| row.get(index)).collect::<Result<_, _>>()?));
    }
    Ok(())
}

fn run(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests;

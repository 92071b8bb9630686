//! Copies of a whole store to a new database of the same or the other engine.
//!
//! Neither of the two may be in use meanwhile. The copy is invisible until all of it has been read back and compared:
//! on SQLite it is a file of another name until then, on PostgreSQL one transaction. So a copy that fails or is killed
//! leaves nothing that could be taken for a store, and must be started again from the beginning.
//!
//! Rows go through a short queue, a few hundred at a time, so memory does not grow with the store. Tables and columns
//! are taken from the databases themselves, whose schemas the same migrations have made; secondary indexes are built at
//! the end.

mod error;
mod pg_binary;
mod postgres;
mod row;
mod sqlite;
mod table;

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use crate::config::{Config, Store};
use crate::storage::StorageError;
use crate::storage::engine::sqlite::lock::canonical;

use postgres::Postgres;
use row::{Checksum, CopyBatch};
use sqlite::Sqlite;
use table::{Table, check_same};

pub use error::{CopyError, CopySide};

/// Most batches between the reader and the writer.
const QUEUE: usize = 4;

/// A step of a copy, for progress displays.
#[derive(Clone, Copy, Debug)]
pub enum CopyStep<'a> {
    /// This table is copied now; it has so many rows.
    Table(&'a str, u64),
    /// This table is read back and compared now.
    Compare(&'a str, u64),
    /// This many more rows are done.
    Rows(u64),
    /// The indexes are built.
    Indexes,
}

/// Receives every step of a copy.
pub(in crate::storage) type Report<'a> = &'a (dyn Fn(CopyStep<'_>) + Send + Sync);

/// A table that was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Its name.
    pub table: String,
    /// How many rows it has, in both databases.
    pub rows: u64,
    /// The checksum of the rows, in both databases: 32 hexadecimal digits.
    pub checksum: String,
}

/// The highest number that the counter of each table has given.
type Marks = BTreeMap<String, i64>;

/// One of the two databases.
enum Database {
    Sqlite(Box<Sqlite>),
    Postgres(Box<Postgres>),
}

/// Copies the store that `from` names to the database that `to` names, which must not exist yet (SQLite) or hold
/// nothing (PostgreSQL). All ids, numbers and counters are kept, and so is the epoch: devices go on where they were.
/// With `force`, servers that use a PostgreSQL side are not looked for.
pub async fn copy(from: &Config, to: &Config, force: bool, report: Report<'_>) -> Result<Vec<Copied>, CopyError> {
    let (source, target) = (store(from)?, store(to)?);
    if is_same(&source, &target) {
        return Err(CopyError::SameStore);
    }
    let mut source = match source {
        Store::Sqlite(path) => Database::Sqlite(Box::new(Sqlite::source(from, &path).await?)),
        Store::Postgres(url) => Database::Postgres(Box::new(Postgres::source(from, &url, force).await?)),
    };
    let tables = source.tables().await?;
    let mut counts = Vec::with_capacity(tables.len());
    for table in &tables {
        counts.push(source.count(table).await?);
    }
    if tables.is_empty() || counts.iter().zip(&tables).all(|(rows, table)| *rows == 0 || table.name == "store") {
        return Err(CopyError::SourceEmpty);
    }
    let mut target = match target {
        Store::Sqlite(path) => Database::Sqlite(Box::new(Box::pin(Sqlite::target(to, &path)).await?)),
        Store::Postgres(url) => Database::Postgres(Box::new(Postgres::target(to, &url, force).await?)),
    };
    let target_tables = target.tables().await?;
    check_same(&tables, &target_tables)?;

    let mut copied = Vec::with_capacity(tables.len());
    for ((table, into), rows) in tables.iter().zip(&target_tables).zip(counts) {
        report(CopyStep::Table(&table.name, rows));
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (read, ()) = tokio::try_join!(source.read(table, sender, report), target.write(into, receiver))?;
        copied.push(read);
    }
    let marks = source.marks().await?;
    target.set_marks(&marks).await?;
    report(CopyStep::Indexes);
    target.build_indexes().await?;

    compare(&mut target, &target_tables, &copied, &marks, report).await?;
    target.publish().await?;
    source.close().await?;
    let copied = tables.into_iter().zip(copied).map(|(table, sum)| Copied {
        table: table.name,
        rows: sum.rows(),
        checksum: sum.to_string(),
    });
    Ok(copied.collect())
}

/// Reads back the target, and checks that it is what was read from the source.
async fn compare(
    target: &mut Database,
    tables: &[Table],
    read: &[Checksum],
    marks: &Marks,
    report: Report<'_>,
) -> Result<(), CopyError> {
    for (table, read) in tables.iter().zip(read) {
        report(CopyStep::Compare(&table.name, read.rows()));
        if target.checksum(table, report).await? != *read {
            return Err(CopyError::Differs(table.name.clone()));
        }
    }
    if target.marks().await? != *marks {
        return Err(CopyError::Differs("the counters".to_owned()));
    }
    Ok(())
}

fn store(config: &Config) -> Result<Store, CopyError> {
    Ok(config.store().map_err(|error| StorageError::Url(error.to_string()))?)
}

/// Returns whether both are the same SQLite file. The same PostgreSQL database is detected by a lock, see [`postgres`].
fn is_same(source: &Store, target: &Store) -> bool {
    match (source, target) {
        (Store::Sqlite(a), Store::Sqlite(b)) => matches!((canonical(a), canonical(b)), (Ok(a), Ok(b)) if a == b),
        _ => false,
    }
}

impl Database {
    /// Returns all tables by name, except that of the migrations.
    async fn tables(&mut self) -> Result<Vec<Table>, CopyError> {
        match self {
            Self::Sqlite(db) => db.tables().await,
            Self::Postgres(db) => db.tables().await,
        }
    }

    async fn count(&mut self, table: &Table) -> Result<u64, CopyError> {
        match self {
            Self::Sqlite(db) => db.count(table).await,
            Self::Postgres(db) => db.count(table).await,
        }
    }

    /// Sends all rows, and returns their checksum.
    async fn read(
        &mut self,
        table: &Table,
        to: mpsc::Sender<CopyBatch>,
        report: Report<'_>,
    ) -> Result<Checksum, CopyError> {
        let mut sum = Checksum::default();
        let mut pass = async |batch: CopyBatch| {
            sum.add(&batch);
            report(CopyStep::Rows(batch.rows()));
            // Fails only when the writer stopped; the writer's error is reported instead.
            let _ = to.send(batch).await;
        };
        match self {
            Self::Sqlite(db) => db.each(table, &mut pass).await?,
            Self::Postgres(db) => db.each(table, &mut pass).await?,
        }
        Ok(sum)
    }

    /// Returns the checksum of all rows of a table.
    async fn checksum(&mut self, table: &Table, report: Report<'_>) -> Result<Checksum, CopyError> {
        let mut sum = Checksum::default();
        let mut pass = async |batch: CopyBatch| {
            sum.add(&batch);
            report(CopyStep::Rows(batch.rows()));
        };
        match self {
            Self::Sqlite(db) => db.each(table, &mut pass).await?,
            Self::Postgres(db) => db.each(table, &mut pass).await?,
        }
        Ok(sum)
    }

    async fn write(&mut self, table: &Table, from: mpsc::Receiver<CopyBatch>) -> Result<(), CopyError> {
        match self {
            Self::Sqlite(db) => db.write(table, from).await,
            Self::Postgres(db) => db.write(table, from).await,
        }
    }

    async fn marks(&mut self) -> Result<Marks, CopyError> {
        match self {
            Self::Sqlite(db) => db.marks().await,
            Self::Postgres(db) => db.marks().await,
        }
    }

    async fn set_marks(&mut self, marks: &Marks) -> Result<(), CopyError> {
        match self {
            Self::Sqlite(db) => db.set_marks(marks).await,
            Self::Postgres(db) => db.set_marks(marks).await,
        }
    }

    /// Builds the indexes that were left out so far.
    async fn build_indexes(&mut self) -> Result<(), CopyError> {
        match self {
            Self::Sqlite(db) => db.build_indexes().await,
            Self::Postgres(db) => db.build_indexes().await,
        }
    }

    /// Makes a target visible.
    async fn publish(self) -> Result<(), CopyError> {
        match self {
            Self::Sqlite(db) => db.publish().await,
            Self::Postgres(db) => db.publish().await,
        }
    }

    async fn close(self) -> Result<(), CopyError> {
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(db) => db.close().await,
        }
    }
}

#[cfg(test)]
mod tests;

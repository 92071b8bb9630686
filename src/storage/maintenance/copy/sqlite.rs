//! A SQLite file as one end of a copy.
//!
//! A target is filled under another name, without a journal, and gets its own name when it is complete and on disk.

mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, Row as _, query, query_scalar, query_with, raw_sql};
use tempfile::TempPath;
use tokio::sync::mpsc;

use super::row::CopyBatch;
use super::table::{Table, quoted};
use super::{CopyError, Marks};
use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::engine::connect;
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::sqlite::connect::check_directory;
use crate::storage::engine::sqlite::lock::{StoreLock, beside};
use crate::storage::maintenance::file;
use crate::storage::schema::foreign::{self, APPLICATION_ID, Found};
use crate::storage::schema::migrate;

use values::{arguments, decode};

/// The suffix of a target's name until it is complete.
const SUFFIX: &str = ".copying";
/// Rows of one statement.
const ROWS: usize = 32;

const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' \
     AND name <> 'seaql_migrations' ORDER BY name";
const INDEXES: &str = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
/// Settings for filling a target: durability does not matter before the end, and sorting for indexes may need more
/// space than there is memory.
const FILL: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; \
     PRAGMA locking_mode = EXCLUSIVE; BEGIN";

/// A file and its lock.
pub(super) struct Sqlite {
    connection: SqliteConnection,
    /// The statements that make the indexes that are left out at first.
    indexes: Vec<String>,
    /// The unfinished file; only of a target.
    filling: Option<Filling>,
    _lock: StoreLock,
}

/// An unfinished file, which is removed on drop unless it was published.
struct Filling {
    now: TempPath,
    then: PathBuf,
}

impl Sqlite {
    /// Opens a source under its lock.
    pub(super) async fn source(config: &Config, path: &Path) -> Result<Self, CopyError> {
        if !path.is_file() {
            return Err(StorageError::Url(format!("{} does not exist", path.display())).into());
        }
        if foreign::look(path)? == Found::Nothing {
            return Err(StorageError::NoStore(path.display().to_string()).into());
        }
        let lock = StoreLock::take(path)?;
        let mut connection = file::open(lock.database()).await?;
        // The schema is inspected by a connection as the server has them, under the same lock.
        let inspected = connect::open(config, Purpose::Inspect).await?;
        let state = migrate::state(&inspected).await;
        inspected.close().await.map_err(StorageError::from)?;
        if let Some(missing) = state?.into_iter().find(|migration| !migration.applied) {
            return Err(CopyError::SourceOutdated(missing.name));
        }
        raw_sql("BEGIN").execute(&mut connection).await?;
        Ok(Self { connection, indexes: Vec::new(), filling: None, _lock: lock })
    }

    /// Makes a target: a file with the schema, without indexes.
    pub(super) async fn target(config: &Config, path: &Path) -> Result<Self, CopyError> {
        check_directory(path)?;
        let lock = StoreLock::take(path)?;
        let then = lock.database().to_owned();
        // SQLite would apply the log that another database has left behind to this one.
        if let Some(there) = file::PARTS.map(|part| beside(&then, part)).into_iter().find(|path| path.exists()) {
            return Err(CopyError::TargetExists(there));
        }
        let half = beside(&then, SUFFIX);
        let failed = |source| CopyError::File { path: half.clone(), source };
        // Left by a copy that was killed: the lock shows that none is running.
        file::remove(&half).map_err(failed)?;
        let now = file::create(&half).map_err(failed)?;
        let migrator = connect::open(&config.on_file(&half), Purpose::Migrate).await?;
        let migrated = migrate::up(&migrator).await;
        migrator.close().await.map_err(StorageError::from)?;
        migrated?;

        let mut connection = file::open_fresh(&half).await?;
        execute(&mut connection, format!("PRAGMA application_id = {APPLICATION_ID}")).await?;
        let indexes = query(INDEXES).fetch_all(&mut connection).await?;
        let indexes = indexes.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let indexes: Vec<(String, String)> = indexes.collect::<Result<_, sqlx::Error>>()?;
        for (name, _) in &indexes {
            execute(&mut connection, format!("DROP INDEX {}", quoted(name))).await?;
        }
        raw_sql(FILL).execute(&mut connection).await?;
        let indexes = indexes.into_iter().map(|(_, sql)| sql).collect();
        Ok(Self { connection, indexes, filling: Some(Filling { now, then }), _lock: lock })
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, CopyError> {
        let mut tables = Vec::new();
        for row in query(TABLES).fetch_all(&mut self.connection).await? {
            let name: String = row.try_get(0)?;
            let sql = "SELECT name, type FROM pragma_table_info($1)";
            let columns = query(sql).bind(&name).fetch_all(&mut self.connection).await?;
            let columns = columns.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            tables.push(Table::new(name, columns.collect::<Result<_, sqlx::Error>>()?)?);
        }
        Ok(tables)
    }

    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, CopyError> {
        let sql = format!("SELECT COUNT(*) FROM {}", quoted(&table.name));
        let count: i64 = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Passes all rows to `pass`, in the order in which they are stored.
    pub(super) async fn each(&mut self, table: &Table, pass: &mut impl AsyncFnMut(CopyBatch)) -> Result<(), CopyError> {
        let sql = format!("SELECT {} FROM {}", table.list(), quoted(&table.name));
        let mut rows = query(AssertSqlSafe(sql)).fetch(&mut self.connection);
        let mut batch = CopyBatch::default();
        while let Some(row) = rows.try_next().await? {
            batch.push(decode(table, &row)?);
            if batch.is_full() {
                pass(std::mem::take(&mut batch)).await;
            }
        }
        pass(batch).await;
        Ok(())
    }

    pub(super) async fn write(&mut self, table: &Table, mut from: mpsc::Receiver<CopyBatch>) -> Result<(), CopyError> {
        let one = format!("({})", vec!["?"; table.columns.len()].join(", "));
        let insert = |rows: usize| {
            let rows = vec![one.as_str(); rows].join(", ");
            Arc::<str>::from(format!("INSERT INTO {} ({}) VALUES {rows}", quoted(&table.name), table.list()))
        };
        // Only two texts, since a statement is prepared once for each.
        let (many, single) = (insert(ROWS), insert(1));
        while let Some(batch) = from.recv().await {
            let (chunks, rest) = batch.as_slice().as_chunks::<ROWS>();
            let chunks = chunks.iter().map(|chunk| (&many, chunk.as_slice()));
            for (sql, rows) in chunks.chain(rest.chunks(1).map(|row| (&single, row))) {
                query_with(AssertSqlSafe(sql.clone()), arguments(rows)?).execute(&mut self.connection).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn marks(&mut self) -> Result<Marks, CopyError> {
        // The table exists when any table has an AUTOINCREMENT counter.
        let sql = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'";
        if query(sql).fetch_optional(&mut self.connection).await?.is_none() {
            return Ok(Marks::new());
        }
        let rows = query("SELECT name, seq FROM sqlite_sequence WHERE seq > 0").fetch_all(&mut self.connection).await?;
        let marks = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        Ok(marks.collect::<Result<_, sqlx::Error>>()?)
    }

    pub(super) async fn set_marks(&mut self, marks: &Marks) -> Result<(), CopyError> {
        raw_sql("DELETE FROM sqlite_sequence").execute(&mut self.connection).await?;
        for (table, mark) in marks {
            let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
            query(sql).bind(table).bind(mark).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    pub(super) async fn build_indexes(&mut self) -> Result<(), CopyError> {
        for sql in std::mem::take(&mut self.indexes) {
            execute(&mut self.connection, sql).await?;
        }
        raw_sql("COMMIT").execute(&mut self.connection).await?;
        Ok(())
    }

    /// Writes the file to the disk, then gives it its name.
    pub(super) async fn publish(self) -> Result<(), CopyError> {
        self.connection.close().await?;
        let Some(Filling { now, then }) = self.filling else { return Ok(()) };
        file::publish(now, &then).map_err(|source| CopyError::File { path: then, source })
    }

    pub(super) async fn close(self) -> Result<(), CopyError> {
        Ok(self.connection.close().await?)
    }
}

async fn execute(connection: &mut SqliteConnection, sql: String) -> Result<(), CopyError> {
    raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

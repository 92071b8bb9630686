//! Recognition of databases of other programs, which are refused before a byte of them is written.
//!
//! The header of a SQLite store names the program it belongs to (`application_id`); an older store is recognised by its
//! migrations. On PostgreSQL other tables may be in the same schema, as those of an extension, but none with the name
//! of one of ours.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, Statement};

use crate::config::Store;
use crate::storage::StorageError;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::sqlite::lock::beside;
use crate::storage::engine::tx::Tx as _;

/// "FLNT" in ASCII.
pub(in crate::storage) const APPLICATION_ID: i32 = 0x46_4c_4e_54;
/// Offset of the application id in a SQLite file (<https://sqlite.org/fileformat2.html#the_database_header>).
const ID_AT: usize = 68;
const HEADER_BYTES: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Lists all tables of a SQLite database except those of SQLite itself.
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'";
/// Lists all tables of the schema in use.
const POSTGRES_TABLES: &str = "SELECT relname::text FROM pg_class \
     WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = current_schema()::regnamespace";
/// The query for the tables of a schema that other programs may share, and for its name.
const SHARED: PerEngine<Option<(&str, &str)>> = PerEngine {
    sqlite: None,
    postgres: Some((POSTGRES_TABLES, "SELECT current_database() || '.' || current_schema()")),
};
/// The table of applied migrations.
const MIGRATIONS: &str = "seaql_migrations";

/// The contents of a SQLite file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Found {
    /// There is no file, or an empty one.
    Nothing,
    /// A store.
    Store,
}

/// Inspects a SQLite file without writing. Returns [`StorageError::Foreign`] when it belongs to another program,
/// [`StorageError::Unusable`] when it is no database.
pub(in crate::storage) fn look(path: &Path) -> Result<Found, StorageError> {
    let unusable = |reason: String| StorageError::Unusable { path: path.to_owned(), reason };
    let mut header = Vec::with_capacity(HEADER_BYTES);
    match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_dir()) => {
            return Err(unusable("it is a directory".to_owned()));
        }
        Ok(file) => {
            file.take(HEADER_BYTES as u64).read_to_end(&mut header).map_err(|error| unusable(error.to_string()))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unusable(error.to_string())),
    }
    if header.is_empty() {
        return Ok(Found::Nothing);
    }
    if header.len() < HEADER_BYTES || !header.starts_with(MAGIC) {
        return Err(unusable("it is not a database".to_owned()));
    }
    let id = header.get(ID_AT..ID_AT + 4).unwrap_or_default();
    if id == APPLICATION_ID.to_be_bytes() {
        return Ok(Found::Store);
    }
    let foreign = || StorageError::Foreign(path.display().to_string());
    if id != [0; 4] {
        return Err(foreign());
    }
    let (tables, applied) = read(path).map_err(|error| unusable(error.to_string()))?;
    if applied.iter().any(|name| is_ours(name)) {
        return Ok(Found::Store);
    }
    if tables.iter().any(|table| table != MIGRATIONS) || !applied.is_empty() {
        Err(foreign())
    } else {
        Ok(Found::Nothing)
    }
}

/// Returns the tables, and the migrations that were applied.
fn read(path: &Path) -> Result<(Vec<String>, Vec<String>), rusqlite::Error> {
    let url = Store::Sqlite(path.to_owned()).to_string();
    let name = url.strip_prefix("sqlite://").unwrap_or(&url);
    // A write-ahead log must be read too, for which SQLite makes an index file. Without a log no file is made.
    let how = if beside(path, "-wal").exists() { "mode=ro" } else { "immutable=1" };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("file:{name}?{how}"), flags)?;
    let list =
        |sql: &str| connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>();
    let tables = list(SQLITE_TABLES)?;
    let is_noted = tables.iter().any(|table| table == MIGRATIONS);
    let applied = if is_noted { list("SELECT version FROM seaql_migrations")? } else { Vec::new() };
    Ok((tables, applied))
}

/// Lists the tables of the schema of a PostgreSQL database that other programs may share. It is empty on SQLite, whose
/// files are inspected by [`look`].
pub(in crate::storage) async fn neighbours(db: &DatabaseConnection) -> Result<Vec<String>, StorageError> {
    let Some((listing, _)) = SHARED.of(db.get_database_backend()) else { return Ok(Vec::new()) };
    tables(db, listing).await
}

/// Returns [`StorageError::Foreign`] when the schema of a PostgreSQL database belongs to another program: its applied
/// migrations are none of ours, or it has none and a table with the name of one of ours.
///
/// `present`, from [`neighbours`], must be older than `applied`: another server that migrates meanwhile makes its
/// tables and records its migrations in one transaction, so that no tables of ours are seen without them.
pub(in crate::storage) async fn check(
    db: &DatabaseConnection,
    present: &[String],
    applied: &[String],
) -> Result<(), StorageError> {
    let Some((_, named)) = SHARED.of(db.get_database_backend()) else { return Ok(()) };
    if applied.iter().any(|name| is_ours(name)) {
        return Ok(());
    }
    let is_bare = applied.is_empty() && present.iter().all(|table| table == MIGRATIONS);
    let is_foreign = !applied.is_empty() || (!is_bare && own_tables().await?.iter().any(|own| present.contains(own)));
    if !is_foreign {
        return Ok(());
    }
    let sql = Statement::from_string(db.get_database_backend(), named);
    let name = db.query_one(sql).await?.map_or(Ok(String::new()), |row| row.get(0))?;
    Err(StorageError::Foreign(format!("the schema {name}")))
}

/// Returns the names of our tables, which the migrations make in a database in memory.
async fn own_tables() -> Result<Vec<String>, StorageError> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    migration::up(&db, None).await?;
    let mut own = tables(&db, SQLITE_TABLES).await?;
    own.retain(|table| table != MIGRATIONS);
    db.close().await?;
    Ok(own)
}

async fn tables(db: &DatabaseConnection, sql: &'static str) -> Result<Vec<String>, StorageError> {
    let rows = db.query(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn is_ours(migration: &str) -> bool {
    migration::names().any(|known| known == migration)
}

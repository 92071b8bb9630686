//! A PostgreSQL database as one end of a copy.
//!
//! A source is read in one snapshot, and the row that every writer changes is locked, so that nothing can be stored
//! meanwhile. A target is filled in one transaction: nothing of it is visible before the end, or after a failure.

mod catalogue;

use futures_util::TryStreamExt as _;
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, query, query_as, query_scalar, raw_sql,
};
use tokio::sync::mpsc;

use super::pg_binary::{self, Decoder};
use super::row::CopyBatch;
use super::table::{Table, quoted};
use super::{CopyError, CopySide, Marks};
use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::engine::connect;
use crate::storage::engine::postgres::connect::{FIRST_CONNECT, parse, unreachable};
use crate::storage::engine::postgres::servers;
use crate::storage::engine::purpose::Purpose;
use crate::storage::schema::migrate;

use catalogue::{COLUMNS, KEY, LATER, SEQUENCES, TABLES};

/// Key of the advisory lock of a copy, exclusive on the target and shared on the source: "copydb" in ASCII.
const LOCK_KEY: i64 = 0x63_6f_70_79_64_62;
/// The name of this connection, so that it is not taken for a server's.
const OWN_NAME: &str = "fluent-backend copy-db";

/// Begins the transaction of either side: without the limits for a server's statements, and with short waits for locks.
const UNLIMITED: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL lock_timeout = '10s'; SET LOCAL maintenance_work_mem = '256MB'";

/// A connection with the transaction of the copy.
pub(super) struct Postgres {
    connection: PgConnection,
    /// The statements that make the indexes and foreign keys that are left out at first.
    later: Vec<String>,
    /// The names that a server's connections may have.
    servers: Vec<String>,
    /// Whether servers are not looked for.
    force: bool,
}

impl Postgres {
    /// Opens a source, locks it and begins the transaction.
    pub(super) async fn source(config: &Config, url: &str, force: bool) -> Result<Self, CopyError> {
        let mut this = Self::connect(config, url, force).await?;
        let inspected = connect::open(config, Purpose::Inspect).await?;
        let state = migrate::state(&inspected).await;
        inspected.close().await.map_err(StorageError::from)?;
        let (applied, missing): (Vec<_>, Vec<_>) = state?.into_iter().partition(|migration| migration.applied);
        if applied.is_empty() {
            return Err(CopyError::SourceEmpty);
        }
        if let Some(missing) = missing.into_iter().next() {
            return Err(CopyError::SourceOutdated(missing.name));
        }
        this.check_unused(CopySide::Source).await?;
        this.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        this.run(UNLIMITED).await?;
        // Locked before the snapshot is taken, and before the second check for servers: one that starts now waits.
        this.run("LOCK TABLE store IN EXCLUSIVE MODE").await?;
        this.lock("pg_try_advisory_xact_lock_shared", CopySide::Source).await?;
        this.check_unused(CopySide::Source).await?;
        Ok(this)
    }

    /// Makes the schema in a database that holds nothing, and begins the transaction.
    pub(super) async fn target(config: &Config, url: &str, force: bool) -> Result<Self, CopyError> {
        let mut this = Self::connect(config, url, force).await?;
        this.check_unused(CopySide::Target).await?;
        let migrator = connect::open(config, Purpose::Migrate).await?;
        let migrated = this.migrate(&migrator).await;
        migrator.close().await.map_err(StorageError::from)?;
        migrated?;
        this.run("BEGIN").await?;
        this.run(UNLIMITED).await?;
        this.lock("pg_try_advisory_xact_lock", CopySide::Target).await?;
        let tables = this.tables().await?;
        let all = tables.iter().map(|table| quoted(&table.name)).collect::<Vec<_>>().join(", ");
        this.run(format!("LOCK TABLE {all} IN ACCESS EXCLUSIVE MODE")).await?;
        for table in &tables {
            // The row of `store` is there after a first start.
            let rest = if table.name == "store" { " WHERE last_seq > 0" } else { "" };
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {}{rest})", quoted(&table.name));
            if query_scalar(AssertSqlSafe(sql)).fetch_one(&mut this.connection).await? {
                return Err(CopyError::TargetNotEmpty(table.name.clone()));
            }
        }
        this.check_unused(CopySide::Target).await?;
        // New files, so that rows can be copied into them frozen, and vacuum need not visit them (FREEZE).
        this.run(format!("TRUNCATE {all}")).await?;
        for row in query(LATER).fetch_all(&mut this.connection).await? {
            let (without, again): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            this.run(without).await?;
            this.later.push(again);
        }
        Ok(this)
    }

    async fn connect(config: &Config, url: &str, force: bool) -> Result<Self, CopyError> {
        let options = parse(url)?;
        let servers = servers::names(config, &options);
        let options = options.application_name(OWN_NAME).disable_statement_logging();
        let connected = tokio::time::timeout(FIRST_CONNECT, options.connect()).await;
        let connection = connected.map_err(|_| StorageError::TimedOut)?.map_err(unreachable)?;
        Ok(Self { connection, later: Vec::new(), servers, force })
    }

    /// Makes the schema, unless the database belongs to another program.
    async fn migrate(&mut self, migrator: &DatabaseConnection) -> Result<(), CopyError> {
        let names: Vec<String> = query_scalar(TABLES).fetch_all(&mut self.connection).await?;
        let foreign = || CopyError::ForeignTables(names.join(", "));
        let state = match migrate::state(migrator).await {
            Err(StorageError::Foreign(_)) => return Err(foreign()),
            state => state?,
        };
        if state.iter().all(|migration| !migration.applied) && !names.is_empty() {
            return Err(foreign());
        }
        Ok(migrate::up(migrator).await?)
    }

    async fn run(&mut self, sql: impl Into<String>) -> Result<(), CopyError> {
        raw_sql(AssertSqlSafe(sql.into())).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Takes the lock of a copy until the transaction ends.
    async fn lock(&mut self, function: &str, end: CopySide) -> Result<(), CopyError> {
        let sql = format!("SELECT {function}({LOCK_KEY})");
        let is_ours: bool = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await?;
        if is_ours { Ok(()) } else { Err(CopyError::Copying(end)) }
    }

    /// Fails when a server is connected, or was a moment ago.
    async fn check_unused(&mut self, end: CopySide) -> Result<(), CopyError> {
        if self.force {
            return Ok(());
        }
        if !servers::are_gone(&mut self.connection, &self.servers).await? {
            return Err(CopyError::InUse(end));
        }
        match servers::seen(&mut self.connection).await? {
            Some((label, seconds)) => Err(CopyError::Seen { end, label, seconds }),
            None => Ok(()),
        }
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, CopyError> {
        let names: Vec<String> = query_scalar(TABLES).fetch_all(&mut self.connection).await?;
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let columns = query_as(COLUMNS).bind(&name).fetch_all(&mut self.connection).await?;
            tables.push(Table::new(name, columns)?);
        }
        Ok(tables)
    }

    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, CopyError> {
        let sql = format!("SELECT COUNT(*) FROM {}", quoted(&table.name));
        let count: i64 = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Passes all rows to `pass` in the order of their keys, in which SQLite stores them.
    pub(super) async fn each(&mut self, table: &Table, pass: &mut impl AsyncFnMut(CopyBatch)) -> Result<(), CopyError> {
        let key: Vec<String> = query_scalar(KEY).bind(&table.name).fetch_all(&mut self.connection).await?;
        let key = key.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        let order = if key.is_empty() { String::new() } else { format!(" ORDER BY {key}") };
        let sql =
            format!("COPY (SELECT {} FROM {}{order}) TO STDOUT (FORMAT binary)", table.list(), quoted(&table.name));
        let mut pieces = self.connection.copy_out_raw(&sql).await?;
        let (mut decoder, mut batch) = (Decoder::new(table), CopyBatch::default());
        while let Some(piece) = pieces.try_next().await? {
            decoder.push(&piece);
            while let Some(row) = decoder.next()? {
                batch.push(row);
                if batch.is_full() {
                    pass(std::mem::take(&mut batch)).await;
                }
            }
        }
        pass(batch).await;
        decoder.finish()
    }

    pub(super) async fn write(&mut self, table: &Table, mut from: mpsc::Receiver<CopyBatch>) -> Result<(), CopyError> {
        let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE true)", quoted(&table.name), table.list());
        let mut copy = self.connection.copy_in_raw(&sql).await?;
        let mut bytes = Vec::new();
        pg_binary::begin(&mut bytes);
        while let Some(batch) = from.recv().await {
            for row in batch.as_slice() {
                pg_binary::encode(table, row, &mut bytes)?;
            }
            copy.send(bytes.as_slice()).await?;
            bytes.clear();
        }
        pg_binary::end(&mut bytes);
        copy.send(bytes.as_slice()).await?;
        copy.finish().await?;
        Ok(())
    }

    pub(super) async fn marks(&mut self) -> Result<Marks, CopyError> {
        let mut marks = Marks::new();
        for (table, column, sequence) in self.sequences().await? {
            let sql = format!(
                "SELECT GREATEST(CASE WHEN is_called THEN last_value ELSE 0 END, \
                 (SELECT COALESCE(MAX({})::bigint, 0) FROM {})) FROM {sequence}",
                quoted(&column),
                quoted(&table)
            );
            let mark: i64 = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await?;
            if mark > 0 {
                marks.insert(table, mark);
            }
        }
        Ok(marks)
    }

    pub(super) async fn set_marks(&mut self, marks: &Marks) -> Result<(), CopyError> {
        for (table, _, sequence) in self.sequences().await? {
            // A sequence cannot be set below 1: without a mark, 1 is the next number.
            let (value, is_called) = marks.get(&table).map_or((1, false), |mark| (*mark, true));
            let sql = "SELECT setval($1::regclass, $2, $3)";
            query(sql).bind(&sequence).bind(value).bind(is_called).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Returns each table with a counter, the counted column, and the sequence.
    async fn sequences(&mut self) -> Result<Vec<(String, String, String)>, CopyError> {
        Ok(query_as(SEQUENCES).fetch_all(&mut self.connection).await?)
    }

    pub(super) async fn build_indexes(&mut self) -> Result<(), CopyError> {
        for sql in std::mem::take(&mut self.later) {
            self.run(sql).await?;
        }
        Ok(())
    }

    pub(super) async fn publish(mut self) -> Result<(), CopyError> {
        self.run("COMMIT").await?;
        // Otherwise PostgreSQL plans for empty tables until its autovacuum has run.
        self.run("ANALYZE").await?;
        self.close().await
    }

    pub(super) async fn close(self) -> Result<(), CopyError> {
        Ok(self.connection.close().await?)
    }
}

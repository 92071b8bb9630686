//! How large the tables are, without reading them whole.
//!
//! On SQLite some pages of each tree are looked at (`dbstat`, <https://sqlite.org/dbstat.html>): they come in the order
//! of the keys, so the place of the last one says which part of the tree they are. PostgreSQL keeps estimates itself.

mod pages;

use sea_orm::DatabaseBackend;

use crate::domain::Timestamp;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};
use pages::{Page, Tree};

/// Pages that are looked at of one tree: 400 of 4 KiB are read within some milliseconds.
const PAGES: i64 = 400;
/// Bytes of a PostgreSQL table up to which its rows are counted.
const COUNTED_BYTES: i64 = 1024 * 1024;

/// The figures of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFigures {
    /// Its name.
    pub table: String,
    /// How many rows it has, if that can be told.
    pub rows: Option<u64>,
    /// Whether `rows` is no estimate.
    pub rows_exact: bool,
    /// Its bytes with those of its indexes.
    pub bytes: u64,
    /// Whether `bytes` is no estimate.
    pub bytes_exact: bool,
    /// When its oldest row was made, where that can be told at once.
    pub oldest: Option<Timestamp>,
}

/// Tables, and the statement that finds the time of the oldest row by an index, or by the order of ids.
const OLDEST: [(&str, &str); 11] = [
    ("address_rules", "SELECT created_at FROM address_rules ORDER BY id LIMIT 1"),
    ("audit", "SELECT at FROM audit ORDER BY id LIMIT 1"),
    ("bodies", "SELECT timestamp FROM messages WHERE id = (SELECT MIN(id) FROM bodies)"),
    ("clock_marks", "SELECT clock FROM clock_marks ORDER BY clock LIMIT 1"),
    ("invites", "SELECT created_at FROM invites ORDER BY id LIMIT 1"),
    ("logins", "SELECT created_at FROM logins ORDER BY id LIMIT 1"),
    ("messages", "SELECT timestamp FROM messages ORDER BY id LIMIT 1"),
    ("operator_tokens", "SELECT MIN(created_at) FROM operator_tokens"),
    ("push_attempts", "SELECT at FROM push_attempts ORDER BY at LIMIT 1"),
    ("reports", "SELECT created_at FROM reports ORDER BY id LIMIT 1"),
    ("users", "SELECT created_at FROM users ORDER BY id LIMIT 1"),
];

/// Every tree with its table, and whether its rows are in the leaves alone.
const TREES: &str = "SELECT name, tbl_name, CASE WHEN type = 'table' AND UPPER(sql) NOT LIKE '%WITHOUT ROWID%' THEN 1 \
     ELSE 0 END FROM sqlite_schema WHERE rootpage > 0 AND name <> 'sqlite_sequence'";
const TREE_PAGES: &str = "SELECT path, pagetype, ncell, pgsize FROM dbstat WHERE name = $1 LIMIT $2 + 0";
const POSTGRES: &str = "SELECT CAST(relname AS TEXT), CAST(reltuples AS BIGINT), pg_total_relation_size(oid) \
     FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace)";

impl Storage {
    /// Returns the figures of all tables, the largest first. Costs some pages of each, however large they are.
    pub async fn table_figures(&self) -> Result<Vec<TableFigures>, StorageError> {
        let mut figures = match self.backend() {
            DatabaseBackend::Postgres => self.postgres_tables().await?,
            _ => self.sqlite_tables().await?,
        };
        for (table, sql) in OLDEST {
            if let Some(found) = figures.iter_mut().find(|figures| figures.table == table) {
                let row = self.reads.query_one(self.statement(sql, [])).await?;
                found.oldest = row.map(|row| row.get::<Option<Timestamp>>(0)).transpose()?.flatten();
            }
        }
        figures.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.table.cmp(&b.table)));
        Ok(figures)
    }

    async fn sqlite_tables(&self) -> Result<Vec<TableFigures>, StorageError> {
        let mut tables: Vec<TableFigures> = Vec::new();
        for row in self.reads.query(self.statement(TREES, [])).await? {
            let (name, table, in_leaves): (String, String, i32) = row.read()?;
            let tree = self.tree(&name, in_leaves != 0).await?;
            let place = tables.iter().position(|known| known.table == table).unwrap_or_else(|| {
                tables.push(TableFigures {
                    table: table.clone(),
                    rows: None,
                    rows_exact: true,
                    bytes: 0,
                    bytes_exact: true,
                    oldest: None,
                });
                tables.len() - 1
            });
            if let Some(figures) = tables.get_mut(place) {
                figures.bytes += tree.bytes;
                figures.bytes_exact &= tree.is_whole;
                if name == table {
                    (figures.rows, figures.rows_exact) = (Some(tree.rows), tree.is_whole);
                }
            }
        }
        Ok(tables)
    }

    async fn tree(&self, name: &str, rows_are_in_leaves: bool) -> Result<Tree, StorageError> {
        let rows = self.reads.query(self.statement(TREE_PAGES, [name.into(), PAGES.into()])).await?;
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let page = |row: crate::storage::engine::row::Row| {
            let (path, kind, cells, bytes): (String, String, i64, i64) = row.read()?;
            Ok::<_, StorageError>(Page { path, kind, cells: number(cells), bytes: number(bytes) })
        };
        let pages: Vec<Page> = rows.into_iter().map(page).collect::<Result<_, _>>()?;
        let is_whole = i64::try_from(pages.len()).is_ok_and(|count| count < PAGES);
        Ok(Tree::of(&pages, is_whole, rows_are_in_leaves))
    }

    async fn postgres_tables(&self) -> Result<Vec<TableFigures>, StorageError> {
        let mut tables = Vec::new();
        for row in self.reads.query(self.statement(POSTGRES, [])).await? {
            let (table, estimate, bytes): (String, i64, i64) = row.read()?;
            let rows_exact = bytes <= COUNTED_BYTES;
            let rows = if rows_exact { self.count(&table).await? } else { estimate };
            // -1: never vacuumed nor analysed.
            let rows = u64::try_from(rows).ok();
            let bytes = u64::try_from(bytes).unwrap_or_default();
            tables.push(TableFigures { table, rows, rows_exact, bytes, bytes_exact: true, oldest: None });
        }
        Ok(tables)
    }

    async fn count(&self, table: &str) -> Result<i64, StorageError> {
        // The name is of the catalogue, and of our own migrations.
        let sql = format!("SELECT COUNT(*) FROM \"{table}\"");
        let row = self.reads.query_one(self.statement(sql, [])).await?;
        row.ok_or(StorageError::Corrupt("a count without a row"))?.get(0)
    }
}

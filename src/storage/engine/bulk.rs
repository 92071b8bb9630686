//! Bulk statements: many rows as the parameters of one statement.
//!
//! A statement is prepared once for each text, so its text must not depend on the number of rows. On PostgreSQL each
//! column is one array. SQLite has no arrays: there empty rows are added up to a power of two, so that a statement has
//! only one text for each such size; and the texts and bytes of all rows are passed as one blob, of which each row
//! names its slices. A parameter that is no number costs several allocations on its way to the database.

use sea_orm::sea_query::ArrayType;
use sea_orm::{DatabaseBackend, Statement, Value};

/// Most rows of one statement on SQLite: with ten columns well below the limit on its parameters (32,766).
const MAX_ROWS: usize = 512;

/// The value of a cell. It cannot be NULL, since the driver's arrays cannot hold NULL.
pub(in crate::storage) enum Cell<'a> {
    Int(i32),
    BigInt(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// Rows of `N` cells; all cells of a column are of one kind.
pub(in crate::storage) struct Bulk<'a, const N: usize>(Vec<[Cell<'a>; N]>);

impl<'a, const N: usize> Bulk<'a, N> {
    pub(in crate::storage) fn new(rows: impl IntoIterator<Item = [Cell<'a>; N]>) -> Self {
        Self(rows.into_iter().collect())
    }

    pub(in crate::storage) fn rows(&self) -> &[[Cell<'a>; N]] {
        &self.0
    }

    /// Returns `sql` with the table `v` of all rows for its `{rows}`, each column as an array.
    pub(in crate::storage) fn with_arrays(&self, sql: &str) -> String {
        sql.replace("{rows}", &array_table(&self.0))
    }

    /// Returns `sql` with the table `v` of one row for its `{rows}`, each cell as a parameter.
    pub(in crate::storage) fn with_one_row(sql: &str) -> String {
        let parameters = (1..=N).map(|i| format!("?{i}")).collect::<Vec<_>>();
        sql.replace("{rows}", &format!("v({}) AS (VALUES ({}))", names(N), parameters.join(", ")))
    }

    /// Returns as few statements as can take all rows. `{rows}` in `sql`, after a `WITH`, becomes a table `v` of the
    /// rows with the columns `column1` and so on. It may end with empty rows, whose `column1` is NULL; `sql` must
    /// ignore them.
    pub(in crate::storage) fn statements(&self, backend: DatabaseBackend, sql: &str) -> Vec<Statement> {
        let statement = |rows: &[[Cell<'a>; N]]| {
            let (table, values) = if backend == DatabaseBackend::Postgres { arrays(rows) } else { blob_slices(rows) };
            Statement::from_sql_and_values(backend, sql.replace("{rows}", &table), values)
        };
        let at_once = if backend == DatabaseBackend::Postgres { usize::MAX } else { MAX_ROWS };
        self.0.chunks(at_once).map(statement).collect()
    }
}

fn arrays<const N: usize>(rows: &[[Cell<'_>; N]]) -> (String, Vec<Value>) {
    let kinds = rows.first().map(|row| row.each_ref().map(Cell::array)).into_iter().flatten();
    let values = kinds.enumerate().map(|(i, (_, kind))| {
        let cells = rows.iter().filter_map(|row| row.get(i)).map(Cell::value).collect();
        Value::Array(kind, Some(Box::new(cells)))
    });
    (array_table(rows), values.collect())
}

/// Returns the table `v` of rows whose columns are one array each.
fn array_table<const N: usize>(rows: &[[Cell<'_>; N]]) -> String {
    let kinds = rows.first().map(|row| row.each_ref().map(Cell::array)).into_iter().flatten();
    let parameters = kinds.enumerate().map(|(i, (name, _))| format!("${}::{name}", i + 1)).collect::<Vec<_>>();
    format!("v({}) AS (SELECT * FROM UNNEST({}))", names(N), parameters.join(", "))
}

fn names(count: usize) -> String {
    (1..=count).map(|i| format!("column{i}")).collect::<Vec<_>>().join(", ")
}

impl Cell<'_> {
    fn array(&self) -> (&'static str, ArrayType) {
        match self {
            Self::Int(_) => ("INTEGER[]", ArrayType::Int),
            Self::BigInt(_) => ("BIGINT[]", ArrayType::BigInt),
            Self::Text(_) => ("TEXT[]", ArrayType::String),
            Self::Bytes(_) => ("BYTEA[]", ArrayType::Bytes),
        }
    }

    fn value(&self) -> Value {
        match *self {
            Self::Int(number) => number.into(),
            Self::BigInt(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }
}

fn blob_slices<const N: usize>(rows: &[[Cell<'_>; N]]) -> (String, Vec<Value>) {
    let size = rows.len().next_power_of_two();
    // A slice takes two parameters: its start in the blob, counted from 1, and its length.
    let width: usize = rows.first().map_or(0, |row| row.iter().map(|cell| if cell.is_sliced() { 2 } else { 1 }).sum());
    let mut piece = Vec::with_capacity(rows.iter().flatten().map(|cell| cell.as_bytes().len()).sum());
    let mut values = Vec::with_capacity(size * width + 1);
    for cell in rows.iter().flatten() {
        if cell.is_sliced() {
            values.extend([integer(piece.len() + 1), integer(cell.as_bytes().len())]);
            piece.extend_from_slice(cell.as_bytes());
        } else {
            values.push(cell.value());
        }
    }
    values.resize(size * width, Value::BigInt(None));

    let columns = rows.first().map(columns).unwrap_or_default();
    // Only the blob is a numbered parameter: for each `?1` or `$1` SQLite searches the names of all parameters.
    let row = format!("({}),", vec!["?"; width].join(","));
    let all = row.repeat(size);
    let piece_number = (size * width + 1).to_string();
    let table = format!(
        "p AS (VALUES {}), v({}) AS (SELECT {} FROM p)",
        all.trim_end_matches(','),
        names(N),
        columns.replace("{piece}", &piece_number),
    );
    if columns.contains("{piece}") {
        values.push(piece.into());
    }
    (table, values)
}

/// Returns the columns of a row as expressions of the row's parameters.
fn columns<const N: usize>(row: &[Cell<'_>; N]) -> String {
    let mut parameter = 0;
    let mut next = || {
        parameter += 1;
        format!("p.column{parameter}")
    };
    let columns = row.iter().map(|cell| match cell {
        Cell::Int(_) | Cell::BigInt(_) => next(),
        Cell::Bytes(_) => format!("substr(?{{piece}}, {}, {})", next(), next()),
        Cell::Text(_) => format!("CAST(substr(?{{piece}}, {}, {}) AS TEXT)", next(), next()),
    });
    columns.collect::<Vec<_>>().join(", ")
}

fn integer(number: usize) -> Value {
    // Always fits: it is a length in memory.
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

impl Cell<'_> {
    fn is_sliced(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Bytes(_))
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Int(_) | Self::BigInt(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests;

//! Rows as the parameters of one statement.
//!
//! A statement is prepared once for each text, so its text must not depend on the number of rows. On PostgreSQL each column is
//! one array. SQLite has no arrays: there the rows are filled up with empty ones to a power of two, and a statement has as
//! many texts as there are such sizes.

use sea_orm::sea_query::ArrayType;
use sea_orm::{DatabaseBackend, Statement, Value};

/// Most rows of one statement; with ten columns well below what SQLite takes as parameters (32,766).
const MAX_ROWS: usize = 512;

/// What a column holds. None of them holds NULL: arrays of the driver cannot.
#[derive(Clone, Copy)]
pub(super) enum Column {
    Int,
    BigInt,
    Text,
    Bytes,
}

impl Column {
    fn postgres(self) -> (&'static str, ArrayType) {
        match self {
            Self::Int => ("INTEGER[]", ArrayType::Int),
            Self::BigInt => ("BIGINT[]", ArrayType::BigInt),
            Self::Text => ("TEXT[]", ArrayType::String),
            Self::Bytes => ("BYTEA[]", ArrayType::Bytes),
        }
    }

    fn null(self) -> Value {
        match self {
            Self::Int => Value::Int(None),
            Self::BigInt => Value::BigInt(None),
            Self::Text => Value::String(None),
            Self::Bytes => Value::Bytes(None),
        }
    }
}

/// Rows of `N` columns.
pub(super) struct List<const N: usize> {
    columns: [Column; N],
    rows: Vec<[Value; N]>,
}

impl<const N: usize> List<N> {
    pub(super) fn new(columns: [Column; N], rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        Self { columns, rows: rows.into_iter().collect() }
    }

    /// As few statements as hold all rows. `{rows}` in `sql` is where they stand: a table `v` with the columns `column1` and so
    /// on, in which rows without a `column1` may follow that mean nothing.
    pub(super) fn statements(self, backend: DatabaseBackend, sql: &str) -> impl Iterator<Item = Statement> {
        let Self { columns, rows } = self;
        let mut rows = rows.into_iter();
        std::iter::from_fn(move || {
            let some: Vec<[Value; N]> = rows.by_ref().take(MAX_ROWS).collect();
            if some.is_empty() {
                return None;
            }
            let (table, values) = if backend == DatabaseBackend::Postgres {
                (arrays(columns), transposed(columns, some))
            } else {
                padded(columns, some)
            };
            Some(Statement::from_sql_and_values(backend, sql.replace("{rows}", &table), values))
        })
    }
}

fn arrays<const N: usize>(columns: [Column; N]) -> String {
    let parameters: Vec<String> =
        columns.iter().enumerate().map(|(i, column)| format!("${}::{}", i + 1, column.postgres().0)).collect();
    let names: Vec<String> = (1..=N).map(|i| format!("column{i}")).collect();
    format!("UNNEST({}) AS v({})", parameters.join(", "), names.join(", "))
}

fn transposed<const N: usize>(columns: [Column; N], rows: Vec<[Value; N]>) -> Vec<Value> {
    let mut cells: [Vec<Value>; N] = std::array::from_fn(|_| Vec::with_capacity(rows.len()));
    for row in rows {
        for (cells, cell) in cells.iter_mut().zip(row) {
            cells.push(cell);
        }
    }
    let arrays = columns.into_iter().zip(cells);
    arrays.map(|(column, cells)| Value::Array(column.postgres().1, Some(Box::new(cells)))).collect()
}

fn padded<const N: usize>(columns: [Column; N], rows: Vec<[Value; N]>) -> (String, Vec<Value>) {
    let size = rows.len().next_power_of_two();
    // Not `$1`: SQLite searches the names of all parameters for each of them.
    let row = format!("({}),", vec!["?"; N].join(","));
    let all = row.repeat(size);
    let mut values = Vec::with_capacity(size * N);
    let missing = size - rows.len();
    values.extend(rows.into_iter().flatten());
    values.extend(std::iter::repeat_n(columns, missing).flatten().map(Column::null));
    (format!("(VALUES {}) AS v", all.trim_end_matches(',')), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rows: usize, backend: DatabaseBackend) -> Vec<(String, usize)> {
        let list = List::new([Column::Int, Column::Text], (0..rows).map(|_| [1.into(), "x".into()]));
        let statements = list.statements(backend, "SELECT * FROM {rows}");
        statements.map(|s| (s.sql, s.values.map_or(0, |values| values.0.len()))).collect()
    }

    #[test]
    fn sqlite_sees_few_texts() {
        let one_to_many: std::collections::HashSet<String> =
            (1..=600).flat_map(|rows| sizes(rows, DatabaseBackend::Sqlite)).map(|(sql, _)| sql).collect();
        assert_eq!(one_to_many.len(), 10);
        assert_eq!(
            sizes(3, DatabaseBackend::Sqlite),
            [("SELECT * FROM (VALUES (?,?),(?,?),(?,?),(?,?)) AS v".to_owned(), 8)]
        );
        let values: Vec<usize> = sizes(600, DatabaseBackend::Sqlite).into_iter().map(|(_, values)| values).collect();
        assert_eq!(values, [1024, 256]);
    }

    #[test]
    fn postgresql_sees_one_text() {
        let text = "SELECT * FROM UNNEST($1::INTEGER[], $2::TEXT[]) AS v(column1, column2)".to_owned();
        assert_eq!(sizes(3, DatabaseBackend::Postgres), [(text.clone(), 2)]);
        assert_eq!(sizes(600, DatabaseBackend::Postgres), [(text.clone(), 2), (text, 2)]);
        assert!(sizes(0, DatabaseBackend::Postgres).is_empty());
    }
}

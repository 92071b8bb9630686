//! Changes of several tables, each for a list of rows, that are made together.
//!
//! On PostgreSQL they are one statement, so one round trip: each is a part of it that changes rows, and all see the
//! rows as they were before. So no two of them may change the same row, nor one of them a row twice.

use sea_orm::sea_query::ArrayType;
use sea_orm::{DatabaseBackend, Statement, Value};

use crate::storage::StorageError;
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::tx::Tx;

/// Changes that are made together.
pub(in crate::storage) struct JointChanges {
    backend: DatabaseBackend,
    /// The statements so far on SQLite.
    statements: Vec<Statement>,
    /// The parts of the one statement on PostgreSQL, and its parameters.
    parts: Vec<String>,
    values: Vec<Value>,
    /// Whether the values are in the text of the statement, so that it has no parameters.
    is_text: bool,
    has_rows: bool,
}

impl JointChanges {
    /// Begins with nothing.
    pub(in crate::storage) fn new(backend: DatabaseBackend) -> Self {
        let (statements, parts, values) = (Vec::new(), Vec::new(), Vec::new());
        Self { backend, statements, parts, values, is_text: false, has_rows: false }
    }

    /// As [`new`](Self::new), for [`into_text`](Self::into_text), on PostgreSQL.
    pub(in crate::storage) fn in_text() -> Self {
        Self { is_text: true, ..Self::new(DatabaseBackend::Postgres) }
    }

    pub(in crate::storage) fn backend(&self) -> DatabaseBackend {
        self.backend
    }

    /// Adds `sql` for `rows`. `{v}` in it, after a `FROM` or `USING`, becomes a table `v` of the rows, with the columns
    /// `column1` and so on. On SQLite it may end with empty rows, whose columns are NULL; `sql` must ignore them.
    ///
    /// A change should be added also when it has no rows: then PostgreSQL knows the statement from the last time.
    pub(in crate::storage) fn add<const N: usize>(&mut self, sql: &str, rows: &[[i64; N]]) {
        self.has_rows |= !rows.is_empty();
        if self.backend != DatabaseBackend::Postgres {
            let list = Bulk::new(rows.iter().map(|row| row.map(Cell::BigInt)));
            let sql = format!("WITH {{rows}} {}", sql.replace("{v}", "v"));
            self.statements.extend(list.statements(self.backend, &sql));
            return;
        }
        let (mut names, mut arrays) = (Vec::new(), Vec::new());
        for column in 0..N {
            let cells = rows.iter().filter_map(|row| row.get(column).copied());
            // Typed also when it is empty.
            if self.is_text {
                let cells: Vec<String> = cells.map(|cell| cell.to_string()).collect();
                arrays.push(format!("'{{{}}}'::BIGINT[]", cells.join(",")));
            } else {
                self.values.push(Value::Array(ArrayType::BigInt, Some(Box::new(cells.map(Value::from).collect()))));
                arrays.push(format!("${}::BIGINT[]", self.values.len()));
            }
            names.push(format!("column{}", column + 1));
        }
        let table = format!("UNNEST({}) AS v ({})", arrays.join(", "), names.join(", "));
        self.parts.push(format!("part{} AS ({})", self.parts.len(), sql.replace("{v}", &table)));
    }

    /// Makes the changes; nothing when they have no rows.
    pub(in crate::storage) async fn make(mut self, tx: &impl Tx) -> Result<(), StorageError> {
        if self.has_rows && !self.parts.is_empty() {
            let sql = self.of_parts();
            self.statements.push(Statement::from_sql_and_values(self.backend, sql, self.values));
        }
        for statement in self.statements {
            tx.execute(statement).await?;
        }
        Ok(())
    }

    /// Returns the one statement that makes the changes, without parameters; `None` when they have no rows. It is
    /// planned anew each time, so it pays only where it saves a round trip that matters.
    pub(in crate::storage) fn into_text(self) -> Option<String> {
        (self.has_rows && !self.parts.is_empty()).then(|| self.of_parts())
    }

    fn of_parts(&self) -> String {
        format!("WITH {} SELECT 1", self.parts.join(", "))
    }
}

//! Lists of rows, which SQLite returns as one JSON text.
//!
//! The driver passes the rows of SQLite one by one from the thread of the connection to the waiting task, and nearly
//! every row costs a wake-up, which takes longer than finding the row. So SQLite makes one JSON text of a list, which
//! is passed at once. The rows of PostgreSQL come by a socket, many at once, and need no such text.

use sea_orm::{DatabaseBackend, Value};

use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// A query for a list.
pub(in crate::storage) struct Query {
    /// The statement. An `ORDER BY` in it needs a `LIMIT`: without one SQLite drops the order of a subquery.
    pub(in crate::storage) sql: String,
    /// The number of its columns.
    pub(in crate::storage) columns: usize,
    /// The index of the column with ciphertexts, which are bytes that hold text.
    pub(in crate::storage) ciphertexts: Option<usize>,
}

impl Query {
    /// Returns the statement for SQLite, whose result is one JSON text.
    pub(in crate::storage) fn json_sql(&self) -> String {
        let names: Vec<String> = (0..self.columns).map(|place| format!("c{place}")).collect();
        let value = |(place, name): (usize, &String)| match self.ciphertexts {
            Some(ciphertexts) if ciphertexts == place => format!("CAST({name} AS TEXT)"),
            _ => name.clone(),
        };
        let values: Vec<String> = names.iter().enumerate().map(value).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        format!("WITH r ({names}) AS ({}) SELECT json_group_array(json_array({values})) FROM r", self.sql)
    }
}

const CORRUPT: StorageError = StorageError::Corrupt("a row of a list");

impl Storage {
    /// Returns the rows of a query, in its order.
    pub(in crate::storage) async fn read_rows(
        &self,
        query: &Query,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Row>, StorageError> {
        if self.backend() != DatabaseBackend::Sqlite {
            return self.reads.query(self.statement(&query.sql, values)).await;
        }
        let row = self.reads.query_one(self.statement(query.json_sql(), values)).await?.ok_or(CORRUPT)?;
        let text: String = row.get(0)?;
        drop(row);
        let rows: Vec<Vec<serde_json::Value>> = serde_json::from_str(&text).map_err(|_| CORRUPT)?;
        Ok(rows.into_iter().map(Row::Json).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::storage::engine::row::CiphertextText;

    /// Texts and numbers that JSON or SQLite might change.
    #[tokio::test]
    async fn rows_come_out_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        dir.path().clone_into(&mut config.server.data_dir);
        let storage = Storage::open(&config).await.unwrap();
        let texts = ["", "a", "a \0 b", "\"\\\u{1}\n", "Zoë \u{1f600}\u{10ffff}", "[1]", "null"];
        for (text, number) in texts.iter().zip([0, 1, -1, i64::MAX, i64::MIN, 1 << 53, 7]) {
            let sql = "SELECT $1 AS n, $2 AS ciphertext, $3 AS t, NULL AS empty LIMIT 2".to_owned();
            let query = Query { sql, columns: 4, ciphertexts: Some(1) };
            let values = [number.into(), text.as_bytes().to_vec().into(), (*text).into()];
            let mut rows = storage.read_rows(&query, values).await.unwrap();
            assert_eq!(rows.len(), 1);
            let row = &mut rows[0];
            assert!(row.get::<Option<i64>>(3).unwrap().is_none() && row.get::<Option<i64>>(0).unwrap().is_some());
            assert_eq!(row.take::<i64>(0).unwrap(), number);
            assert_eq!(row.take::<CiphertextText>(1).unwrap().0, *text);
            assert_eq!(row.take::<Option<String>>(2).unwrap().as_deref(), Some(*text));
            assert_eq!(row.take::<Option<i64>>(3).unwrap(), None);
            assert!(row.take::<i64>(4).is_err() && row.take::<i64>(2).is_err());
        }
        let query = Query { sql: "SELECT id FROM users ORDER BY id LIMIT 1".to_owned(), columns: 1, ciphertexts: None };
        assert!(storage.read_rows(&query, []).await.unwrap().is_empty());
        storage.close().await.unwrap();
    }
}

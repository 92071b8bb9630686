//! Lists of rows, read as one.
//!
//! The driver hands the rows of SQLite one by one from the thread of the connection to the task that waits for them, and for
//! nearly every row one of the two wakes the other: that takes longer than to find it. So SQLite puts a list together itself, as
//! JSON, and hands it over once. The rows of PostgreSQL come by a socket, many at once, and stay as they are.

use sea_orm::{ConnectionTrait as _, DatabaseBackend, QueryResult, TryGetable, Value};
use serde::de::DeserializeOwned;

use crate::storage::{Storage, StorageError};

/// A query for a list.
pub(in crate::storage) struct Query {
    /// Its order must be asked for together with a limit: without one, SQLite sees no need for it in a list.
    pub(in crate::storage) sql: String,
    /// How many columns it has.
    pub(in crate::storage) columns: usize,
    /// Which of them holds ciphertexts: bytes that are text.
    pub(in crate::storage) ciphertexts: Option<usize>,
}

impl Query {
    /// The statement for SQLite, whose result is one text.
    pub(in crate::storage) fn packed(&self) -> String {
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

/// A row of a list.
pub(in crate::storage) enum ListRow {
    /// As PostgreSQL gives it.
    Single(Box<QueryResult>),
    /// As it was packed.
    Packed(Vec<serde_json::Value>),
}

const CORRUPT: StorageError = StorageError::Corrupt("a row of a list");

impl ListRow {
    /// Takes the value at a place out of the row, where nothing is left.
    pub(in crate::storage) fn take<T: TryGetable + DeserializeOwned>(
        &mut self,
        place: usize,
    ) -> Result<T, StorageError> {
        match self {
            Self::Single(row) => Ok(row.try_get_by_index(place)?),
            Self::Packed(values) => {
                let value = values.get_mut(place).ok_or(CORRUPT)?.take();
                serde_json::from_value(value).map_err(|_| CORRUPT)
            }
        }
    }

    /// Takes a ciphertext out of the row.
    pub(in crate::storage) fn take_ciphertext(&mut self, place: usize) -> Result<String, StorageError> {
        match self {
            Self::Single(row) => text(row.try_get_by_index(place)?),
            Self::Packed(_) => self.take(place),
        }
    }

    /// Whether there is no number at a place.
    pub(in crate::storage) fn is_null(&self, place: usize) -> Result<bool, StorageError> {
        match self {
            Self::Single(row) => Ok(row.try_get_by_index::<Option<i64>>(place)?.is_none()),
            Self::Packed(values) => Ok(values.get(place).ok_or(CORRUPT)?.is_null()),
        }
    }
}

impl Storage {
    /// The rows of a query, in its order.
    pub(in crate::storage) async fn read_rows(
        &self,
        query: &Query,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<ListRow>, StorageError> {
        if self.backend() != DatabaseBackend::Sqlite {
            let rows = self.reads.query_all_raw(self.statement(&query.sql, values)).await?;
            return Ok(rows.into_iter().map(|row| ListRow::Single(Box::new(row))).collect());
        }
        let row = self.reads.query_one_raw(self.statement(query.packed(), values)).await?.ok_or(CORRUPT)?;
        let text: String = row.try_get_by_index(0)?;
        drop(row);
        let rows: Vec<Vec<serde_json::Value>> = serde_json::from_str(&text).map_err(|_| CORRUPT)?;
        Ok(rows.into_iter().map(ListRow::Packed).collect())
    }
}

/// A ciphertext as it came.
pub(in crate::storage) fn text(bytes: Vec<u8>) -> Result<String, StorageError> {
    String::from_utf8(bytes).map_err(|_| StorageError::Corrupt("a ciphertext is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Whatever JSON or SQLite might make of it.
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
            assert!(row.is_null(3).unwrap() && !row.is_null(0).unwrap());
            assert_eq!(row.take::<i64>(0).unwrap(), number);
            assert_eq!(row.take_ciphertext(1).unwrap(), *text);
            assert_eq!(row.take::<Option<String>>(2).unwrap().as_deref(), Some(*text));
            assert_eq!(row.take::<Option<i64>>(3).unwrap(), None);
            assert!(row.take::<i64>(4).is_err() && row.take::<i64>(2).is_err());
        }
        let query = Query { sql: "SELECT id FROM users ORDER BY id LIMIT 1".to_owned(), columns: 1, ciphertexts: None };
        assert!(storage.read_rows(&query, []).await.unwrap().is_empty());
        storage.close().await.unwrap();
    }
}

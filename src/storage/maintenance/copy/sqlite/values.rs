//! Conversion of values to and from SQLite.

use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteRow, SqliteValueRef};
use sea_orm::sqlx::{self, Arguments as _, Decode, Row as _, TypeInfo as _, ValueRef as _};

use crate::storage::maintenance::copy::CopyError;
use crate::storage::maintenance::copy::row::{CopyRow, CopyValue};
use crate::storage::maintenance::copy::table::{ColumnKind, Table};

/// Returns the parameters of a statement with these rows.
pub(super) fn arguments(rows: &[CopyRow]) -> Result<SqliteArguments, CopyError> {
    let mut arguments = SqliteArguments::default();
    for value in rows.iter().flatten() {
        let added = match value {
            CopyValue::Null => arguments.add(None::<i64>),
            CopyValue::Int(number) => arguments.add(*number),
            CopyValue::Text(text) => arguments.add(text.clone()),
            CopyValue::Bytes(bytes) => arguments.add(bytes.clone()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Returns the values of a row. Each is checked against the type of its column, which SQLite itself does not do.
pub(super) fn decode(table: &Table, row: &SqliteRow) -> Result<CopyRow, CopyError> {
    let mut values = CopyRow::with_capacity(table.columns.len());
    for (i, column) in table.columns.iter().enumerate() {
        let raw = row.try_get_raw(i)?;
        let refuse = |reason| table.refuse(column, reason);
        if raw.is_null() {
            values.push(CopyValue::Null);
            continue;
        }
        let stored = raw.type_info().name().to_owned();
        values.push(match (column.kind, stored.as_str()) {
            (ColumnKind::Text, "TEXT") => {
                CopyValue::Text(decoded::<String>(raw).map_err(|_| refuse("holds text that is not UTF-8"))?)
            }
            (ColumnKind::Bytes, "BLOB") => CopyValue::Bytes(decoded::<Vec<u8>>(raw)?),
            (ColumnKind::Text | ColumnKind::Bytes, _) => return Err(refuse("holds a value of another type")),
            (_, "INTEGER") => CopyValue::Int(decoded::<i64>(raw)?),
            _ => return Err(refuse("holds a value of another type")),
        });
    }
    Ok(values)
}

fn decoded<'r, T: Decode<'r, sqlx::Sqlite>>(raw: SqliteValueRef<'r>) -> Result<T, sqlx::Error> {
    T::decode(raw).map_err(sqlx::Error::Decode)
}

//! Parameters of statements in the form that SQLite takes.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql};
use sea_orm::{Statement, Value};

use crate::storage::engine::bulk::Cell;

/// Binds the parameters by name: in the statement `$2` is the second parameter wherever it stands, while SQLite numbers
/// named parameters in the order in which they occur.
pub(super) fn bind(prepared: &mut CachedStatement<'_>, statement: &Statement) -> Result<(), rusqlite::Error> {
    for index in 1..=prepared.parameter_count() {
        let number = prepared.parameter_name(index).and_then(|name| name.get(1..)?.parse().ok()).unwrap_or(index);
        let value = statement.values.as_ref().and_then(|values| values.0.get(number - 1));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(number, prepared.parameter_count()))?;
        prepared.raw_bind_parameter(index, Bound(value))?;
    }
    Ok(())
}

/// A parameter in SeaORM's form.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let bound = match self.0 {
            Value::Bool(value) => value.map(|value| ValueRef::Integer(value.into())),
            Value::SmallInt(value) => value.map(|value| ValueRef::Integer(value.into())),
            Value::Int(value) => value.map(|value| ValueRef::Integer(value.into())),
            Value::BigInt(value) => value.map(ValueRef::Integer),
            Value::String(value) => value.as_ref().map(|text| ValueRef::Text(text.as_bytes())),
            Value::Bytes(value) => value.as_ref().map(|bytes| ValueRef::Blob(bytes)),
            other => {
                let kind = format!("a parameter that batches do not use: {other:?}");
                return Err(rusqlite::Error::ToSqlConversionFailure(kind.into()));
            }
        };
        Ok(ToSqlOutput::Borrowed(bound.unwrap_or(ValueRef::Null)))
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(number) => ValueRef::Integer((*number).into()),
            Self::BigInt(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

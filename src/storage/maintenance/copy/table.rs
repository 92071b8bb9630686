//! Tables and columns, from the description of either database.

use super::CopyError;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Int2,
    Int4,
    Int8,
    Bool,
    Text,
    Bytes,
}

impl ColumnKind {
    /// Returns the type for its name in either database.
    pub(super) fn parse(declared: &str) -> Option<Self> {
        let name = declared.split('(').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match name.as_str() {
            "int2" | "smallint" => Self::Int2,
            "int4" => Self::Int4,
            // On SQLite an integer of any declared size has 64 bits.
            "int8" | "bigint" | "integer" => Self::Int8,
            "bool" | "boolean" => Self::Bool,
            "text" | "varchar" => Self::Text,
            "bytea" | "blob" => Self::Bytes,
            _ => return None,
        })
    }

    /// Returns whether SQLite stores it as a number, as it does booleans.
    fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Bytes)
    }
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
}

/// A table with its columns by name, which are the same in both databases.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

impl Table {
    /// Makes a table from the name and declared type of each column.
    pub(super) fn new(name: String, columns: Vec<(String, String)>) -> Result<Self, CopyError> {
        let column = |(column, declared): (String, String)| match ColumnKind::parse(&declared) {
            Some(kind) => Ok(Column { name: column, kind }),
            None => Err(CopyError::Schema(format!("{name}.{column} has the unknown type {declared}"))),
        };
        let mut columns = columns.into_iter().map(column).collect::<Result<Vec<_>, _>>()?;
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { name, columns })
    }

    /// Returns the quoted list of columns for a statement.
    pub(super) fn list(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// Returns the error for a value that a column cannot hold.
    pub(super) fn refuse(&self, column: &Column, reason: &'static str) -> CopyError {
        CopyError::Value { table: self.name.clone(), column: column.name.clone(), reason }
    }
}

/// Returns a quoted identifier for either database.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Checks that source and target have the same tables and columns.
pub(super) fn check_same(source: &[Table], target: &[Table]) -> Result<(), CopyError> {
    let names = |tables: &[Table]| tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
    let (theirs, ours) = (names(source), names(target));
    if theirs != ours {
        let odd = theirs.iter().filter(|name| !ours.contains(name));
        let odd = odd.chain(ours.iter().filter(|name| !theirs.contains(name))).cloned().collect::<Vec<_>>();
        return Err(CopyError::Schema(format!("only one has {}", odd.join(", "))));
    }
    for (a, b) in source.iter().zip(target) {
        let fits = |(a, b): (&Column, &Column)| {
            a.name == b.name && (a.kind == b.kind || a.kind.is_number() && b.kind.is_number())
        };
        if a.columns.len() != b.columns.len() || !a.columns.iter().zip(&b.columns).all(fits) {
            return Err(CopyError::Schema(format!("the columns of {}", a.name)));
        }
    }
    Ok(())
}

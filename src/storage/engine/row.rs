//! Rows of either engine, read as Rust types.

use rusqlite::types::{FromSql, Value as Stored};
use sea_orm::QueryResult;

use crate::domain::{
    Attachment, ConversationId, DirectKey, FrankingTag, InviteId, LoginId, MessageId, OperatorTokenId, ReportId, Seq,
    Timestamp, UserId,
};
use crate::storage::StorageError;

const TOO_FEW: StorageError = StorageError::Corrupt("a row has too few columns");
const WRONG_TYPE: StorageError = StorageError::Corrupt("a value of another type");

/// A row of a result.
pub(in crate::storage) enum Row {
    /// A row that a pool or PostgreSQL returned.
    Pool(QueryResult),
    /// A row of the SQLite connection on which batches are written.
    Sqlite(Vec<Stored>),
    /// A row of a list that SQLite returned as JSON.
    Json(Vec<serde_json::Value>),
}

impl Row {
    /// Returns the value of the column at `index`, counted from 0.
    pub(in crate::storage) fn get<T: Column>(&self, index: usize) -> Result<T, StorageError> {
        match self {
            Self::Pool(row) => T::from_pool(row, index),
            Self::Sqlite(values) => T::from_stored(values.get(index).ok_or(TOO_FEW)?),
            Self::Json(values) => T::from_json(values.get(index).ok_or(TOO_FEW)?.clone()),
        }
    }

    /// Moves the value of the column at `index` out of the row.
    pub(in crate::storage) fn take<T: Column>(&mut self, index: usize) -> Result<T, StorageError> {
        match self {
            Self::Json(values) => T::from_json(values.get_mut(index).ok_or(TOO_FEW)?.take()),
            _ => self.get(index),
        }
    }

    /// Reads the whole row.
    pub(in crate::storage) fn read<T: FromRow>(mut self) -> Result<T, StorageError> {
        T::from_row(&mut self, &mut 0)
    }
}

/// A type that a column can be read as.
pub(in crate::storage) trait Column: Sized {
    fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError>;
    fn from_stored(value: &Stored) -> Result<Self, StorageError>;
    fn from_json(value: serde_json::Value) -> Result<Self, StorageError>;
}

macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Column for $type {
            fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError> {
                Ok(row.try_get_by_index(index)?)
            }

            fn from_stored(value: &Stored) -> Result<Self, StorageError> {
                FromSql::column_result(value.into()).map_err(|_| WRONG_TYPE)
            }

            fn from_json(value: serde_json::Value) -> Result<Self, StorageError> {
                serde_json::from_value(value).map_err(|_| WRONG_TYPE)
            }
        }
    )+};
}

plain!(bool, i16, i32, i64, String, Vec<u8>);
plain!(Option<bool>, Option<i32>, Option<i64>, Option<String>, Option<Vec<u8>>);

macro_rules! wrapped {
    ($($type:ty: $inner:ty = $wrap:expr),+ $(,)?) => {$(
        impl Column for $type {
            fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError> {
                <$inner>::from_pool(row, index).map($wrap)
            }

            fn from_stored(value: &Stored) -> Result<Self, StorageError> {
                <$inner>::from_stored(value).map($wrap)
            }

            fn from_json(value: serde_json::Value) -> Result<Self, StorageError> {
                <$inner>::from_json(value).map($wrap)
            }
        }
    )+};
}

wrapped! {
    UserId: i32 = UserId,
    InviteId: i64 = InviteId,
    LoginId: i64 = LoginId,
    OperatorTokenId: i64 = OperatorTokenId::new,
    ReportId: i64 = ReportId,
    MessageId: i64 = MessageId,
    ConversationId: i64 = ConversationId,
    DirectKey: i64 = DirectKey::from_stored,
    Seq: i64 = Seq,
    Timestamp: i64 = Timestamp::from_micros,
    Option<UserId>: Option<i32> = |id| id.map(UserId),
    Option<FrankingTag>: Option<String> = |text| text.as_deref().and_then(FrankingTag::parse),
    Vec<Attachment>: Option<String> = |list| list.as_deref().and_then(Attachment::read_list).unwrap_or_default(),
    Option<MessageId>: Option<i64> = |id| id.map(MessageId),
    Option<Seq>: Option<i64> = |seq| seq.map(Seq),
    Option<Timestamp>: Option<i64> = |micros| micros.map(Timestamp::from_micros),
}

/// A ciphertext: text that is stored as bytes.
pub(in crate::storage) struct CiphertextText(pub(in crate::storage) String);

impl CiphertextText {
    fn new(bytes: Vec<u8>) -> Result<Self, StorageError> {
        String::from_utf8(bytes).map(Self).map_err(|_| StorageError::Corrupt("a ciphertext is not UTF-8"))
    }
}

impl Column for CiphertextText {
    fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError> {
        Self::new(Vec::from_pool(row, index)?)
    }

    fn from_stored(value: &Stored) -> Result<Self, StorageError> {
        Self::new(Vec::from_stored(value)?)
    }

    /// In a JSON list a ciphertext is text already.
    fn from_json(value: serde_json::Value) -> Result<Self, StorageError> {
        String::from_json(value).map(Self)
    }
}

/// A type that consecutive columns can be read as.
pub(in crate::storage) trait FromRow: Sized {
    /// Reads the columns from `next` on, and moves `next` behind them.
    fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError>;
}

macro_rules! tuples {
    ($($($name:ident)+;)+) => {$(
        impl<$($name: Column),+> FromRow for ($($name,)+) {
            fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError> {
                Ok(($(take_next::<$name>(row, next)?,)+))
            }
        }
    )+};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
}

/// Takes the column at `next`, and moves `next` behind it.
pub(in crate::storage) fn take_next<T: Column>(row: &mut Row, next: &mut usize) -> Result<T, StorageError> {
    let value = row.take(*next)?;
    *next += 1;
    Ok(value)
}

/// Columns that are declared once, by [`columns!`]: the text that selects them and the type that reads them.
pub(in crate::storage) trait Columns: FromRow {
    /// The names of the fields, in the order of the columns.
    const FIELDS: &'static [&'static str];

    /// Returns the columns of a `SELECT`, in the order in which they are read.
    fn select() -> String;
}

/// Reads `None` when the first column is NULL, as in the missing row of a `LEFT JOIN`.
impl<T: Columns> FromRow for Option<T> {
    fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError> {
        if row.get::<Option<i64>>(*next)?.is_none() {
            *next += T::FIELDS.len();
            return Ok(None);
        }
        T::from_row(row, next).map(Some)
    }
}

/// Declares a struct whose fields are columns of a query: `field: Type = "the SQL of the column"`.
macro_rules! columns {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty = $sql:expr,)+
    }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $type,)+
        }

        impl $crate::storage::engine::row::FromRow for $name {
            fn from_row(
                row: &mut $crate::storage::engine::row::Row,
                next: &mut usize,
            ) -> Result<Self, $crate::storage::StorageError> {
                Ok(Self { $($field: $crate::storage::engine::row::take_next(row, next)?,)+ })
            }
        }

        impl $crate::storage::engine::row::Columns for $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn select() -> String {
                [$(String::from($sql)),+].join(", ")
            }
        }
    };
}

pub(in crate::storage) use columns;

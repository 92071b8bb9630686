//! The binary form of `COPY` (<https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format").

use bytes::{Buf as _, BufMut as _, BytesMut};

use super::CopyError;
use super::row::{CopyRow, CopyValue};
use super::table::{Column, ColumnKind, Table};

/// Signature, flags, length of the extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The number of fields that marks the end of the rows.
const END: i16 = -1;
/// The length that stands for NULL.
const NULL: i32 = -1;

pub(super) fn begin(to: &mut Vec<u8>) {
    to.extend_from_slice(HEADER);
}

pub(super) fn end(to: &mut Vec<u8>) {
    to.put_i16(END);
}

/// Appends a row.
pub(super) fn encode(table: &Table, row: &CopyRow, to: &mut Vec<u8>) -> Result<(), CopyError> {
    to.put_i16(i16::try_from(row.len()).unwrap_or(i16::MAX));
    for (column, value) in table.columns.iter().zip(row) {
        let refuse = |reason| table.refuse(column, reason);
        let too_large = |_| refuse("holds a number that is too large for its type");
        match (column.kind, value) {
            (_, CopyValue::Null) => to.put_i32(NULL),
            (ColumnKind::Int2, CopyValue::Int(number)) => {
                to.put_i32(2);
                to.put_i16(i16::try_from(*number).map_err(too_large)?);
            }
            (ColumnKind::Int4, CopyValue::Int(number)) => {
                to.put_i32(4);
                to.put_i32(i32::try_from(*number).map_err(too_large)?);
            }
            (ColumnKind::Int8, CopyValue::Int(number)) => {
                to.put_i32(8);
                to.put_i64(*number);
            }
            (ColumnKind::Bool, CopyValue::Int(number @ (0 | 1))) => {
                to.put_i32(1);
                to.put_u8(u8::from(*number == 1));
            }
            (ColumnKind::Text, CopyValue::Text(text)) if text.contains('\0') => {
                return Err(refuse("holds text with a NUL, which PostgreSQL does not take"));
            }
            (ColumnKind::Text, CopyValue::Text(text)) => put_bytes(text.as_bytes(), to),
            (ColumnKind::Bytes, CopyValue::Bytes(bytes)) => put_bytes(bytes, to),
            _ => return Err(refuse("holds a value of another type")),
        }
    }
    Ok(())
}

fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    // Always fits: neither engine has values above a gigabyte.
    to.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    to.extend_from_slice(bytes);
}

/// Decodes rows from a stream that comes in pieces of any size.
pub(super) struct Decoder<'a> {
    table: &'a Table,
    buffer: BytesMut,
    has_begun: bool,
    has_ended: bool,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        Self { table, buffer: BytesMut::new(), has_begun: false, has_ended: false }
    }

    /// Adds the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Returns the next row, if all of it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<CopyRow>, CopyError> {
        if !self.has_begun {
            if self.buffer.len() < HEADER.len() {
                return Ok(None);
            }
            if !self.buffer.starts_with(HEADER) {
                return Err(self.broken());
            }
            self.buffer.advance(HEADER.len());
            self.has_begun = true;
        }
        let mut rest: &[u8] = &self.buffer;
        let Ok(fields) = rest.try_get_i16() else { return Ok(None) };
        if fields == END {
            self.has_ended = true;
            return Ok(None);
        }
        if usize::try_from(fields) != Ok(self.table.columns.len()) {
            return Err(self.broken());
        }
        let mut row = CopyRow::with_capacity(self.table.columns.len());
        for column in &self.table.columns {
            let Ok(length) = rest.try_get_i32() else { return Ok(None) };
            if length == NULL {
                row.push(CopyValue::Null);
                continue;
            }
            let length = usize::try_from(length).map_err(|_| self.broken())?;
            let Some((field, behind)) = rest.split_at_checked(length) else { return Ok(None) };
            row.push(self.value(column, field)?);
            rest = behind;
        }
        let taken = self.buffer.len() - rest.len();
        self.buffer.advance(taken);
        Ok(Some(row))
    }

    /// Checks that the stream is complete.
    pub(super) fn finish(self) -> Result<(), CopyError> {
        if self.has_ended { Ok(()) } else { Err(self.broken()) }
    }

    fn value(&self, column: &Column, field: &[u8]) -> Result<CopyValue, CopyError> {
        let number = |number: Option<i64>| number.map(CopyValue::Int).ok_or_else(|| self.broken());
        match column.kind {
            ColumnKind::Int2 => number(field.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).into())),
            ColumnKind::Int4 => number(field.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).into())),
            ColumnKind::Int8 => number(field.try_into().ok().map(i64::from_be_bytes)),
            ColumnKind::Bool => number(field.first().map(|byte| i64::from(*byte))),
            ColumnKind::Text => String::from_utf8(field.to_vec())
                .map(CopyValue::Text)
                .map_err(|_| self.table.refuse(column, "holds text that is not UTF-8")),
            ColumnKind::Bytes => Ok(CopyValue::Bytes(field.to_vec())),
        }
    }

    fn broken(&self) -> CopyError {
        CopyError::Schema(format!("what PostgreSQL sends of {} is not in its binary form", self.table.name))
    }
}

#[cfg(test)]
mod tests;

//! Rows on their way, and what they add up to.

use std::fmt;

use aws_lc_rs::digest;

/// Rows of a batch.
const MAX_ROWS: usize = 512;
/// Bytes of a batch, about.
const MAX_BYTES: usize = 512 * 1024;

/// What stands in one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// Truth values too.
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A row: a value for each column of the table.
pub(super) type Row = Vec<Value>;

/// Some rows of one table.
#[derive(Debug, Default)]
pub(super) struct Batch {
    rows: Vec<Row>,
    bytes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, row: Row) {
        self.bytes += row.iter().map(Value::size).sum::<usize>();
        self.rows.push(row);
    }

    /// Whether it is time to pass it on.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn as_slice(&self) -> &[Row] {
        &self.rows
    }
}

/// Of all rows of a table, in whatever order they come: the sum of the first halves of their SHA-256, modulo 2¹²⁸.
///
/// A sum and not an exclusive or, in which a row that is there twice would vanish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    rows: u64,
    sum: u128,
}

impl Checksum {
    pub(super) fn add(&mut self, batch: &Batch) {
        let mut bytes = Vec::new();
        for row in &batch.rows {
            bytes.clear();
            for value in row {
                encode(value, &mut bytes);
            }
            let hash = digest::digest(&digest::SHA256, &bytes);
            let half = hash.as_ref().first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
            self.sum = self.sum.wrapping_add(half);
            self.rows += 1;
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

/// So that no two rows of a table look alike.
fn encode(value: &Value, to: &mut Vec<u8>) {
    let (kind, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Int(number) => (1, &number.to_be_bytes()),
        Value::Text(text) => (2, text.as_bytes()),
        Value::Bytes(bytes) => (3, bytes),
    };
    to.push(kind);
    to.extend_from_slice(&bytes.len().to_be_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[Row]) -> Checksum {
        let (mut sum, mut batch) = (Checksum::default(), Batch::default());
        for row in rows {
            batch.push(row.clone());
        }
        sum.add(&batch);
        sum
    }

    #[test]
    fn a_checksum_knows_everything_but_the_order() {
        let (a, b) = (vec![Value::Int(1), Value::Text("x".to_owned())], vec![Value::Int(2), Value::Null]);
        let both = sum(&[a.clone(), b.clone()]);
        assert_eq!(both, sum(&[b.clone(), a.clone()]));
        let others = [
            vec![a.clone()],
            vec![a.clone(), b.clone(), b.clone()],
            vec![a.clone(), b.clone(), b.clone(), b.clone()],
            vec![a.clone(), vec![Value::Int(2), Value::Text(String::new())]],
            vec![a.clone(), vec![Value::Null, Value::Int(2)]],
            vec![vec![Value::Int(1), Value::Bytes(b"x".to_vec())], b.clone()],
        ];
        for other in others {
            assert_ne!(both.to_string(), sum(&other).to_string(), "{other:?}");
        }
        assert_eq!(both.to_string().len(), 32);
    }
}

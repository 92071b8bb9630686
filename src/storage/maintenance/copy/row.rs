//! Rows of a copy, and their checksum.

use std::fmt;

use aws_lc_rs::digest;

/// Most rows of a batch.
const MAX_ROWS: usize = 512;
/// Bytes at which a batch is complete.
const MAX_BYTES: usize = 512 * 1024;

/// The value of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CopyValue {
    Null,
    /// An integer or a boolean.
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl CopyValue {
    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A row: a value for each column of the table.
pub(super) type CopyRow = Vec<CopyValue>;

/// Some rows of one table.
#[derive(Debug, Default)]
pub(super) struct CopyBatch {
    rows: Vec<CopyRow>,
    bytes: usize,
}

impl CopyBatch {
    pub(super) fn push(&mut self, row: CopyRow) {
        self.bytes += row.iter().map(CopyValue::size).sum::<usize>();
        self.rows.push(row);
    }

    /// Returns whether the batch is complete.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn as_slice(&self) -> &[CopyRow] {
        &self.rows
    }
}

/// The checksum of all rows of a table, independent of their order: the sum of the first halves of their SHA-256,
/// modulo 2¹²⁸.
///
/// It is a sum and not an exclusive or, in which a row that is there twice would vanish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    rows: u64,
    sum: u128,
}

impl Checksum {
    pub(super) fn add(&mut self, batch: &CopyBatch) {
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

/// Appends the encoding of a value, so that no two rows of a table have the same encoding.
fn encode(value: &CopyValue, to: &mut Vec<u8>) {
    let (kind, bytes): (u8, &[u8]) = match value {
        CopyValue::Null => (0, &[]),
        CopyValue::Int(number) => (1, &number.to_be_bytes()),
        CopyValue::Text(text) => (2, text.as_bytes()),
        CopyValue::Bytes(bytes) => (3, bytes),
    };
    to.push(kind);
    to.extend_from_slice(&bytes.len().to_be_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[CopyRow]) -> Checksum {
        let (mut sum, mut batch) = (Checksum::default(), CopyBatch::default());
        for row in rows {
            batch.push(row.clone());
        }
        sum.add(&batch);
        sum
    }

    #[test]
    fn a_checksum_knows_everything_but_the_order() {
        let (a, b) =
            (vec![CopyValue::Int(1), CopyValue::Text("x".to_owned())], vec![CopyValue::Int(2), CopyValue::Null]);
        let both = sum(&[a.clone(), b.clone()]);
        assert_eq!(both, sum(&[b.clone(), a.clone()]));
        let others = [
            vec![a.clone()],
            vec![a.clone(), b.clone(), b.clone()],
            vec![a.clone(), b.clone(), b.clone(), b.clone()],
            vec![a.clone(), vec![CopyValue::Int(2), CopyValue::Text(String::new())]],
            vec![a.clone(), vec![CopyValue::Null, CopyValue::Int(2)]],
            vec![vec![CopyValue::Int(1), CopyValue::Bytes(b"x".to_vec())], b.clone()],
        ];
        for other in others {
            assert_ne!(both.to_string(), sum(&other).to_string(), "{other:?}");
        }
        assert_eq!(both.to_string().len(), 32);
    }
}

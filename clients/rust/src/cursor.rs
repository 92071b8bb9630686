//! A place in the stream of events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in the server's stream of events, `epoch:seq`. Another epoch is another store.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    epoch: String,
    seq: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidCursor {
    /// There is no colon between the epoch and the number.
    #[error("a cursor without a colon")]
    NoColon,
    /// The part behind the last colon is no number.
    #[error("a cursor without a number")]
    NoNumber,
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (epoch, seq) = text.rsplit_once(':').ok_or(InvalidCursor::NoColon)?;
        let seq = seq.parse().map_err(|_| InvalidCursor::NoNumber)?;
        Ok(Self { epoch: epoch.to_owned(), seq })
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl Cursor {
    /// Makes the cursor behind event `seq` of the store that `epoch` names.
    #[must_use]
    pub fn new(epoch: impl Into<String>, seq: u64) -> Self {
        Self { epoch: epoch.into(), seq }
    }

    /// Returns the name of the store, which may only be compared.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Returns the number of the event that it stands behind.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written() {
        assert_eq!("k3f9:812".parse::<Cursor>().unwrap().to_string(), "k3f9:812");
        for bad in ["", "812", "k3f9:", "k3f9:-1"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}

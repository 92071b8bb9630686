//! Cursors: how far a device has got in the order of a store.

use std::fmt;
use std::str::FromStr;

use super::Seq;

/// The name of one store's history; a restore from a backup gives it another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(String);

impl Epoch {
    /// 1–32 letters, digits, `-` or `_`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        valid.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Everything up to `seq`, in the history named by `epoch`. Written `epoch:seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The history.
    pub epoch: Epoch,
    /// The last event that is kept.
    pub seq: Seq,
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor such as k3f9:812")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch.0, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (epoch, seq) = text.split_once(':').ok_or(CursorError)?;
        // `parse` alone would take a sign.
        let digits = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| digits).map(Seq).ok_or(CursorError)?;
        Ok(Self { epoch: Epoch::parse(epoch).ok_or(CursorError)?, seq })
    }
}

/// The reason why a cursor cannot be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetReason {
    /// The text is no cursor, or the cursor is of another history.
    Epoch,
    /// The cursor is beyond the store's newest event.
    Future,
    /// Events after the cursor are no longer kept.
    Expired,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_cursor() {
        for bad in ["", ":", "a", "a:", ":1", "a:-1", "a:+1", "a:1:2", "a b:1", "a:99999999999999999999", "ä:1"] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(epoch in "[A-Za-z0-9_-]{1,32}", seq in 0..i64::MAX) {
            let cursor = Cursor { epoch: Epoch::parse(&epoch).unwrap(), seq: Seq(seq) };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }
}

//! Cursors: how far a device has got in the order of a store.

use std::fmt;
use std::str::FromStr;

use super::Seq;

/// The name of one store's history; a restore from a backup gives it another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(String);

impl Epoch {
    /// Takes 1–32 ASCII letters, digits, `-` or `_`; `None` for anything else.
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

/// The cursor after which a device asks for events, as the device gave it. A text that is no cursor is kept as such: it
/// is treated like a cursor of another history, and the device begins anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since(Option<Cursor>);

impl Since {
    /// Reads the text that a device gave; `None` when it is empty. Any other text that is no cursor gives a value that
    /// no store honours, so that a device with a damaged cursor is sent a `reset` instead of silently missing events.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.parse().ok()))
    }
}

/// The newest and the oldest event that a store can deliver.
#[derive(Clone, Debug)]
pub struct Position {
    /// The name of the store's history.
    pub epoch: Epoch,
    /// The number of the newest event.
    pub head: Seq,
    /// The highest number whose event may no longer be kept.
    pub dropped: Seq,
}

impl Position {
    /// The newest cursor there is.
    #[must_use]
    pub fn newest(&self) -> Cursor {
        Cursor { epoch: self.epoch.clone(), seq: self.head }
    }

    /// Returns the cursor when everything after it can still be delivered, else the reason why not. `epoch:0`, the
    /// cursor of a device that has nothing, is always honoured: after it comes everything that still exists.
    pub fn honours(&self, since: &Since) -> Result<Cursor, ResetReason> {
        let cursor = since.0.as_ref().ok_or(ResetReason::Epoch)?;
        if cursor.epoch != self.epoch {
            Err(ResetReason::Epoch)
        } else if cursor.seq > self.head {
            Err(ResetReason::Future)
        } else if cursor.seq < self.dropped && cursor.seq.0 != 0 {
            Err(ResetReason::Expired)
        } else {
            Ok(cursor.clone())
        }
    }
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

    #[test]
    fn a_cursor_is_honoured_while_everything_after_it_can_be_told() {
        let position = Position { epoch: Epoch::parse("k3f9").unwrap(), head: Seq(9), dropped: Seq(4) };
        let honours = |text: &str| position.honours(&Since::parse(text).unwrap()).map(|cursor| cursor.seq.0);
        for seq in [0, 4, 9] {
            assert_eq!(honours(&format!("k3f9:{seq}")), Ok(seq));
        }
        assert_eq!(honours("k3f9:3"), Err(ResetReason::Expired));
        assert_eq!(honours("k3f9:10"), Err(ResetReason::Future));
        assert_eq!(honours("other:5"), Err(ResetReason::Epoch));
        assert_eq!(honours("5"), Err(ResetReason::Epoch));
        assert_eq!(Since::parse(""), None);
    }

    proptest! {
        #[test]
        fn text_round_trips(epoch in "[A-Za-z0-9_-]{1,32}", seq in 0..i64::MAX) {
            let cursor = Cursor { epoch: Epoch::parse(&epoch).unwrap(), seq: Seq(seq) };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }
}

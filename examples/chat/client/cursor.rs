//! How much of the stream of events this device has, and when a cursor may be saved.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Events kept since the last save after which a replay saves again: a crash repeats at most so many.
const SAVE_EVERY: u32 = 100;

/// A place in the server's stream of events, `epoch:seq`. Another epoch is another store.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cursor {
    epoch: String,
    seq: u64,
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (epoch, seq) = text.rsplit_once(':').ok_or("a cursor without a colon")?;
        let seq = seq.parse().map_err(|_| "a cursor without a number")?;
        Ok(Self { epoch: epoch.to_owned(), seq })
    }
}

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl Cursor {
    /// The number of the event that it stands behind.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.epoch, self.seq)
    }
}

/// The place up to which everything is kept.
///
/// There is none on a new device, nor between a `reset` and the end of the reload by history: whoever stops then begins the
/// reload anew instead of resuming behind a hole.
pub(crate) struct Progress {
    kept: Option<Cursor>,
    /// The newest place heard of on this socket: events up to it are known.
    heard: Cursor,
    /// The number of the reload that is going on.
    reloading: Option<u32>,
    reloads: u32,
    unsaved: u32,
}

impl Progress {
    /// With what is on disk.
    pub(crate) fn new(saved: Option<Cursor>) -> Self {
        let heard = Cursor { epoch: String::new(), seq: 0 };
        Self { kept: saved, heard, reloading: None, reloads: 0, unsaved: 0 }
    }

    /// Where the next socket resumes.
    pub(crate) fn kept(&self) -> Option<&Cursor> {
        self.kept.as_ref()
    }

    /// A socket starts here. A number when the device has nothing before it: history must be loaded.
    pub(crate) fn hello(&mut self, start: Cursor) -> Option<u32> {
        self.heard = start;
        self.kept.is_none().then(|| self.reload())
    }

    /// The cursor was not honoured: history must be loaded.
    pub(crate) fn reset(&mut self, start: Cursor) -> u32 {
        self.heard = start;
        self.reload()
    }

    /// Whether the event with this number is new.
    pub(crate) fn is_new(&self, seq: u64) -> bool {
        seq > self.heard.seq
    }

    /// The event with this number is kept.
    pub(crate) fn keep(&mut self, seq: u64) {
        self.heard.seq = self.heard.seq.max(seq);
        self.advance();
    }

    /// Nothing is missing up to here.
    pub(crate) fn live(&mut self, end: Cursor) {
        let seq = self.heard.seq.max(end.seq);
        self.heard = Cursor { seq, ..end };
        self.advance();
    }

    /// History is loaded; `false` when it was for an earlier socket: what came in between would be missing.
    pub(crate) fn reloaded(&mut self, number: u32) -> bool {
        let is_current = self.reloading == Some(number);
        if is_current {
            self.reloading = None;
            self.advance();
        }
        is_current
    }

    /// Whether this reload is the one that counts.
    pub(crate) fn is_reloading(&self, number: u32) -> bool {
        self.reloading == Some(number)
    }

    /// The socket is gone.
    pub(crate) fn closed(&mut self) {
        self.reloading = None;
    }

    /// What to save: each step when live, else one in many.
    pub(crate) fn save(&mut self, is_live: bool) -> Option<Cursor> {
        if self.unsaved == 0 || (!is_live && self.unsaved < SAVE_EVERY) {
            return None;
        }
        self.unsaved = 0;
        self.kept.clone()
    }

    fn reload(&mut self) -> u32 {
        self.kept = None;
        self.unsaved = 0;
        self.reloads += 1;
        self.reloading = Some(self.reloads);
        self.reloads
    }

    fn advance(&mut self) {
        if self.reloading.is_none() && self.kept.as_ref() != Some(&self.heard) {
            self.kept = Some(self.heard.clone());
            self.unsaved += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> Cursor {
        text.parse().unwrap()
    }

    #[test]
    fn cursors_are_read_as_they_are_written() {
        assert_eq!(cursor("k3f9:812").to_string(), "k3f9:812");
        for bad in ["", "812", "k3f9:", "k3f9:-1"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_new_device_has_a_cursor_only_after_history() {
        let mut progress = Progress::new(None);
        let number = progress.hello(cursor("e:5")).unwrap();
        progress.live(cursor("e:5"));
        progress.keep(7);
        assert_eq!(progress.kept(), None);
        assert_eq!(progress.save(true), None);
        assert!(progress.reloaded(number));
        assert_eq!(progress.save(true), Some(cursor("e:7")));
        assert_eq!(progress.save(true), None, "saved once");
    }

    #[test]
    fn a_reload_for_an_earlier_socket_does_not_count() {
        let mut progress = Progress::new(Some(cursor("old:9")));
        assert_eq!(progress.hello(cursor("e:5")), None);
        let first = progress.reset(cursor("e:5"));
        assert_eq!(progress.kept(), None);
        progress.closed();
        let second = progress.hello(cursor("e:8")).unwrap();
        assert!(!progress.reloaded(first));
        assert_eq!(progress.kept(), None);
        assert!(progress.reloaded(second));
        assert_eq!(progress.kept(), Some(&cursor("e:8")));
    }

    #[test]
    fn a_replay_saves_now_and_then() {
        let mut progress = Progress::new(Some(cursor("e:0")));
        progress.hello(cursor("e:0"));
        let saved: Vec<_> = (1..=250)
            .filter_map(|seq| {
                progress.keep(seq);
                progress.save(false)
            })
            .collect();
        assert_eq!(saved, [cursor("e:100"), cursor("e:200")]);
        progress.live(cursor("e:260"));
        assert_eq!(progress.save(true), Some(cursor("e:260")));
    }

    #[test]
    fn known_numbers_are_not_new() {
        let mut progress = Progress::new(Some(cursor("e:3")));
        progress.hello(cursor("e:3"));
        assert!(!progress.is_new(3));
        assert!(progress.is_new(4));
        progress.keep(4);
        assert!(!progress.is_new(4));
        progress.live(cursor("e:6"));
        assert!(!progress.is_new(6));
    }
}

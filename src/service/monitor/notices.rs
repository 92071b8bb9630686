//! What operators should learn at once: the last notices, and those who follow them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use crate::domain::Timestamp;

/// Notices that are kept.
const KEPT: usize = 50;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Something is well again.
    Info,
    /// The server can be used, but somebody should look.
    Warn,
    /// The server cannot be used, or an actor does not work.
    Error,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// How bad it is.
    pub level: NoticeLevel,
    /// What it is about, as a word for programs.
    pub kind: &'static str,
    /// The same for people, in one line.
    pub text: String,
}

/// The last 50 notices.
#[derive(Debug)]
pub struct Notices {
    kept: Mutex<VecDeque<Notice>>,
    /// How many there were.
    count: watch::Sender<u64>,
}

impl Default for Notices {
    fn default() -> Self {
        Self { kept: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Notices {
    /// Adds a notice, and tells those who follow.
    pub fn add(&self, at: Timestamp, level: NoticeLevel, kind: &'static str, text: String) {
        let mut kept = self.kept();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Notice { at, level, kind, text });
        // Within the lock, so that the count is that of the list.
        self.count.send_modify(|count| *count += 1);
    }

    /// Tells whoever follows how many there were, whenever there is another one.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// Returns those that came after the first `seen`, as far as they are kept, and how many there were in all.
    pub(super) fn after(&self, seen: u64) -> (Vec<Notice>, u64) {
        let kept = self.kept();
        let count = *self.count.borrow();
        let new = usize::try_from(count.saturating_sub(seen)).unwrap_or(usize::MAX);
        (kept.iter().skip(kept.len().saturating_sub(new)).cloned().collect(), count)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Notice>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_notices_are_kept_and_each_is_read_once() {
        let notices = Notices::default();
        let add = |number: u32| {
            let at = Timestamp::from_micros(number.into());
            notices.add(at, NoticeLevel::Warn, "test", number.to_string());
        };
        (1..=3).for_each(add);
        let texts = |seen| -> (Vec<String>, u64) {
            let (new, count) = notices.after(seen);
            (new.into_iter().map(|notice| notice.text).collect(), count)
        };
        assert_eq!(texts(1), (vec!["2".to_owned(), "3".to_owned()], 3));
        assert_eq!(texts(3), (vec![], 3));
        (4..=200).for_each(add);
        let (new, count) = texts(3);
        assert_eq!((new.len(), count), (KEPT, 200), "whoever reads too slowly misses the oldest");
        assert_eq!((new[0].as_str(), new[KEPT - 1].as_str()), ("151", "200"));
    }
}

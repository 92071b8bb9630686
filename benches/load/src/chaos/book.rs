//! What is known of every message: written down by all clients, and compared at the end with what the server tells.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::marked_frame::Mark;

/// How somebody heard that a message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// By an answer that says that this try has stored it.
    First,
    /// By one that says that another try had.
    Duplicate,
    /// By seeing it.
    Seen,
}

/// What is known of one message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    /// Its id; 0 when it was not told, as to a legacy client.
    pub(super) id: u64,
    pub(super) is_acknowledged: bool,
    has_first: bool,
}

/// What is known of all messages.
#[derive(Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    /// By pair, then by number.
    fates: HashMap<u64, Vec<Fate>>,
    acknowledged: u64,
    /// Messages with two ids, or stored by two tries.
    doubled: u64,
}

impl Book {
    /// A message is stored; whether that is news.
    pub(super) fn acknowledge(&self, mark: Mark, id: Option<u64>, heard: Heard) -> bool {
        let mut pages = self.open();
        let page = pages.fates.entry(mark.pair).or_default();
        let place = usize::try_from(mark.seq).unwrap_or(usize::MAX);
        if page.len() <= place {
            page.resize(place + 1, Fate::default());
        }
        let Some(fate) = page.get_mut(place) else { return false };
        let id = id.unwrap_or(0);
        let is_other = id != 0 && fate.id != 0 && id != fate.id;
        let is_second = heard == Heard::First && fate.has_first;
        fate.id = if fate.id == 0 { id } else { fate.id };
        fate.has_first |= heard == Heard::First;
        let is_news = !std::mem::replace(&mut fate.is_acknowledged, true);
        pages.doubled += u64::from(is_other || is_second);
        pages.acknowledged += u64::from(is_news);
        is_news
    }

    /// Messages that somebody knows to be stored.
    pub(super) fn acknowledged(&self) -> u64 {
        self.open().acknowledged
    }

    /// Messages that were told to have two ids, or to be stored by two tries.
    pub(super) fn doubled(&self) -> u64 {
        self.open().doubled
    }

    /// All messages that are known to be stored: pair, number, and what is known.
    pub(super) fn each(&self, mut look: impl FnMut(u64, u64, Fate)) {
        for (pair, page) in &self.open().fates {
            for (fate, number) in page.iter().zip(0..) {
                if fate.is_acknowledged {
                    look(*pair, number, *fate);
                }
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_and_one_first_answer() {
        let book = Book::default();
        let mark = |seq| Mark { intended: 1, pair: 7, seq };
        assert!(book.acknowledge(mark(2), Some(10), Heard::First));
        assert!(
            !book.acknowledge(mark(2), Some(10), Heard::Duplicate) && !book.acknowledge(mark(2), None, Heard::Seen)
        );
        assert_eq!((book.acknowledged(), book.doubled()), (1, 0));
        book.acknowledge(mark(2), Some(11), Heard::Duplicate);
        assert_eq!(book.doubled(), 1, "another id");
        book.acknowledge(mark(2), Some(10), Heard::First);
        assert_eq!(book.doubled(), 2, "stored twice");
        assert!(book.acknowledge(mark(0), None, Heard::Seen));
        assert!(!book.acknowledge(mark(0), Some(9), Heard::First));
        assert_eq!((book.acknowledged(), book.doubled()), (2, 2));
    }
}

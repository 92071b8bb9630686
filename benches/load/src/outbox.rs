//! What a client still has to get rid of, one message at a time to each of those it writes to, so that they come in
//! order.

use std::collections::VecDeque;

use anyhow::Result;

use crate::marked_frame::{Dialect, Mark, MarkedFrame};

/// Messages to one person that have no answer yet.
pub(crate) struct Outbox {
    frame: MarkedFrame,
    pair: u64,
    /// Messages written so far.
    count: u64,
    /// Those without an answer: number and when each was due.
    waiting: VecDeque<(u64, u64)>,
    /// The first of them has been sent.
    in_flight: bool,
}

impl Outbox {
    /// For user `to`; each copy has this many characters that follow from `seed`.
    pub(crate) fn new(dialect: Dialect, pair: u64, to: i32, bytes: u32, seed: u64) -> Result<Self> {
        let frame = MarkedFrame::new(dialect, pair, to, bytes as usize, seed)?;
        Ok(Self { frame, pair, count: 0, waiting: VecDeque::new(), in_flight: false })
    }

    /// Whose messages these are.
    pub(crate) fn pair(&self) -> u64 {
        self.pair
    }

    /// One more message is to be sent.
    pub(crate) fn write(&mut self, due: u64) {
        self.waiting.push_back((self.count, due));
        self.count += 1;
    }

    /// The next frame, unless one is on its way.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let &(seq, due) = self.waiting.front().filter(|_| !self.in_flight)?;
        self.in_flight = true;
        Some(self.frame.write(seq, due))
    }

    /// The message is stored; no when it was known already, as after an answer that came late.
    pub(crate) fn acknowledge(&mut self, mark: Mark) -> bool {
        let is_first = self.waiting.front() == Some(&(mark.seq, mark.intended));
        if is_first {
            self.waiting.pop_front();
            self.in_flight = false;
        }
        is_first
    }

    /// Messages without an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_at_a_time_until_it_is_stored() {
        let mut outbox = Outbox::new(Dialect::V1, 3, 7, 100, 1).unwrap();
        outbox.write(50);
        outbox.write(60);
        let first = outbox.next().unwrap().to_vec();
        assert_eq!(outbox.next(), None);
        let mark = Mark { intended: 50, pair: 3, seq: 0 };
        assert!(outbox.acknowledge(mark) && !outbox.acknowledge(mark));
        assert!(outbox.next().is_some_and(|second| second != first));
        assert_eq!(outbox.waiting(), 1);
    }
}

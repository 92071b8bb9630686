//! A tally of numbered messages: which are lost, doubled, or out of order.

use std::collections::BTreeSet;

/// The tally of the messages 0, 1, 2, … of one pair.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// One more than the highest that has arrived.
    next: u64,
    /// Lower ones that have not arrived.
    missing: BTreeSet<u64>,
    /// Messages that have arrived, each counted once.
    pub(crate) count: u64,
    /// Messages that arrived again.
    pub(crate) duplicated: u64,
    /// Messages that arrived after a later one.
    pub(crate) out_of_order: u64,
}

impl Tally {
    /// Records the arrival of message number `seq`.
    pub(crate) fn note(&mut self, seq: u64) {
        if seq >= self.next {
            self.missing.extend(self.next..seq);
            self.next = seq + 1;
        } else if self.missing.remove(&seq) {
            self.out_of_order += 1;
        } else {
            self.duplicated += 1;
            return;
        }
        self.count += 1;
    }

    fn has(&self, seq: u64) -> bool {
        seq < self.next && !self.missing.contains(&seq)
    }

    /// Returns how many of these messages are not in `there`.
    pub(crate) fn not_in(&self, there: &Self) -> u64 {
        let is_lost = |seq: &u64| self.has(*seq) && !there.has(*seq);
        (0..self.next).filter(is_lost).fold(0, |lost, _| lost + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(seqs: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for &seq in seqs {
            tally.note(seq);
        }
        tally
    }

    #[test]
    fn in_order() {
        let all = tally(&[0, 1, 2, 3]);
        assert_eq!((all.count, all.duplicated, all.out_of_order), (4, 0, 0));
        assert_eq!(all.not_in(&tally(&[0, 1, 2, 3])), 0);
    }

    #[test]
    fn lost_twice_and_late() {
        let some = tally(&[0, 2, 2, 1, 5, 0]);
        assert_eq!((some.count, some.duplicated, some.out_of_order), (4, 2, 1));
        assert_eq!(tally(&[0, 1, 2, 3, 4, 5, 6]).not_in(&some), 3, "3, 4 and 6");
        assert_eq!(tally(&[0, 4]).not_in(&some), 1, "what was not acknowledged may be missing");
    }
}

//! A fuse: when a provider suddenly calls most tokens dead, the fault is more likely ours or its own than the devices'.

/// Answers that are looked at.
const WINDOW: u32 = 20;
/// So many of them must say dead, at least.
const LEAST: u32 = 10;

/// The last answers about tokens: a bit each, the newest the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::push) struct Fuse {
    dead: u32,
    answers: u32,
}

impl Fuse {
    /// Notes whether an answer calls its token dead.
    pub(in crate::push) fn note(&mut self, is_dead: bool) {
        self.dead = (self.dead << 1 | u32::from(is_dead)) & ((1 << WINDOW) - 1);
        self.answers = (self.answers + 1).min(WINDOW);
    }

    /// Returns whether no token is deleted now: at least ten of the last twenty answers, and more than half, say dead.
    pub(in crate::push) fn is_blown(self) -> bool {
        let dead = self.dead.count_ones();
        dead >= LEAST && dead * 2 > self.answers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_dead_tokens_in_a_row_blow_it_and_ten_good_ones_mend_it() {
        let mut fuse = Fuse::default();
        for _ in 0..9 {
            fuse.note(true);
            assert!(!fuse.is_blown());
        }
        fuse.note(true);
        assert!(fuse.is_blown());
        for _ in 0..9 {
            fuse.note(false);
            assert!(fuse.is_blown());
        }
        fuse.note(false);
        assert!(!fuse.is_blown(), "ten of twenty are not more than half");
    }

    proptest! {
        #[test]
        fn it_counts_as_a_list_of_the_last_twenty_does(answers in prop::collection::vec(any::<bool>(), 0..100)) {
            let mut fuse = Fuse::default();
            for dead in &answers {
                fuse.note(*dead);
            }
            let last: Vec<bool> = answers.iter().rev().take(20).copied().collect();
            let dead = last.iter().filter(|dead| **dead).count();
            prop_assert_eq!(fuse.is_blown(), dead >= 10 && dead * 2 > last.len());
        }
    }
}

//! The sequencer: lets batches pass in the order of their numbers, each number once and none left out.
//!
//! Plain data. The numbers of committed batches leave no gap (`first` of each is `last` of the one before it plus one),
//! so the numbers alone say whether something was missed.

use std::collections::BTreeMap;

use crate::domain::Seq;

/// What a batch is on its way through a [`Sequencer`].
pub(super) trait Batched {
    /// Drops what has a number of `told` or a lower one.
    #[must_use]
    fn above(self, told: Seq) -> Self;

    /// Returns whether it must pass even when its numbers were told already: it holds answers that nobody else has.
    fn must_pass(&self) -> bool;

    /// Returns the bytes that it keeps while it waits; those of this server's own batches do not count.
    fn bytes(&self) -> usize;
}

/// Most batches that may wait besides those that must pass, and most bytes of them.
const MOST: (usize, usize) = (1024, 32 * 1024 * 1024);

/// Batches that wait for those before them.
#[derive(Debug)]
pub(super) struct Sequencer<B> {
    /// The number up to which everything has passed.
    told: Seq,
    /// By their first number, and by their arrival where that is the same.
    held: BTreeMap<(Seq, u64), (Seq, B)>,
    arrivals: u64,
    /// How many of those that wait need not pass, and their bytes.
    load: (usize, usize),
}

impl<B: Batched> Sequencer<B> {
    /// Makes a sequencer for the batches above `told`.
    pub(super) fn new(told: Seq) -> Self {
        Self { told, held: BTreeMap::new(), arrivals: 0, load: (0, 0) }
    }

    /// Returns the number up to which everything has passed.
    pub(super) fn told(&self) -> Seq {
        self.told
    }

    /// Takes the batch with the numbers `first` to `last`; `last` is before `first` in one that has none. What was told
    /// already is dropped, and so is a copy of a batch that waits.
    pub(super) fn offer(&mut self, first: Seq, last: Seq, batch: B) {
        let is_copy = self.held.range((first, 0)..=(first, u64::MAX)).any(|(_, (held, _))| *held == last);
        if !batch.must_pass() && (last <= self.told || is_copy) {
            return;
        }
        self.arrivals += 1;
        if !batch.must_pass() {
            self.load = (self.load.0 + 1, self.load.1 + batch.bytes());
        }
        self.held.insert((first, self.arrivals), (last, batch));
    }

    /// Takes out the next batch that may pass.
    pub(super) fn next(&mut self) -> Option<B> {
        loop {
            let entry = self.held.first_entry().filter(|entry| entry.key().0.0 <= self.told.0 + 1)?;
            let (last, batch) = entry.remove();
            let told = self.told;
            self.told = told.max(last);
            if batch.must_pass() {
                return Some(batch);
            }
            self.load = (self.load.0 - 1, self.load.1 - batch.bytes());
            if last > told {
                return Some(batch.above(told));
            }
        }
    }

    /// Returns whether a batch that begins with this number would wait, and too many do.
    pub(super) fn is_too_much(&self, first: Seq) -> bool {
        first.0 > self.told.0 + 1 && (self.load.0 >= MOST.0 || self.load.1 >= MOST.1)
    }

    /// Returns whether a batch waits for numbers that have not come.
    pub(super) fn has_gap(&self) -> bool {
        self.held.first_key_value().is_some_and(|((first, _), _)| first.0 > self.told.0 + 1)
    }

    /// Goes on above `head`: everything up to it is announced in another way.
    pub(super) fn jump(&mut self, head: Seq) {
        self.told = self.told.max(head);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The numbers of a batch, and whether it is this server's own.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Numbers {
        all: Vec<i64>,
        is_own: bool,
    }

    impl Batched for Numbers {
        fn above(mut self, told: Seq) -> Self {
            self.all.retain(|number| *number > told.0);
            self
        }

        fn must_pass(&self) -> bool {
            self.is_own
        }

        fn bytes(&self) -> usize {
            self.all.len() * 1_000_000
        }
    }

    struct Nothing;

    impl Batched for Nothing {
        fn above(self, _: Seq) -> Self {
            self
        }

        fn must_pass(&self) -> bool {
            false
        }

        fn bytes(&self) -> usize {
            0
        }
    }

    fn offer(sequencer: &mut Sequencer<Numbers>, first: i64, last: i64, is_own: bool) {
        sequencer.offer(Seq(first), Seq(last), Numbers { all: (first..=last).collect(), is_own });
    }

    fn passed(sequencer: &mut Sequencer<Numbers>) -> Vec<i64> {
        std::iter::from_fn(|| sequencer.next()).flat_map(|batch| batch.all).collect()
    }

    #[test]
    fn an_own_batch_without_numbers_waits_for_what_was_before_it() {
        let mut sequencer = Sequencer::new(Seq(4));
        offer(&mut sequencer, 7, 6, true);
        assert!(sequencer.next().is_none() && sequencer.has_gap());
        offer(&mut sequencer, 5, 6, false);
        assert_eq!(passed(&mut sequencer), [5, 6]);
        assert!(!sequencer.has_gap() && sequencer.held.is_empty(), "it has passed behind them");
    }

    #[test]
    fn what_waits_is_bounded_and_what_passes_makes_room() {
        let mut sequencer = Sequencer::new(Seq(0));
        offer(&mut sequencer, 2, 34, false);
        assert!(!sequencer.is_too_much(Seq(35)), "33 million bytes are less");
        offer(&mut sequencer, 35, 35, false);
        assert!(sequencer.is_too_much(Seq(36)) && !sequencer.is_too_much(Seq(1)));
        offer(&mut sequencer, 1, 1, false);
        assert_eq!(passed(&mut sequencer).len(), 35);
        for first in 0..1023 {
            offer(&mut sequencer, 40 + first, 40 + first, true);
        }
        assert!(!sequencer.is_too_much(Seq(2000)), "own ones do not count");
        assert_eq!(sequencer.load, (0, 0));
        let mut sequencer: Sequencer<Nothing> = Sequencer::new(Seq(0));
        for first in 2..1026 {
            assert!(!sequencer.is_too_much(Seq(first)));
            sequencer.offer(Seq(first), Seq(first), Nothing);
        }
        assert!(sequencer.is_too_much(Seq(1026)));
    }

    proptest! {
        /// Batches tile the numbers; each comes once or several times, whole or in parts, in any order.
        #[test]
        fn every_number_passes_once_and_in_order(
            sizes in prop::collection::vec((1..6_i64, any::<bool>()), 1..20),
            copies in prop::collection::vec((0..20_usize, 0..6_i64, 0..6_i64), 0..30),
            order in any::<prop::sample::Index>(),
            start in 0..1000_i64,
        ) {
            let mut first = start + 1;
            let mut offers = Vec::new();
            let mut own = Vec::new();
            for (size, is_own) in &sizes {
                let batch = (first, first + size - 1, *is_own);
                if *is_own { own.push(batch) } else { offers.push(batch) }
                first += size;
            }
            for (at, from, to) in copies {
                if let Some((first, last, false)) = offers.get(at).copied() {
                    let (a, b) = (first + from, last - to);
                    if a <= b { offers.push((a, b, false)) }
                }
            }
            let turn = order.index(offers.len().max(1));
            offers.rotate_left(turn);
            let half = offers.len() / 2;
            if let Some(half) = offers.get_mut(..half) { half.reverse() }
            // A server hands its own batches over in their order.
            let mut merged = offers;
            for (i, batch) in own.into_iter().enumerate() {
                merged.insert((turn / 2 + i).min(merged.len()), batch);
            }
            let mut sequencer = Sequencer::new(Seq(start));
            let mut all = Vec::new();
            for (first, last, is_own) in merged {
                offer(&mut sequencer, first, last, is_own);
                all.extend(passed(&mut sequencer));
            }
            prop_assert_eq!(all, (start + 1..first).collect::<Vec<_>>());
            prop_assert!(sequencer.held.is_empty() && !sequencer.has_gap() && sequencer.load == (0, 0));
            prop_assert_eq!(sequencer.told(), Seq(first - 1));
        }

        #[test]
        fn after_a_jump_only_what_is_newer_passes_and_all_own(jump in 0..40_i64) {
            let mut sequencer = Sequencer::new(Seq(0));
            for first in (3..40).step_by(3) {
                offer(&mut sequencer, first, first + 2, first % 2 == 0);
            }
            prop_assert!(sequencer.next().is_none());
            sequencer.jump(Seq(jump));
            let numbers = passed(&mut sequencer);
            prop_assert!(numbers.is_sorted());
            if jump >= 2 {
                let first_of = |number: i64| number - number % 3;
                prop_assert!(numbers.iter().all(|n| *n > jump || first_of(*n) % 2 == 0), "{:?}", numbers);
                prop_assert_eq!(sequencer.told(), Seq(41.max(jump)));
            }
        }
    }
}

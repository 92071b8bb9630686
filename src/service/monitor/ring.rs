//! The last quarter of an hour, second by second.

use std::collections::VecDeque;

use super::second::Second;

/// Seconds that are kept.
pub(super) const SECONDS: usize = 900;

/// The last seconds. Bound: [`SECONDS`], less than 200 kB.
pub(super) struct Ring {
    /// Oldest first. One in which nothing was measured, since the process stood still, is `None`.
    seconds: VecDeque<Option<Second>>,
    /// The number of the newest; that of the first is 1.
    newest: u64,
}

impl Ring {
    /// An empty one, with room for all.
    pub(super) fn new() -> Self {
        Self { seconds: VecDeque::with_capacity(SECONDS), newest: 0 }
    }

    /// Returns the number of the newest second; 0 when there is none.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Adds a second, whose number is above that of the newest.
    pub(super) fn push(&mut self, number: u64, second: Second) {
        let missing = number.saturating_sub(self.newest.saturating_add(1));
        for _ in 0..missing.min(SECONDS as u64) {
            self.add(None);
        }
        self.add(Some(second));
        self.newest = number;
    }

    fn add(&mut self, second: Option<Second>) {
        if self.seconds.len() == SECONDS {
            self.seconds.pop_front();
        }
        self.seconds.push_back(second);
    }

    /// Returns all seconds, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = Option<&Second>> + '_ {
        self.seconds.iter().map(Option::as_ref)
    }

    /// Returns the seconds with numbers above `after` up to `until`, as far as they were measured and are still there.
    pub(super) fn between(&self, after: u64, until: u64) -> Vec<Second> {
        let oldest = self.newest.saturating_sub(self.seconds.len() as u64);
        let numbered = (oldest + 1..).zip(&self.seconds);
        numbered.filter(|(number, _)| *number > after && *number <= until).filter_map(|(_, second)| *second).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::monitor::second::tests::quiet;

    #[test]
    fn it_keeps_a_quarter_of_an_hour_in_less_than_200_kb() {
        assert!(size_of::<Option<Second>>() * SECONDS < 200_000, "{}", size_of::<Option<Second>>());
        let mut ring = Ring::new();
        for number in 1..=2000 {
            ring.push(number, quiet(i64::try_from(number).unwrap()));
        }
        let kept: Vec<i64> = ring.all().map(|second| second.unwrap().at.as_secs()).collect();
        assert_eq!(kept, (1101..=2000).collect::<Vec<_>>());
        assert_eq!((ring.newest(), ring.seconds.capacity()), (2000, SECONDS), "it never grows");
    }

    #[test]
    fn seconds_in_which_the_process_stood_still_are_empty() {
        let mut ring = Ring::new();
        ring.push(1, quiet(1));
        ring.push(4, quiet(4));
        let kept: Vec<Option<i64>> = ring.all().map(|second| second.map(|second| second.at.as_secs())).collect();
        assert_eq!(kept, [Some(1), None, None, Some(4)]);
        ring.push(1_000_000_000_000, quiet(9));
        assert_eq!(ring.all().flatten().count(), 1, "after a long time nothing else is left");
        assert_eq!(ring.all().count(), SECONDS);
    }

    #[test]
    fn a_part_of_it_is_found_by_numbers() {
        let mut ring = Ring::new();
        for number in [1, 2, 4, 5] {
            ring.push(number, quiet(i64::try_from(number).unwrap()));
        }
        let between = |after, until| -> Vec<i64> {
            ring.between(after, until).iter().map(|second| second.at.as_secs()).collect()
        };
        assert_eq!((between(1, 4), between(0, 9), between(5, 9)), (vec![2, 4], vec![1, 2, 4, 5], vec![]));
        for number in 6..1000 {
            ring.push(number, quiet(i64::try_from(number).unwrap()));
        }
        assert_eq!(ring.between(98, 100).len(), 1, "the oldest is 100");
    }
}

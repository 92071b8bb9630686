//! How long messages were on their way, by the second in which they were due.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::clock;
use crate::latency::Latencies;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// What is as good as before: twice the p99 of before, and anything up to so many milliseconds.
const GOOD_MS: f64 = 100.0;

/// Latencies of each second since the start.
pub(super) struct Timeline {
    start: u64,
    seconds: Mutex<Vec<Latencies>>,
}

impl Timeline {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self { start: clock::now(), seconds: Mutex::default() }
    }

    /// The second that it is now.
    pub(super) fn now(&self) -> usize {
        self.second(clock::now())
    }

    /// Notes that a message has come that was due at `due`.
    pub(super) fn note(&self, due: u64) -> Result<()> {
        self.note_at(due, clock::now())
    }

    fn note_at(&self, due: u64, now: u64) -> Result<()> {
        let second = self.second(due);
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        while seconds.len() <= second {
            seconds.push(Latencies::new()?);
        }
        if let Some(latencies) = seconds.get_mut(second) {
            latencies.note(due, now);
        }
        Ok(())
    }

    /// The p99 of each second, in milliseconds.
    pub(super) fn p99(&self) -> Vec<f64> {
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        seconds.iter().map(|latencies| latencies.summary().p99).collect()
    }

    fn second(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.start) / SECOND).unwrap_or(usize::MAX)
    }
}

/// The worst p99 of these seconds.
pub(super) fn worst(p99: &[f64]) -> f64 {
    p99.iter().copied().fold(0.0, f64::max)
}

/// How many seconds it took from the beginning of `after` until every p99 was as good as `before`, in milliseconds.
pub(super) fn seconds_until_good(before: f64, after: &[f64]) -> usize {
    let good = GOOD_MS.max(2.0 * before);
    after.iter().rposition(|p99| *p99 > good).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_is_twice_as_before_or_a_tenth_of_a_second() {
        assert_eq!(seconds_until_good(10.0, &[900.0, 99.0, 101.0, 50.0]), 3);
        assert_eq!(seconds_until_good(80.0, &[159.0, 161.0, 150.0]), 2);
        assert_eq!(seconds_until_good(10.0, &[]), 0);
        assert!((worst(&[3.0, 9.0, 1.0]) - 9.0).abs() < 1e-9);
    }

    #[test]
    fn a_message_counts_for_the_second_in_which_it_was_due() {
        let timeline = Timeline { start: 7 * SECOND, seconds: Mutex::default() };
        timeline.note_at(17 * SECOND / 2, 17 * SECOND).unwrap();
        let p99 = timeline.p99();
        assert_eq!(p99.len(), 2);
        assert!(p99[1] > 8_000.0 && p99[0] < 1e-9, "{p99:?}");
    }
}

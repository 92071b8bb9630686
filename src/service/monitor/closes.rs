//! How many sockets were closed within the last hour, by code.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::domain::Timestamp;
use crate::telemetry::close_labels;

/// Looks that are kept: one a minute, for an hour, and the one before.
const LOOKS: usize = 61;
/// Seconds between two looks that are kept.
const EVERY_S: i64 = 60;

/// The totals at some moments of the last hour. Bound: [`LOOKS`] of a few hundred bytes.
#[derive(Default)]
pub(super) struct Closes(VecDeque<(Timestamp, Vec<u64>)>);

impl Closes {
    /// Keeps the totals of now, when a minute has passed since the last look that was kept.
    pub(super) fn look(&mut self, now: Timestamp, totals: impl Iterator<Item = u64>) {
        let since = |(at, _): &(Timestamp, Vec<u64>)| now.as_micros().saturating_sub(at.as_micros());
        if self.0.back().is_some_and(|last| since(last) < EVERY_S * 1_000_000) {
            return;
        }
        if self.0.len() == LOOKS {
            self.0.pop_front();
        }
        self.0.push_back((now, totals.collect()));
    }

    /// Returns how many were closed with each code since a moment at most an hour ago, most first, and that moment.
    pub(super) fn last_hour(
        &self,
        now: Timestamp,
        totals: impl Iterator<Item = u64>,
    ) -> (Timestamp, Vec<(&'static str, u64)>) {
        let hour_ago = now.plus_secs(-60 * EVERY_S);
        let Some((from, before)) = self.0.iter().find(|(at, _)| *at >= hour_ago) else { return (now, Vec::new()) };
        let counted = close_labels().zip(totals.zip(before)).map(|(code, (now, before))| (code, now - before));
        let mut codes: Vec<_> = counted.filter(|(_, count)| *count > 0).collect();
        codes.sort_by_key(|(_, count)| Reverse(*count));
        (*from, codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    /// So many of the first code and of the third.
    fn totals(first: u64, third: u64) -> impl Iterator<Item = u64> {
        let codes = close_labels().count();
        (0..codes).map(move |code| {
            if code == 0 {
                first
            } else if code == 2 {
                third
            } else {
                5
            }
        })
    }

    #[test]
    fn what_was_closed_in_the_last_hour_is_told_by_code_most_first() {
        let mut closes = Closes::default();
        assert_eq!(closes.last_hour(at(0), totals(1, 1)), (at(0), vec![]));
        closes.look(at(0), totals(10, 0));
        assert_eq!(closes.last_hour(at(9), totals(12, 7)), (at(0), vec![("1002", 7), ("1000", 2)]));
        assert_eq!(closes.last_hour(at(9), totals(10, 0)), (at(0), vec![]), "none was closed");
    }

    #[test]
    fn what_is_older_than_an_hour_is_forgotten() {
        let mut closes = Closes::default();
        for second in 0..10_000 {
            closes.look(at(second), totals(u64::try_from(second).unwrap(), 0));
        }
        assert_eq!(closes.0.len(), LOOKS);
        let (from, codes) = closes.last_hour(at(10_000), totals(10_000, 0));
        assert!(from >= at(6_400) && from <= at(6_460), "{from:?}");
        assert_eq!(codes, [("1000", 10_000 - u64::try_from(from.as_secs()).unwrap())]);
    }
}

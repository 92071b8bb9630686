//! The most requests a second, so that the end of an outage is no storm.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::push::time::{later, until};

/// Requests at once.
const BURST: u32 = 20;
/// Requests a second after that: with the burst, 200 in any second.
const RATE: u32 = 180;

/// A bucket of requests, as the moment at which it is full again.
#[derive(Clone, Copy, Debug)]
pub(in crate::push) struct Pace {
    full_at: Timestamp,
}

impl Default for Pace {
    fn default() -> Self {
        Self { full_at: Timestamp::from_micros(0) }
    }
}

impl Pace {
    /// Takes a request. Returns when the next one is there if there is none.
    pub(in crate::push) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let one = Duration::from_secs(1) / RATE;
        let (most, burst) = (one * BURST, one * (BURST - 1));
        let full_at = until(now, self.full_at, most).unwrap_or(now);
        if full_at > later(now, burst) {
            let wait = full_at.as_micros() - later(now, burst).as_micros();
            return Err(later(now, Duration::from_micros(wait.unsigned_abs())));
        }
        self.full_at = later(full_at, one);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In no second are there more than 200, and whoever waits as long as told is let through.
        #[test]
        fn at_most_two_hundred_a_second(steps in prop::collection::vec(0_i64..20_000, 1..2000)) {
            let (mut pace, mut now, mut taken) = (Pace::default(), 1_000_000_000_i64, Vec::new());
            for step in steps {
                now += step;
                if let Err(until) = pace.take(Timestamp::from_micros(now)) {
                    prop_assert!(until.as_micros() > now && until.as_micros() <= now + 5_556);
                    now = until.as_micros();
                    prop_assert!(pace.take(until).is_ok());
                }
                taken.push(now);
            }
            for (i, at) in taken.iter().enumerate() {
                let within = taken[i..].iter().take_while(|other| **other < at + 1_000_000).count();
                prop_assert!(within <= 200, "{within}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let mut pace = Pace::default();
        let (late, early) = (Timestamp::from_micros(9_000_000_000), Timestamp::from_micros(1_000_000));
        while pace.take(late).is_ok() {}
        assert!(pace.take(early).is_ok());
    }
}

//! A breaker: after several failures in a row nobody asks for a while, then one does.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::push::time::{later, until};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// How long it is open at first; twice as long each time after that.
const FIRST: Duration = Duration::from_secs(10);
/// The longest time for which it is open.
const LONGEST: Duration = Duration::from_mins(5);
/// After this time the request that was let through counts as lost: another one may go.
const TRIAL: Duration = Duration::from_secs(30);

/// Whether requests are let through, by how the last ones went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::push) struct Breaker {
    state: State,
    /// How long it is open the next time.
    next: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All go; so many have failed in a row.
    Closed { failures: u32 },
    /// None goes.
    Open { until: Timestamp },
    /// One goes, which has until then to tell how it went.
    HalfOpen { until: Timestamp },
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 }, next: FIRST }
    }
}

impl Breaker {
    /// Returns until when no request may be made; `None` when one may.
    pub(in crate::push) fn holds_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until: end } => until(now, end, LONGEST),
            State::HalfOpen { until: end } => until(now, end, TRIAL),
        }
    }

    /// Returns whether it is not closed.
    pub(in crate::push) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }

    /// Notes that a request is made, which [`holds_until`](Self::holds_until) has allowed: the only one, if the breaker
    /// was open.
    pub(in crate::push) fn enter(&mut self, now: Timestamp) {
        if self.is_open() {
            self.state = State::HalfOpen { until: later(now, TRIAL) };
        }
    }

    /// Notes a request that shows that the provider works.
    pub(in crate::push) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// Notes a request that has failed. Returns whether the breaker opens by it.
    pub(in crate::push) fn fail(&mut self, now: Timestamp) -> bool {
        match &mut self.state {
            State::Closed { failures } if failures.saturating_add(1) < FAILURES => {
                *failures += 1;
                return false;
            }
            State::Closed { .. } | State::HalfOpen { .. } => {}
            // It was made before the breaker opened.
            State::Open { .. } => return false,
        }
        self.state = State::Open { until: later(now, self.next) };
        self.next = self.next.saturating_mul(2).min(LONGEST);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn it_opens_after_five_failures_in_a_row_for_twice_as_long_each_time() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.fail(at(0)));
        }
        breaker.succeed();
        for _ in 0..4 {
            assert!(!breaker.fail(at(0)));
        }
        assert!(breaker.fail(at(0)));
        let mut now = 0;
        for length in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(breaker.holds_until(at(now + length - 1)), Some(at(now + length)));
            now += length;
            assert_eq!(breaker.holds_until(at(now)), None);
            breaker.enter(at(now));
            assert!(breaker.holds_until(at(now)).is_some(), "one alone is let through");
            assert!(breaker.fail(at(now)));
        }
        breaker.enter(at(now + 300));
        breaker.succeed();
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn a_trial_that_never_ends_gives_its_place_up() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.fail(at(0));
        }
        breaker.enter(at(10));
        assert_eq!(breaker.holds_until(at(39)), Some(at(40)));
        assert_eq!(breaker.holds_until(at(40)), None);
    }

    proptest! {
        /// Whatever happens, and also when the clock is set back, the breaker never holds for longer than five minutes,
        /// and while it is open at most one request goes each time it has waited.
        #[test]
        fn it_never_holds_for_ever(steps in prop::collection::vec((0_u8..4, -400_i64..400), 1..200)) {
            let (mut breaker, mut now) = (Breaker::default(), 1_000_000);
            for (step, moved) in steps {
                match step {
                    0 => now += moved,
                    1 => drop(breaker.fail(at(now))),
                    2 => breaker.succeed(),
                    _ if breaker.holds_until(at(now)).is_none() => {
                        let was_open = breaker.is_open();
                        breaker.enter(at(now));
                        prop_assert_eq!(breaker.holds_until(at(now)).is_some(), was_open);
                    }
                    _ => {}
                }
                if let Some(until) = breaker.holds_until(at(now)) {
                    prop_assert!(until > at(now) && until <= at(now + 300));
                }
            }
        }
    }
}

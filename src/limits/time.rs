//! The server's clock, as governor reads it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Clock;

thread_local! {
    /// The time that is held on this thread.
    static HELD: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// The time since the limiters were made.
#[derive(Clone)]
pub(super) struct Time {
    clock: Clock,
    start: Duration,
}

impl Time {
    /// Begins at zero.
    pub(super) fn new(clock: Clock) -> Self {
        let start = clock.uptime();
        Self { clock, start }
    }

    /// Returns the time in nanoseconds.
    pub(super) fn nanos(&self) -> u64 {
        u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Runs `work`, for which the clock is read once: a message counts for several limiters, and reading the clock
    /// costs as much as counting.
    pub(super) fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        let _end = HoldEnd(HELD.replace(Some(self.now())));
        work()
    }

    fn now(&self) -> Duration {
        HELD.get().unwrap_or_else(|| self.clock.uptime().saturating_sub(self.start))
    }
}

/// Lets the time go on, also after a panic.
struct HoldEnd(Option<Duration>);

impl Drop for HoldEnd {
    fn drop(&mut self) {
        HELD.set(self.0);
    }
}

/// The time of one of governor's limiters.
///
/// governor keeps states relative to the moment at which a limiter was made, which it asks for first. That is zero for
/// all of them, so that states of all limiters can be compared with one time.
pub(super) struct BucketTime {
    time: Time,
    was_read: AtomicBool,
}

impl BucketTime {
    pub(super) fn new(time: &Time) -> Self {
        Self { time: time.clone(), was_read: AtomicBool::new(false) }
    }
}

impl governor::clock::Clock for BucketTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        if self.was_read.load(Ordering::Relaxed) {
            return self.time.now();
        }
        self.was_read.store(true, Ordering::Relaxed);
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn time_that_is_held_goes_on_afterwards_also_after_a_panic() {
        let clock = Clock::stopped_at(Timestamp::from_micros(1_700_000_000_000_000));
        let time = Time::new(clock.clone());
        let after_a_second = || {
            clock.advance_secs(1);
            time.nanos()
        };
        assert_eq!(time.hold(|| [after_a_second(), time.hold(after_a_second)]), [0, 0]);
        assert_eq!(time.nanos(), 2_000_000_000);
        let panics = std::panic::AssertUnwindSafe(|| time.hold(|| panic!("while it is held")));
        std::panic::catch_unwind(panics).unwrap_err();
        assert_eq!(after_a_second(), 3_000_000_000);
    }
}

//! The server's clock, as governor reads it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Clock;

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

    fn now(&self) -> Duration {
        self.clock.uptime().saturating_sub(self.start)
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

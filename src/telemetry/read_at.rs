//! When a message was read, small enough to travel with it.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A moment, in microseconds of a clock that begins anew after 71 minutes. Far longer than any message is on its way
/// from one socket to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAt(NonZeroU32);

impl ReadAt {
    /// Returns the present moment.
    #[must_use]
    pub fn now() -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        #[expect(clippy::cast_possible_truncation, reason = "the clock begins anew")]
        let micros = START.elapsed().as_micros() as u32;
        Self::of(micros)
    }

    /// Returns the time from this moment to a later one.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_micros(later.0.get().wrapping_sub(self.0.get()).into())
    }

    /// One microsecond in 71 minutes is told as the next one.
    fn of(micros: u32) -> Self {
        Self(NonZeroU32::new(micros).unwrap_or(NonZeroU32::MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_two_moments_is_right_also_when_the_clock_begins_anew() {
        let between = |from: u32, to: u32| ReadAt::of(from).until(ReadAt::of(to)).as_micros();
        assert_eq!((between(5, 1005), between(u32::MAX, 999), between(7, 7)), (1000, 1000, 0));
        let now = ReadAt::now();
        assert!(now.until(ReadAt::now()) < Duration::from_secs(30));
        assert_eq!(size_of::<Option<ReadAt>>(), 4);
    }
}

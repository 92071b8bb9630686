//! A rate at which bytes move: whoever comes too early waits.

use std::num::NonZeroU64;
use std::time::Duration;

/// By how much bytes may come too early. Timers have steps of a millisecond: without this, each wait that is a little
/// too long would make the rate lower.
const EARLY: Duration = Duration::from_millis(2);

/// The place of the next bytes in time, in the order in which they come. Time that nobody has used is not kept for
/// later.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Duration,
}

impl Pace {
    /// Takes the next place for so many bytes, at `rate` bytes a second, and returns how long to wait for it. `now`
    /// counts from a start that is the same for all.
    pub(super) fn take(&mut self, now: Duration, bytes: u64, rate: NonZeroU64) -> Duration {
        let place = self.next.max(now);
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
        self.next = place + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        place.saturating_sub(now + EARLY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(bytes: u64, rate: u64) -> Duration {
        Duration::from_nanos(u64::try_from(u128::from(bytes) * 1_000_000_000 / u128::from(rate)).unwrap())
    }

    proptest! {
        /// Several transfers take places, each again when its wait is over, some after a pause of their own.
        #[test]
        fn the_rate_holds_and_is_used_when_there_is_enough_to_move(
            rate in 1_000_u64..1_000_000_000_000,
            blocks in prop::collection::vec(1_u64..200_000, 1..64),
            pauses in prop::collection::vec(0_u64..5, 64),
        ) {
            let mut pace = Pace::default();
            let rate_of = NonZeroU64::new(rate).unwrap();
            let (mut now, mut bytes, mut idle) = (Duration::ZERO, 0, Duration::ZERO);
            for (block, pause) in blocks.iter().zip(&pauses) {
                let before = now.max(pace.next);
                let wait = pace.take(now, *block, rate_of);
                prop_assert!(now + wait + EARLY >= before, "never earlier than that");
                prop_assert!(now + wait <= before, "and no later than its place");
                bytes += block;
                now += wait;
                // What moved up to now, without the last block, fits into the time, of which each block rounds a part.
                prop_assert!(nanos(bytes - block, rate) <= now + EARLY + Duration::from_nanos(64));
                let pause = Duration::from_millis(*pause);
                idle += pause;
                now += pause;
            }
            // Nothing is lost but pauses and the last block: at any rate there is progress.
            prop_assert!(now <= nanos(bytes, rate) + idle);
        }
    }

    #[test]
    fn what_was_not_used_is_not_kept() {
        let rate = NonZeroU64::new(1_000_000).unwrap();
        let mut pace = Pace::default();
        let later = Duration::from_mins(1);
        let waits: Vec<_> = (0..4).map(|_| pace.take(later, 2_000, rate).as_millis()).collect();
        assert_eq!(waits, [0, 0, 2, 4]);
    }
}

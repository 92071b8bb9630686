//! For how long batches have held the row that gives out numbers, while the batches of other servers waited.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time after which counting begins anew; what was counted before stays for as long again.
const WINDOW: Duration = Duration::from_secs(30);
/// Steps of time: four for each doubling, from 1 µs to over an hour.
const STEPS: usize = 128;

/// Counts of the last 30 to 60 seconds.
pub(in crate::storage) struct HoldTimes(Mutex<Counts>);

struct Counts {
    since: Instant,
    now: [u32; STEPS],
    before: [u32; STEPS],
}

impl Default for HoldTimes {
    fn default() -> Self {
        Self(Mutex::new(Counts { since: Instant::now(), now: [0; STEPS], before: [0; STEPS] }))
    }
}

impl HoldTimes {
    pub(in crate::storage) fn record(&self, held: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.turn(Instant::now());
        if let Some(count) = counts.now.get_mut(step(held)) {
            *count += 1;
        }
    }

    /// Returns the time that 99 of 100 have not exceeded, to within a fifth; `None` when there was none lately.
    pub(in crate::storage) fn p99(&self) -> Option<Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.turn(Instant::now());
        let of_both =
            || counts.now.iter().zip(&counts.before).map(|(now, before)| u64::from(*now) + u64::from(*before));
        // One more than may have taken longer.
        let mut left = of_both().sum::<u64>() / 100 + 1;
        for (at, count) in of_both().enumerate().collect::<Vec<_>>().into_iter().rev() {
            if count >= left {
                return Some(longest(at));
            }
            left -= count;
        }
        None
    }
}

impl Counts {
    fn turn(&mut self, now: Instant) {
        let passed = now.duration_since(self.since);
        if passed >= WINDOW {
            let before = std::mem::replace(&mut self.now, [0; STEPS]);
            self.before = if passed < 2 * WINDOW { before } else { [0; STEPS] };
            self.since = now;
        }
    }
}

/// Returns the step of a time.
fn step(held: Duration) -> usize {
    let micros = u64::try_from(held.as_micros()).unwrap_or(u64::MAX).max(4);
    let doublings = micros.ilog2();
    let quarter = (micros >> (doublings - 2)) & 3;
    (doublings as usize * 4 + usize::try_from(quarter).unwrap_or(0)).min(STEPS - 1)
}

/// Returns the longest time of a step.
fn longest(step: usize) -> Duration {
    let (doublings, quarter) = (step / 4, step % 4);
    Duration::from_micros((1_u64 << doublings) / 4 * (5 + quarter as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_hundred_may_take_longer() {
        let holds = HoldTimes::default();
        assert_eq!(holds.p99(), None);
        holds.record(Duration::from_secs(5));
        assert!(holds.p99().unwrap() >= Duration::from_secs(5));
        for _ in 0..99 {
            holds.record(Duration::from_millis(3));
        }
        let p99 = holds.p99().unwrap();
        assert!((Duration::from_millis(3)..Duration::from_millis(4)).contains(&p99), "{p99:?}");
    }

    #[test]
    fn a_step_is_a_fifth_of_its_time_at_most() {
        for micros in (4..100_000_u64).chain([u64::from(u32::MAX)]) {
            let held = Duration::from_micros(micros);
            let longest = longest(step(held));
            assert!(held <= longest && longest <= held + held / 4 + Duration::from_micros(1), "{held:?} {longest:?}");
        }
        assert_eq!(step(Duration::MAX), STEPS - 1);
    }

    #[test]
    fn what_is_long_ago_does_not_count() {
        let mut counts = Counts { since: Instant::now(), now: [1; STEPS], before: [0; STEPS] };
        let start = counts.since;
        counts.turn(start + WINDOW);
        assert_eq!((counts.now[0], counts.before[0]), (0, 1));
        counts.turn(start + 2 * WINDOW);
        assert_eq!(counts.before[0], 0);
    }
}

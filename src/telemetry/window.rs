//! The spread of times within a short window, for the charts of operators.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Sizes that are told apart within a doubling: a quantile is at most a quarter above the true one.
const STEPS: usize = 4;
/// Powers of two, in microseconds, up to more than an hour.
const POWERS: usize = 32;

/// Times that were recorded since the last look.
pub struct Window([AtomicU32; STEPS * POWERS]);

impl Default for Window {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::new(0)))
    }
}

impl Window {
    /// Records a time.
    pub fn record(&self, time: Duration) {
        if let Some(count) = self.0.get(place(time)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns what was recorded since the last call.
    pub fn take(&self) -> Spread {
        let counts = self.0.each_ref().map(|count| count.swap(0, Ordering::Relaxed));
        Spread { counts }
    }
}

/// The times of one window.
pub struct Spread {
    counts: [u32; STEPS * POWERS],
}

impl Spread {
    /// Returns the time that the part `quantile` (0 to 1) of the recorded ones does not exceed, rounded up by a quarter
    /// at most; `None` when there are none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let all: u64 = self.counts.iter().copied().map(u64::from).sum();
        let rank = ((all as f64 * quantile).ceil() as u64).clamp(1, all.max(1));
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        found.map(ceiling)
    }
}

/// Returns where a time is counted.
fn place(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(STEPS as u64);
    let power = micros.ilog2() as usize;
    // The two bits below the highest.
    let step = usize::try_from((micros >> (power - 2)) & 3).unwrap_or(0);
    (power * STEPS + step).min(STEPS * POWERS - 1)
}

/// Returns the end of what is counted at a place.
fn ceiling(place: usize) -> Duration {
    let (power, step) = (place / STEPS, (place % STEPS) as u64);
    let quarter = 1_u64 << (power.max(2) - 2);
    Duration::from_micros((STEPS as u64 + step + 1) * quarter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded_since_the_last_look() {
        let window = Window::default();
        for millis in 1..=100 {
            window.record(Duration::from_millis(millis));
        }
        let spread = window.take();
        let within = |quantile, true_ms: u64| {
            let found = spread.quantile(quantile).unwrap();
            let least = Duration::from_millis(true_ms);
            assert!(found >= least && found <= least.mul_f64(1.26), "{quantile}: {found:?}");
        };
        within(0.5, 50);
        within(0.99, 99);
        within(1.0, 100);
        assert_eq!(window.take().quantile(0.99), None, "the window is empty again");
    }

    proptest! {
        #[test]
        fn a_time_is_counted_below_its_ceiling_and_not_far_below(micros in 0_u64..4_000_000_000) {
            let time = Duration::from_micros(micros);
            let end = ceiling(place(time));
            prop_assert!(time < end);
            prop_assert!(micros < 4 || end <= time.mul_f64(1.26), "{time:?} is counted at {end:?}");
        }
    }
}

//! How long to wait before the next attempt.

use std::time::Duration;

use rand::RngExt as _;

/// Upper bound of the first wait.
const FIRST: Duration = Duration::from_secs(1);
/// Upper bound of any wait.
const MAX: Duration = Duration::from_secs(30);

/// Exponential backoff with full jitter: clients that a restart has cut off together do not come back together.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// A random time below a bound that doubles with each attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        bound.mul_f64(rand::rng().random_range(0.0..1.0))
    }

    /// Begins anew after a connection that held; one that keeps breaking at once is none.
    pub(crate) fn connected_for(&mut self, time: Duration) {
        if time > MAX {
            self.attempts = 0;
        }
    }

    fn bound(&self) -> Duration {
        FIRST.saturating_mul(2_u32.saturating_pow(self.attempts)).min(MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound() {
        let mut backoff = Backoff::default();
        for bound in [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs) {
            assert_eq!(backoff.bound(), bound);
            assert!(backoff.next() < bound);
        }
        backoff.connected_for(Duration::from_secs(5));
        assert_eq!(backoff.bound(), MAX);
        backoff.connected_for(Duration::from_mins(1));
        assert_eq!(backoff.bound(), FIRST);
        backoff.attempts = u32::MAX;
        assert!(backoff.next() < MAX);
    }
}

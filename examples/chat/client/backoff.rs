//! How long to wait before the next attempt.

use std::time::Duration;

/// Upper bound of the first wait.
const FIRST: Duration = Duration::from_secs(1);
/// Upper bound of any wait, and how long a connection must hold to count.
const MAX: Duration = Duration::from_secs(30);

/// A wait of random length: whoever waits draws it, so that what decides here can be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pause {
    pub(crate) at_least: Duration,
    /// Most that is added at random.
    pub(crate) spread: Duration,
}

impl Pause {
    /// Exactly so long.
    pub(crate) fn exactly(at_least: Duration) -> Self {
        Self { at_least, spread: Duration::ZERO }
    }

    /// Longer by this.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self { at_least: self.at_least + time, ..self }
    }

    /// The wait for a random number between 0 and 1.
    pub(crate) fn draw(self, random: f64) -> Duration {
        self.at_least + self.spread.mul_f64(random)
    }
}

/// Exponential backoff with full jitter: clients that a restart has cut off together do not come back together.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// A random time below a bound that doubles with each attempt.
    pub(crate) fn next(&mut self) -> Pause {
        let spread = FIRST.saturating_mul(2_u32.saturating_pow(self.attempts)).min(MAX);
        self.attempts = self.attempts.saturating_add(1);
        Pause { at_least: Duration::ZERO, spread }
    }

    /// Begins anew after a connection that held; one that keeps breaking at once is none.
    pub(crate) fn connected_for(&mut self, time: Duration) {
        if time > MAX {
            self.reset();
        }
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound() {
        let mut backoff = Backoff::default();
        for bound in [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs) {
            let pause = backoff.next();
            assert_eq!(pause, Pause { at_least: Duration::ZERO, spread: bound });
            assert!(pause.draw(0.999) < bound);
        }
        backoff.connected_for(Duration::from_secs(5));
        assert_eq!(backoff.next().spread, MAX);
        backoff.connected_for(Duration::from_mins(1));
        assert_eq!(backoff.next().spread, FIRST);
        backoff.attempts = u32::MAX;
        assert_eq!(backoff.next().spread, MAX);
    }

    #[test]
    fn what_the_server_asks_for_is_added() {
        let pause = Backoff::default().next().after(Duration::from_secs(7));
        assert_eq!(pause.draw(0.0), Duration::from_secs(7));
        assert_eq!(pause.draw(0.5), Duration::from_millis(7500));
        assert_eq!(Pause::exactly(Duration::from_secs(7)).draw(0.9), Duration::from_secs(7));
    }
}

//! Waits before the next attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;

/// Upper bound of the first wait.
const FIRST: Duration = Duration::from_secs(1);
/// Upper bound of any wait.
const MAX: Duration = Duration::from_mins(1);
/// The time that a connection must last to reset the backoff.
const LASTING: Duration = Duration::from_secs(30);

/// Upper bound of the first waits after a restart, which takes a server seconds and not minutes.
const RESTART: Duration = Duration::from_secs(4);
/// The number of waits to which [`RESTART`] applies.
const RESTART_TRIES: u32 = 5;

/// A wait of random length. The caller draws the length, so that the machine itself is deterministic.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Pause {
    /// The shortest wait.
    #[serde(rename = "at_least_ms", with = "millis")]
    pub at_least: Duration,
    /// The most that is added at random.
    #[serde(rename = "spread_ms", with = "millis")]
    pub spread: Duration,
}

impl Pause {
    /// Makes a wait of exactly this time.
    #[must_use]
    pub fn exactly(at_least: Duration) -> Self {
        Self { at_least, spread: Duration::ZERO }
    }

    /// Returns a wait that is longer by `time`, and spread over as much time again at least: those who are told the
    /// same time do not come together.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self { at_least: self.at_least + time, spread: self.spread.max(time) }
    }

    /// Returns the time to wait for a random number from 0 (included) to 1 (excluded).
    #[must_use]
    pub fn draw(self, random: f64) -> Duration {
        self.at_least + self.spread.mul_f64(random)
    }
}

/// Exponential backoff with full jitter, so that clients that were disconnected at once do not all return at once.
#[derive(Debug, Default, Serialize)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Returns a random time below a bound that doubles with each attempt, from 1 s to 60 s.
    pub fn next_pause(&mut self) -> Pause {
        self.pause_below(MAX)
    }

    /// As [`next_pause`](Self::next_pause), and below 4 s for the first five waits.
    pub(crate) fn next_pause_of_restart(&mut self) -> Pause {
        self.pause_below(if self.attempts < RESTART_TRIES { RESTART } else { MAX })
    }

    fn pause_below(&mut self, max: Duration) -> Pause {
        let spread = FIRST.saturating_mul(2_u32.saturating_pow(self.attempts)).min(max);
        self.attempts = self.attempts.saturating_add(1);
        Pause { at_least: Duration::ZERO, spread }
    }

    /// Begins anew after a connection that lasted long enough.
    pub fn connected_for(&mut self, time: Duration) {
        if time > LASTING {
            self.reset();
        }
    }

    /// Begins anew.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound() {
        let mut backoff = Backoff::default();
        for bound in [1, 2, 4, 8, 16, 32, 60, 60].map(Duration::from_secs) {
            let pause = backoff.next_pause();
            assert_eq!(pause, Pause { at_least: Duration::ZERO, spread: bound });
            assert!(pause.draw(0.999) < bound);
        }
        backoff.connected_for(LASTING);
        assert_eq!(backoff.next_pause().spread, MAX);
        backoff.connected_for(LASTING + Duration::from_millis(1));
        assert_eq!(backoff.next_pause().spread, FIRST);
        backoff.attempts = u32::MAX;
        assert_eq!(backoff.next_pause().spread, MAX);
    }

    #[test]
    fn what_the_server_asks_for_is_added() {
        let pause = Backoff::default().next_pause().after(Duration::from_secs(7));
        assert_eq!(pause.draw(0.0), Duration::from_secs(7));
        assert_eq!(pause.draw(0.5), Duration::from_millis(10_500));
        assert_eq!(Pause { spread: Duration::from_secs(9), ..pause }.after(FIRST).spread, Duration::from_secs(9));
        assert_eq!(Pause::exactly(Duration::from_secs(7)).draw(0.9), Duration::from_secs(7));
    }
}

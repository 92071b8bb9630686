//! What takes too long: the threshold, and a limit on the lines about it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time for which lines are counted together.
const WINDOW: Duration = Duration::from_mins(1);
/// Most lines in that time. In an outage everything is slow.
const LINES: u32 = 10;

/// Returns the whole milliseconds of a time, as they are logged.
#[must_use]
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The threshold above which one kind of work counts as slow, and the count of its lines.
#[derive(Debug)]
pub struct SlowLog {
    /// `None` when nothing is slow.
    threshold: Option<Duration>,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    begun: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl SlowLog {
    /// What takes longer than so many milliseconds is slow; nothing is with 0.
    #[must_use]
    pub fn new(threshold_ms: u64) -> Self {
        let threshold = (threshold_ms > 0).then(|| Duration::from_millis(threshold_ms));
        Self { threshold, window: Mutex::new(Window { begun: None, lines: 0, left_out: 0 }) }
    }

    /// Returns the threshold; `None` when nothing is slow.
    #[must_use]
    pub fn threshold(&self) -> Option<Duration> {
        self.threshold
    }

    /// Returns whether what took so long was slow.
    #[must_use]
    pub fn is_slow(&self, took: Duration) -> bool {
        self.threshold.is_some_and(|threshold| took > threshold)
    }

    /// Returns whether a line may be logged now, and then the number of those that were left out before it. At most ten
    /// may in a minute.
    pub fn line(&self) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun.is_none_or(|begun| begun.elapsed() >= WINDOW) {
            (window.begun, window.lines) = (Some(Instant::now()), 0);
        }
        if window.lines >= LINES {
            window.left_out += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_above_the_threshold_is_slow_and_nothing_without_one() {
        let log = SlowLog::new(250);
        assert!(!log.is_slow(Duration::from_millis(250)) && log.is_slow(Duration::from_micros(250_001)));
        assert!(!SlowLog::new(0).is_slow(Duration::from_hours(1)));
    }

    #[test]
    fn lines_are_few_and_tell_how_many_were_left_out() {
        let log = SlowLog::new(1);
        for _ in 0..LINES {
            assert_eq!(log.line(), Some(0));
        }
        assert_eq!((log.line(), log.line()), (None, None));
        log.window.lock().unwrap().begun = Instant::now().checked_sub(WINDOW);
        assert_eq!((log.line(), log.line()), (Some(2), Some(0)));
    }
}

//! A limit on how often one log line is printed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Decides when a line that could come with every request may be logged.
#[derive(Debug)]
pub struct Seldom {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl Seldom {
    /// Allows at most one line every `every`.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self { every, last: Mutex::default() }
    }

    /// Returns whether the line may be printed now. If so, the next one may only be printed after the interval.
    pub fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.every);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_once_in_a_while() {
        let (hourly, always) = (Seldom::new(Duration::from_hours(1)), Seldom::new(Duration::ZERO));
        assert!(hourly.is_due() && !hourly.is_due());
        assert!(always.is_due() && always.is_due());
        *hourly.last.lock().unwrap() = Instant::now().checked_sub(Duration::from_hours(2));
        assert!(hourly.is_due() && !hourly.is_due(), "the interval has passed");
    }
}

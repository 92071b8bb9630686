//! Metrics of the limiters.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Gauge, counter, gauge};

use super::level::Total;
use super::names;
use crate::domain::Limiter;

/// What has happened at one limiter since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimiterCounts {
    /// What was refused, or dropped.
    pub refused: u64,
    /// What was made to wait.
    pub delayed: u64,
    /// New keys that found the table full.
    pub overflowed: u64,
}

/// A count that operators read, too.
struct Count {
    value: AtomicU64,
    counter: Counter,
}

impl Count {
    fn new(counter: Counter) -> Self {
        counter.increment(0);
        Self { value: AtomicU64::new(0), counter }
    }

    fn add(&self) {
        self.value.fetch_add(1, Ordering::Relaxed);
        self.counter.increment(1);
    }
}

/// Handles of the metrics of all limiters, made once.
pub struct LimiterMetrics {
    refusals: Vec<Count>,
    /// Refusals of all limiters together, for the charts.
    pub all_refusals: Total,
    delays: Vec<Count>,
    overflows: Vec<Count>,
    /// Keys that have a bucket which is not full.
    pub keys: Gauge,
}

impl LimiterMetrics {
    /// Makes the series of all limiters, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let series = |name: &'static str| {
            let made = |limiter: &Limiter| Count::new(counter!(name, "limiter" => limiter.name()));
            Limiter::ALL.iter().map(made).collect()
        };
        let made = Self {
            refusals: series(names::LIMITER_REFUSALS),
            all_refusals: Total::new(Counter::noop()),
            delays: series(names::LIMITER_DELAYS),
            overflows: series(names::LIMITER_OVERFLOWS),
            keys: gauge!(names::LIMITER_KEYS),
        };
        made.keys.set(0.0);
        made
    }

    /// Counts something that was refused, or dropped.
    pub fn refused(&self, limiter: Limiter) {
        count(&self.refusals, limiter);
        self.all_refusals.add(1);
    }

    /// Counts something that was made to wait.
    pub fn delayed(&self, limiter: Limiter) {
        count(&self.delays, limiter);
    }

    /// Returns what has happened at a limiter since the start.
    #[must_use]
    pub fn counts(&self, limiter: Limiter) -> LimiterCounts {
        let value = |counts: &[Count]| {
            counts.get(limiter as usize).map(|count| count.value.load(Ordering::Relaxed)).unwrap_or_default()
        };
        LimiterCounts {
            refused: value(&self.refusals),
            delayed: value(&self.delays),
            overflowed: value(&self.overflows),
        }
    }

    /// Counts a new key that found the table full.
    pub fn overflowed(&self, limiter: Limiter) {
        count(&self.overflows, limiter);
    }
}

fn count(counts: &[Count], limiter: Limiter) {
    if let Some(count) = counts.get(limiter as usize) {
        count.add();
    }
}

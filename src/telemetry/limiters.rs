//! Metrics of the limiters.

use metrics::{Counter, Gauge, counter, gauge};

use super::level::Total;
use super::names;
use crate::domain::Limiter;

/// Handles of the metrics of all limiters, made once.
pub struct LimiterMetrics {
    refusals: Vec<Counter>,
    /// Refusals of all limiters together, for the charts.
    pub all_refusals: Total,
    delays: Vec<Counter>,
    overflows: Vec<Counter>,
    /// Keys that have a bucket which is not full.
    pub keys: Gauge,
}

impl LimiterMetrics {
    /// Makes the series of all limiters, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let series = |name: &'static str| {
            let made = |limiter: &Limiter| counter!(name, "limiter" => limiter.name());
            Limiter::ALL.iter().map(made).inspect(|counter| counter.increment(0)).collect()
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

    /// Counts a new key that found the table full.
    pub fn overflowed(&self, limiter: Limiter) {
        count(&self.overflows, limiter);
    }
}

fn count(counters: &[Counter], limiter: Limiter) {
    if let Some(counter) = counters.get(limiter as usize) {
        counter.increment(1);
    }
}

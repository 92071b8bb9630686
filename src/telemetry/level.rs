//! Metrics that the server reads itself, too.
//!
//! A change is one atomic step; the recorder learns of it when somebody wants to see it ([`Metrics::publish`]).
//!
//! [`Metrics::publish`]: super::Metrics::publish

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use metrics::{Counter, Gauge};

use super::shards::Shards;

/// A number that goes up and down.
pub struct Level {
    value: Shards<AtomicI64>,
    gauge: Gauge,
}

impl Level {
    /// A level of zero.
    pub(super) fn new(gauge: Gauge) -> Self {
        gauge.set(0.0);
        Self { value: Shards::new(|| AtomicI64::new(0)), gauge }
    }

    /// Adds one.
    pub fn rise(&self) {
        self.value.here().fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one away.
    pub fn fall(&self) {
        self.value.here().fetch_sub(1, Ordering::Relaxed);
    }

    /// Adds one for as long as what is returned lives.
    pub fn hold(&self) -> Held<'_> {
        self.rise();
        Held(self)
    }

    /// Returns the number.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.value.all().map(|value| value.load(Ordering::Relaxed)).sum()
    }

    /// Tells the recorder.
    #[expect(clippy::cast_precision_loss, reason = "counts of things in memory, far below 2^52")]
    pub(super) fn publish(&self) {
        self.gauge.set(self.get() as f64);
    }
}

/// One more of a [`Level`], until it is dropped.
#[must_use]
pub struct Held<'a>(&'a Level);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fall();
    }
}

/// A number that only grows.
pub struct Total {
    value: Shards<AtomicU64>,
    counter: Counter,
}

impl Total {
    /// A total of zero.
    pub(super) fn new(counter: Counter) -> Self {
        counter.absolute(0);
        Self { value: Shards::new(|| AtomicU64::new(0)), counter }
    }

    /// Adds to it.
    pub fn add(&self, count: u64) {
        self.value.here().fetch_add(count, Ordering::Relaxed);
    }

    /// Returns the number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.all().map(|value| value.load(Ordering::Relaxed)).sum()
    }

    /// Tells the recorder.
    pub(super) fn publish(&self) {
        self.counter.absolute(self.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_totals_are_read_back() {
        let (level, total) = (Level::new(Gauge::noop()), Total::new(Counter::noop()));
        level.rise();
        level.rise();
        level.fall();
        total.add(3);
        total.add(4);
        assert_eq!((level.get(), total.get()), (1, 7));
        let held = level.hold();
        assert_eq!(level.get(), 2);
        drop(held);
        assert_eq!(level.get(), 1);
    }
}

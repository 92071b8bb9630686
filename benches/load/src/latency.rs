//! Latencies: a histogram with three digits, from a microsecond to minutes.

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency that is recorded, in microseconds; longer ones count as this.
const MAX_US: u64 = 600_000_000;

/// Recorded latencies.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, MAX_US, 3)?))
    }

    /// Records a latency from two moments in nanoseconds; a negative one counts as 0.
    pub(crate) fn note(&mut self, from: u64, to: u64) {
        self.0.saturating_record(to.saturating_sub(from).div_ceil(1000));
    }

    pub(crate) fn summary(&self) -> Summary {
        let at = |quantile| millis(self.0.value_at_quantile(quantile));
        Summary { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: millis(self.0.max()) }
    }
}

/// Quantiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p90, p99, p999, max } = self;
        write!(f, "p50 {p50:.2} p90 {p90:.2} p99 {p99:.2} p99.9 {p999:.2} max {max:.2} ms")
    }
}

#[expect(clippy::cast_precision_loss, reason = "minutes in microseconds are far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_in_milliseconds() {
        let mut latencies = Latencies::new().unwrap();
        for ms in 1..=1000_u64 {
            latencies.note(5, 5 + ms * 1_000_000);
        }
        let Summary { p50, p99, max, .. } = latencies.summary();
        for (value, expected) in [(p50, 500.0), (p99, 990.0), (max, 1000.0)] {
            assert!((value - expected).abs() <= expected / 500.0, "{value} for {expected}");
        }
        latencies.note(10, 5);
        assert_eq!(Latencies::new().unwrap().summary(), Summary::default());
    }
}

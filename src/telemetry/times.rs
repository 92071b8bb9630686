//! Times that are recorded several times a message.
//!
//! The recorder keeps each sample of a histogram, with a time stamp that it takes for it, until it folds them seconds
//! later. For what is recorded so often, that costs more than all other metrics together, in time and in memory; these
//! samples are counted in their bucket at once, and written in the recorder's format.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::Histogram;

use super::names::Metric;
use super::shards::Shards;

/// Most buckets, with that of what is above all ends. They are within their copy, not in the lines of another.
const MOST: usize = 13;

/// A histogram of times.
pub struct Times {
    /// The name and the value of its label.
    label: Option<(&'static str, &'static str)>,
    /// The upper ends of the buckets, in seconds.
    ends: &'static [f64],
    /// The same in microseconds.
    ends_us: Box<[u64]>,
    counted: Shards<Counted>,
    /// Where a foreign recorder gets them instead.
    foreign: Option<Histogram>,
}

/// What was recorded.
struct Counted {
    /// Up to each end and above the one before; the last is of what is above all.
    buckets: [AtomicU64; MOST],
    /// All times together, in microseconds.
    sum_us: AtomicU64,
}

impl Counted {
    fn new() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum_us: AtomicU64::new(0) }
    }
}

impl Times {
    /// An empty histogram with these buckets, in seconds. Under a foreign recorder, it gets all samples.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds up to ten, in microseconds")]
    pub(super) fn new(
        label: Option<(&'static str, &'static str)>,
        ends: &'static [f64],
        foreign: Option<Histogram>,
    ) -> Self {
        let ends_us = ends.iter().map(|end| (end * 1e6).round() as u64).collect();
        debug_assert!(ends.len() < MOST, "each bucket has a place");
        Self { label, ends, ends_us, counted: Shards::new(Counted::new), foreign }
    }

    /// Records a time, in whole microseconds.
    pub fn record(&self, time: Duration) {
        if let Some(foreign) = &self.foreign {
            return foreign.record(time);
        }
        let micros = time.as_secs().saturating_mul(1_000_000).saturating_add(time.subsec_micros().into());
        let place = self.ends_us.partition_point(|end| *end < micros);
        let counted = self.counted.here();
        if let Some(count) = counted.buckets.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
            counted.sum_us.fetch_add(micros, Ordering::Relaxed);
        }
    }

    /// What was counted in a bucket.
    fn bucket(&self, place: usize) -> u64 {
        let buckets = self.counted.all().filter_map(|counted| counted.buckets.get(place));
        buckets.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Writes the series in the text format of Prometheus
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
    #[expect(clippy::cast_precision_loss, reason = "a sum of times, for charts")]
    fn write(&self, name: &str, text: &mut String) {
        let label = self.label.map(|(label, value)| format!("{label}=\"{value}\"")).unwrap_or_default();
        let (comma, braced) = match label.as_str() {
            "" => ("", String::new()),
            _ => (",", format!("{{{label}}}")),
        };
        let mut count = 0;
        let ends = self.ends.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        // Writing into a string does not fail.
        for (place, end) in ends.enumerate() {
            count += self.bucket(place);
            let _ = writeln!(text, "{name}_bucket{{{label}{comma}le=\"{end}\"}} {count}");
        }
        let sum: u64 = self.counted.all().map(|counted| counted.sum_us.load(Ordering::Relaxed)).sum();
        let sum = sum as f64 / 1e6;
        let _ = writeln!(text, "{name}_sum{braced} {sum}\n{name}_count{braced} {count}");
    }
}

/// Appends a metric with these series, unless a foreign recorder has them.
pub(super) fn write<'t>(metric: &Metric, series: impl IntoIterator<Item = &'t Times>, text: &mut String) {
    let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} histogram", metric.help, name = metric.name);
    for times in series {
        times.write(metric.name, text);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use metrics::Unit;

    use super::super::names::MetricKind;
    use super::*;

    const METRIC: Metric = Metric {
        kind: MetricKind::Histogram,
        name: "fluent_test_seconds",
        unit: Unit::Seconds,
        labels: &["of"],
        help: "A test",
    };

    #[test]
    fn each_time_is_counted_up_to_the_end_it_does_not_exceed() {
        let times = Times::new(Some(("of", "a")), &[0.000_5, 0.01, 2.5], None);
        for micros in [0, 500, 501, 10_000, 2_500_000, 2_500_001, u64::MAX / 1_000_000] {
            times.record(Duration::from_micros(micros));
        }
        let mut text = String::new();
        write(&METRIC, [&times, &Times::new(None, &[1.0], None)], &mut text);
        let expected = "# HELP fluent_test_seconds A test\n# TYPE fluent_test_seconds histogram\n\
            fluent_test_seconds_bucket{of=\"a\",le=\"0.0005\"} 2\nfluent_test_seconds_bucket{of=\"a\",le=\"0.01\"} 4\n\
            fluent_test_seconds_bucket{of=\"a\",le=\"2.5\"} 5\nfluent_test_seconds_bucket{of=\"a\",le=\"+Inf\"} 7\n\
            fluent_test_seconds_sum{of=\"a\"} 18446749.084711\nfluent_test_seconds_count{of=\"a\"} 7\n\
            fluent_test_seconds_bucket{le=\"1\"} 0\nfluent_test_seconds_bucket{le=\"+Inf\"} 0\n\
            fluent_test_seconds_sum 0\nfluent_test_seconds_count 0\n\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_time_beyond_all_bounds_is_counted() {
        let times = Times::new(None, &[1.0], None);
        times.record(Duration::MAX);
        assert_eq!((times.bucket(0), times.bucket(1)), (0, 1));
    }
}

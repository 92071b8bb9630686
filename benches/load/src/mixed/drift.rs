//! Drift: whether a figure grows over time.

use serde::Serialize;

/// The spread of values after a first quarter in which they settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Drift {
    pub(super) median: f64,
    /// The greatest distance from the median, in percent of it; negative when it is below.
    pub(super) percent: f64,
    /// The change from the second quarter's median to the last one's, in percent of the former: whether growth
    /// continues.
    pub(super) trend_percent: f64,
}

impl Drift {
    /// Returns the drift of values that are equally spaced in time.
    pub(super) fn of(values: &[f64]) -> Self {
        let quarter = values.len() / 4;
        let rest = values.get(quarter..).unwrap_or_default();
        let median = middle(rest);
        let off = |value: f64, from: f64| if from > 0.0 { (value / from - 1.0) * 100.0 } else { 0.0 };
        let percents = rest.iter().map(|&value| off(value, median));
        let percent = percents.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default();
        let part = |from: usize, to: usize| middle(values.get(from..to).unwrap_or_default());
        let trend_percent = off(part(values.len() - quarter, values.len()), part(quarter, 2 * quarter));
        Self { median, percent, trend_percent }
    }
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_quarter_does_not_count() {
        let drift = Drift::of(&[1.0, 50.0, 100.0, 100.0, 100.0, 100.0, 100.0, 90.0]);
        assert!((drift.median - 100.0).abs() < 1e-9, "{drift:?}");
        assert!((drift.percent + 10.0).abs() < 1e-9 && drift.trend_percent.abs() < 1e-9, "{drift:?}");
        let growing: Vec<f64> = (0..100).map(|n| 100.0 + f64::from(n)).collect();
        assert!(Drift::of(&growing).trend_percent > 30.0);
        assert_eq!(Drift::of(&[]), Drift::default());
    }
}

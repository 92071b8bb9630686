//! The tool's output: for each result a line for people and a line for programs.

use serde::Serialize;

/// Prints a line on standard output.
#[expect(clippy::print_stdout, reason = "the program's own output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints a line on standard error.
#[expect(clippy::print_stderr, reason = "the program's own output")]
pub(crate) fn complain(line: &str) {
    eprintln!("{line}");
}

/// Prints a result in both forms.
pub(crate) fn print<T: Serialize + std::fmt::Display>(result: &T) -> anyhow::Result<()> {
    say(&result.to_string());
    say(&serde_json::to_string(result)?);
    Ok(())
}

/// A figure over several rounds: the median and the spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
        let last = sorted.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), min: at(0), max: at(last) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { median, min, max } = self;
        let digits = f.precision().unwrap_or(2);
        write!(f, "{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert_eq!(Spread::of([]), Spread::default());
        assert_eq!(format!("{:.1}", Spread::of([1.0])), "1.0 (1.0–1.0)");
    }
}

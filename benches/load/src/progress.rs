//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows `what` and how much of `whole` has passed, until it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Shows time that passes.
    pub(crate) fn over(what: &str, whole: Duration) -> Self {
        let bar = ProgressBar::new(whole.as_secs().max(1)).with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{elapsed_precise}] {wide_bar} of {len} s") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(bar)
    }

    /// Shows a number of steps.
    pub(crate) fn counting(what: &str, whole: u64) -> Self {
        let bar = ProgressBar::new(whole.max(1)).with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{elapsed_precise}] {wide_bar} {pos} of {len}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows work of unknown length.
    pub(crate) fn unknown(what: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(bar)
    }

    /// Advances by one step.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Sets the number of finished steps.
    pub(crate) fn reach(&self, count: u64) {
        self.0.set_position(count);
    }

    /// Sets the time that has passed.
    pub(crate) fn at(&self, passed: Duration) {
        self.0.set_position(passed.as_secs());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

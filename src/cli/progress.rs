//! The progress of a copy, shown on a terminal only.

use fluent_backend::storage::CopyStep;
use indicatif::{ProgressBar, ProgressStyle};

/// The progress bar on the terminal. Removes itself when it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{elapsed_precise}] {wide_bar} {pos} of {len} rows") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(super) fn at(&self, step: CopyStep<'_>) {
        let begin = |what: String, rows| {
            self.0.set_length(rows);
            self.0.set_position(0);
            self.0.set_message(what);
        };
        match step {
            CopyStep::Table(table, rows) => begin(format!("copying {table}"), rows),
            CopyStep::Compare(table, rows) => begin(format!("comparing {table}"), rows),
            CopyStep::Rows(rows) => self.0.inc(rows),
            CopyStep::Indexes => self.0.set_message("building indexes"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

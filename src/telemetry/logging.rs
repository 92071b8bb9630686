//! The log.

use std::io::IsTerminal as _;

use metrics::{Counter, counter};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::log_filter::LogFilter;
use super::log_lines::KeepLines;
use super::messages::at_zero;
use super::names;
use crate::config::Log;

/// The levels, as the label `level`.
pub const LOG_LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// Sets up logging for the whole process. Returns an error when the filter cannot be read or logging is set up already.
///
/// The dependencies that log whole frames and requests do so through the `log` crate, which is deliberately not
/// collected: no filter can make the server print message content.
pub fn init_logging(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = LogFilter::layer(&log.filter)?;
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // A line that cannot be written is dropped: to report that on the same stream would be a panic.
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(filter).with(CountLines).with(KeepLines);
    if log.format.is_json() {
        // The list of spans ends with the current one.
        registry.with(layer.json().with_current_span(false)).try_init()?;
    } else {
        registry.with(layer).try_init()?;
    }
    Ok(())
}

/// Counts the lines that the filter lets through.
struct CountLines;

impl<S: Subscriber> Layer<S> for CountLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        super::metrics().log.count(*event.metadata().level());
    }
}

/// Metrics of the log, made once.
pub struct LogMetrics([Counter; LOG_LEVELS.len()]);

impl LogMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        Self(LOG_LEVELS.map(|level| at_zero(counter!(names::LOG_LINES, "level" => level))))
    }

    /// Counts a line. `trace` counts as `debug`.
    fn count(&self, level: Level) {
        let at = match level {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            _ => 3,
        };
        self.0[at].increment(1);
    }
}

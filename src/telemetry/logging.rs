//! The log.

use std::io::IsTerminal as _;

use metrics::{Counter, counter};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::{DefaultFields, Format};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::log_filter::LogFilter;
use super::log_lines::KeepLines;
use super::messages::at_zero;
use super::names;
#[cfg(feature = "otlp")]
use super::traces::Traces;
use crate::config::Log;

/// The levels, as the label `level`.
pub const LOG_LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// Sets up logging for the whole process. Returns an error when the filter cannot be read or logging is set up already.
///
/// The dependencies that log whole frames and requests do so through the `log` crate, which is deliberately not
/// collected: no filter can make the server print message content.
///
/// With the feature `otlp`, traces are exported where the environment names a collector.
pub fn init_logging(log: &Log) -> Result<LogGuard, Box<dyn std::error::Error + Send + Sync>> {
    let filter = LogFilter::layer(&log.filter).map_err(|error| format!("log.filter: {error}"))?;
    #[cfg(feature = "otlp")]
    if let Some(traces) = Traces::begin()? {
        // A filter of the log alone: traces ask for spans that the log leaves out.
        let kept = CountLines.and_then(KeepLines);
        let registry = tracing_subscriber::registry();
        if log.format.is_json() {
            let log = kept.and_then(lines().json().with_current_span(false));
            registry.with(log.with_filter(filter)).with(traces.layer()).try_init()?;
        } else {
            registry.with(kept.and_then(lines()).with_filter(filter)).with(traces.layer()).try_init()?;
        }
        return Ok(LogGuard { traces: Some(traces) });
    }
    let registry = tracing_subscriber::registry().with(filter).with(CountLines).with(KeepLines);
    if log.format.is_json() {
        // The list of spans ends with the current one.
        registry.with(lines().json().with_current_span(false)).try_init()?;
    } else {
        registry.with(lines()).try_init()?;
    }
    Ok(LogGuard {
        #[cfg(feature = "otlp")]
        traces: None,
    })
}

/// What must be done for the log before the process ends.
#[must_use]
pub struct LogGuard {
    #[cfg(feature = "otlp")]
    traces: Option<Traces>,
}

impl LogGuard {
    /// Exports the traces that are waiting, if there are any. Takes a few seconds at most.
    #[cfg_attr(not(feature = "otlp"), expect(clippy::unused_async, reason = "with traces it waits"))]
    pub async fn finish(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.finish().await;
        }
    }
}

/// Returns the layer that writes lines.
fn lines<S>() -> tracing_subscriber::fmt::Layer<S, DefaultFields, Format, fn() -> std::io::Stderr>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr as fn() -> std::io::Stderr)
        // A line that cannot be written is dropped: to report that on the same stream would be a panic.
        .log_internal_errors(false)
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

//! Spans that are for traces alone (the feature `otlp`). Without the feature nothing of them is compiled: what runs in
//! one is what runs without it.

#[cfg(feature = "otlp")]
use tracing::Instrument as _;

/// A span for traces, made by [`trace_span`].
#[derive(Clone)]
pub(crate) struct TraceSpan(#[cfg(feature = "otlp")] pub(crate) tracing::Span);

#[cfg(feature = "otlp")]
impl TraceSpan {
    /// Returns a future that does the same within the span.
    pub(crate) fn around<F: Future>(&self, future: F) -> tracing::instrument::Instrumented<F> {
        future.instrument(self.0.clone())
    }

    /// Notes a value in a field that was empty.
    pub(crate) fn record(&self, field: &str, value: &str) {
        self.0.record(field, value);
    }

    /// Notes that what ran has failed: the span is exported in any case.
    pub(crate) fn fail(&self) {
        self.0.record("otel.status_code", "ERROR");
    }
}

#[cfg(not(feature = "otlp"))]
#[expect(clippy::unused_self, reason = "without traces there is nothing in it")]
impl TraceSpan {
    /// Returns the future as it is.
    pub(crate) fn around<F: Future>(&self, future: F) -> F {
        future
    }

    /// Notes nothing.
    pub(crate) fn record(&self, _: &str, _: &str) {}

    /// Notes nothing.
    pub(crate) fn fail(&self) {}
}

/// Makes a [`TraceSpan`]: the arguments are those of [`tracing::debug_span`], and are not evaluated without traces.
macro_rules! trace_span {
    ($($arguments:tt)+) => {{
        #[cfg(feature = "otlp")]
        let span = $crate::telemetry::TraceSpan(tracing::debug_span!($($arguments)+));
        #[cfg(not(feature = "otlp"))]
        let span = $crate::telemetry::TraceSpan();
        span
    }};
}
pub(crate) use trace_span;

//! Traces by OTLP over HTTP (the feature `otlp`), set up by the variables of OpenTelemetry
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
//!
//! Without an endpoint in the environment nothing is recorded. Spans are made by `tracing` where the work is done, and
//! what is exported is chosen here, by their names: [`SPANS`].

mod client;
mod queue;
mod sampler;
mod sockets;

use std::env::VarError;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanExporter as _};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use queue::{ExportQueue, Exporting};
use sampler::ErrorsToo;

pub use sockets::SocketSpan;

/// The spans that are exported.
const SPANS: [&str; 5] = ["http.request", "socket.session", "writer.batch", "push.send", "media.transfer"];

/// The variables that name the collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// The variables that name the protocol.
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
/// The protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

/// What is wrong with the settings of traces.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// A variable has a value that cannot be used.
    #[error("{name} is {value:?}: {reason}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// Why.
        reason: &'static str,
    },
    /// The exporter cannot be made.
    #[error("traces cannot be exported: {0}")]
    Exporter(String),
}

/// The export of traces of this process.
pub struct Traces {
    provider: SdkTracerProvider,
    exporting: Exporting,
}

impl Traces {
    /// Begins to export where the environment names a collector. To be called in a runtime.
    pub fn begin() -> Result<Option<Self>, TracesError> {
        let is_disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let has_endpoint = ENDPOINTS.iter().any(|name| variable(name).is_some());
        if is_disabled || !has_endpoint || !is_wanted()? {
            return Ok(None);
        }
        for name in PROTOCOLS {
            if let Some(value) = variable(name).filter(|value| value != PROTOCOL) {
                let reason = "only http/protobuf is spoken";
                return Err(TracesError::Variable { name, value, reason });
            }
        }
        let client = client::Client::new().map_err(TracesError::Exporter)?;
        let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
        let mut exporter = exporter.map_err(|error| TracesError::Exporter(error.to_string()))?;
        let resource = resource();
        exporter.set_resource(&resource);
        let (queue, exporting) = ExportQueue::begin(exporter)?;
        let provider = SdkTracerProvider::builder()
            .with_sampler(Box::new(ErrorsToo::from_environment()?) as Box<dyn opentelemetry_sdk::trace::ShouldSample>)
            .with_resource(resource)
            .with_span_processor(queue)
            .build();
        Ok(Some(Self { provider, exporting }))
    }

    /// Returns the layer that records spans and what is noted in them.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let layer: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("fluent-backend"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_error_events_to_status(true);
        layer.with_filter(filter_fn(is_exported))
    }

    /// Exports what has ended. Gives up after a few seconds.
    pub async fn finish(self) {
        self.exporting.finish().await;
        // The queue was emptied: this only ends what can no longer record.
        let _ = self.provider.shutdown();
    }
}

/// Returns whether a span or an event within one is exported. What the libraries trace is not.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() {
        return SPANS.contains(&metadata.name());
    }
    metadata.target() == EVENTS || metadata.level() <= &Level::WARN && metadata.target().starts_with("fluent_backend")
}

/// The target of events that are only for traces, and never lines of the log.
pub const EVENTS: &str = "fluent_traces";

/// Lets a span go on with the trace that the sender of these headers has begun (W3C Trace Context §3.2).
pub fn continue_trace(span: &Span, headers: &http::HeaderMap) {
    let begun = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if begun.span().span_context().is_valid() {
        // Fails only where the span is not recorded.
        let _ = span.set_parent(begun);
    }
}

/// Returns whether `OTEL_TRACES_EXPORTER` asks for traces.
fn is_wanted() -> Result<bool, TracesError> {
    const NAME: &str = "OTEL_TRACES_EXPORTER";
    match variable(NAME).as_deref() {
        None | Some("otlp") => Ok(true),
        Some("none") => Ok(false),
        Some(value) => Err(TracesError::Variable { name: NAME, value: value.to_owned(), reason: "use otlp or none" }),
    }
}

/// Describes this server. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` count before it.
fn resource() -> Resource {
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let is_named = variable("OTEL_SERVICE_NAME").is_some()
        || attributes.split(',').any(|attribute| attribute.trim_start().starts_with("service.name="));
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let described = Resource::builder().with_attribute(version);
    if is_named { described.build() } else { described.with_service_name("fluent-backend").build() }
}

/// Returns a variable of the environment; an empty one counts as none.
fn variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value).filter(|value| !value.is_empty()),
        Err(VarError::NotPresent | VarError::NotUnicode(_)) => None,
    }
}

/// Returns a number in a variable of the environment, at least 1, or `default`.
fn number(name: &'static str, default: usize) -> Result<usize, TracesError> {
    let Some(value) = variable(name) else { return Ok(default) };
    let read = value.parse().ok().filter(|number| *number > 0);
    read.ok_or(TracesError::Variable { name, value, reason: "it must be a whole number above 0" })
}

/// Notes in the span of a request to which route it leads.
pub fn routed(route: &'static str) {
    Span::current().set_attribute("http.route", route);
}

/// Notes in the span of a request how it was answered. One that the server has failed is exported in any case.
pub fn answered(span: &Span, status: u16) {
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(opentelemetry::trace::Status::error(""));
    }
}

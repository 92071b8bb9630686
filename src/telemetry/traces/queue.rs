//! The queue of spans that have ended, and the task that exports them. Nobody waits for it: what finds no room is
//! dropped and counted, and so is what the collector does not take.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, Status};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::{TracesError, number};
use crate::telemetry::{Seldom, metrics};

/// Longest wait at the end of the process.
const FINISH: Duration = Duration::from_secs(5);
/// The time between two lines about a collector that takes nothing.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

enum Message {
    Ended(Box<SpanData>),
    /// Exports all that is waiting, then answers.
    Flush(oneshot::Sender<()>),
}

/// The end of the queue into which spans are put.
#[derive(Debug)]
pub(super) struct ExportQueue(mpsc::Sender<Message>);

/// The hold on the task that exports.
pub(super) struct Exporting(mpsc::Sender<Message>);

/// How much is exported at once, and when.
struct Pace {
    most: usize,
    every: Duration,
    /// Longest time of one export.
    limit: Duration,
}

impl ExportQueue {
    /// Begins to export, with the bounds of the variables `OTEL_BSP_…`.
    pub(super) fn begin(exporter: impl SpanExporter + 'static) -> Result<(Self, Exporting), TracesError> {
        let millis = |name, default| Ok(Duration::from_millis(number(name, default)? as u64));
        let places = number("OTEL_BSP_MAX_QUEUE_SIZE", 2048)?;
        let pace = Pace {
            most: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)?.min(places),
            every: millis("OTEL_BSP_SCHEDULE_DELAY", 5000)?,
            limit: millis("OTEL_BSP_EXPORT_TIMEOUT", 30_000)?,
        };
        let (queue, waiting) = mpsc::channel(places);
        tokio::spawn(export(exporter, waiting, pace));
        Ok((Self(queue.clone()), Exporting(queue)))
    }
}

impl Exporting {
    /// Exports what is waiting. Gives up after [`FINISH`].
    pub(super) async fn finish(self) {
        let _ = timeout(FINISH, async {
            let (done, is_done) = oneshot::channel();
            if self.0.send(Message::Flush(done)).await.is_ok() {
                let _ = is_done.await;
            }
        })
        .await;
    }
}

impl SpanProcessor for ExportQueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            if !matches!(span.status, Status::Error { .. }) {
                return;
            }
            span.span_context = sampled(&span.span_context);
        }
        if self.0.try_send(Message::Ended(Box::new(span))).is_err() {
            metrics().trace_spans_dropped.increment(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        // Only a task may wait: see `Exporting::finish`.
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Returns the same context, as one of a trace that is exported.
fn sampled(context: &SpanContext) -> SpanContext {
    let flags = context.trace_flags().with_sampled(true);
    let state = context.trace_state().clone();
    SpanContext::new(context.trace_id(), context.span_id(), flags, context.is_remote(), state)
}

/// Exports spans until nobody can end one any more: as soon as there are many, or after a while.
async fn export(exporter: impl SpanExporter, mut waiting: mpsc::Receiver<Message>, pace: Pace) {
    let refused = Seldom::new(LOG_INTERVAL);
    let mut is_open = true;
    while is_open {
        let (mut batch, mut flushed) = (Vec::new(), None);
        let mut until = Instant::now() + pace.every;
        while batch.len() < pace.most {
            match timeout_at(until, waiting.recv()).await {
                Ok(Some(Message::Ended(span))) => batch.push(*span),
                Ok(Some(Message::Flush(done))) => {
                    flushed = Some(done);
                    break;
                }
                Ok(None) => {
                    is_open = false;
                    break;
                }
                Err(_) if batch.is_empty() => until = Instant::now() + pace.every,
                Err(_) => break,
            }
        }
        let count = batch.len() as u64;
        if count > 0 {
            let error = match timeout(pace.limit, exporter.export(batch)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("it took too long".to_owned()),
            };
            if let Some(error) = error {
                metrics().trace_spans_dropped.increment(count);
                if refused.is_due() {
                    tracing::warn!(error, count, "the collector of traces has not taken them");
                }
            }
        }
        if let Some(done) = flushed {
            let _ = done.send(());
        }
    }
}

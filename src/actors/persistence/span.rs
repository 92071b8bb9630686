//! The span of a batch.

use super::reply::PendingReply;
use crate::telemetry::{TraceSpan, trace_span};

/// Returns the span of the batch with the commands that wait for `replies`. It belongs to no request and to no socket
/// alone: it is linked to all of them.
#[cfg_attr(not(feature = "otlp"), expect(unused_variables, reason = "only traces show them"))]
pub(super) fn of_batch(replies: &[PendingReply]) -> TraceSpan {
    let span = trace_span!(
        parent: None, "writer.batch", commands = count(replies), otel.status_code = tracing::field::Empty
    );
    #[cfg(feature = "otlp")]
    link(&span.0, replies);
    span
}

/// Returns the number of commands, as traces know whole numbers.
#[cfg(feature = "otlp")]
fn count(replies: &[PendingReply]) -> i64 {
    i64::try_from(replies.len()).unwrap_or(i64::MAX)
}

/// Links the span of a batch to those of the requests and sockets whose commands it holds.
#[cfg(feature = "otlp")]
fn link(span: &tracing::Span, replies: &[PendingReply]) {
    use crate::telemetry::traces::SocketSpan;

    if span.is_disabled() {
        return;
    }
    let mut linked = Vec::new();
    for request in replies.iter().filter_map(PendingReply::request_span) {
        if let Some(id) = request.id().filter(|id| !linked.contains(id)) {
            linked.push(id);
            span.follows_from(request);
        }
    }
    let mut sockets: Vec<u64> = replies.iter().filter_map(PendingReply::socket_id).map(|id| id.0).collect();
    sockets.sort_unstable();
    sockets.dedup();
    SocketSpan::link(span, sockets.into_iter());
}

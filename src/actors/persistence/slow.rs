//! The warnings about batches, and about statements in them, that took long.

use std::time::Duration;

use super::origins::Origins;
use super::reply::PendingReply;
use crate::actors::health::Health;
use crate::storage::SlowStatements;
use crate::telemetry::{Pool, millis};

/// Logs a batch that took long, and its statements that did, with the requests and sockets whose commands it held.
pub(super) fn note(health: &Health, statements: &SlowStatements, replies: &[PendingReply], took: Duration) {
    let batches = health.slow_batches();
    let slow = statements.take_of_batch();
    if slow.is_empty() && !batches.is_slow(took) {
        return;
    }
    let origins = Origins::of(replies);
    let (requests, connections) = (origins.requests(), origins.connections());
    for (statement, took) in slow {
        if let Some(left_out) = statements.log().line() {
            tracing::warn!(
                statement = &*statement,
                duration_ms = millis(took),
                pool = Pool::Batches.as_str(),
                request.ids = requests,
                connection.ids = connections,
                left_out,
                "a statement was slow"
            );
        }
    }
    if batches.is_slow(took)
        && let Some(left_out) = batches.line()
    {
        let commands = replies.len();
        tracing::warn!(
            duration_ms = millis(took),
            commands,
            request.ids = requests,
            connection.ids = connections,
            left_out,
            "a batch was slow"
        );
    }
}

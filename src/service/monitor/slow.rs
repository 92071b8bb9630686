//! The statements of the last hour that took long, for operators.

use std::time::Instant;

use serde::Serialize;

use super::Monitor;
use crate::domain::Timestamp;
use crate::storage::SlowStatement;
use crate::telemetry::millis;

/// The statements of the last hour that took long.
#[derive(Clone, Debug, Serialize)]
pub struct SlowList {
    /// Milliseconds above which a statement is slow; `None` when none is.
    pub over_ms: Option<u64>,
    /// The statements, at most 64, the one that was slow last first.
    pub statements: Vec<ShownStatement>,
}

/// A statement that took long.
#[derive(Clone, Debug, Serialize)]
pub struct ShownStatement {
    /// Its text, without values.
    pub statement: String,
    /// The connections that it was made on.
    pub pool: &'static str,
    /// How often it was slow since `first_at`.
    pub count: u64,
    /// Its longest time, in milliseconds.
    pub longest_ms: u64,
    /// Its time when it was slow last, in milliseconds.
    pub latest_ms: u64,
    /// When it was slow first, since an hour passed in which it was not.
    pub first_at: Timestamp,
    /// When it was slow last.
    pub last_at: Timestamp,
    /// The request that it was made for last, as the log names it.
    pub request_id: Option<String>,
}

impl Monitor {
    /// Returns the statements of the last hour that took long, on this server.
    #[must_use]
    pub fn slow_statements(&self) -> SlowList {
        let slow = self.storage.slow_statements();
        let now = self.clock.now();
        SlowList {
            over_ms: slow.log().threshold().map(millis),
            statements: slow.listed().into_iter().map(|statement| shown(statement, now)).collect(),
        }
    }
}

fn shown(statement: SlowStatement, now: Timestamp) -> ShownStatement {
    let at = |instant: Instant| {
        let ago = i64::try_from(instant.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(now.as_micros().saturating_sub(ago))
    };
    let SlowStatement { text, pool, count, longest, latest, first_at, last_at, request } = statement;
    ShownStatement {
        statement: text.as_ref().to_owned(),
        pool: pool.as_str(),
        count,
        longest_ms: millis(longest),
        latest_ms: millis(latest),
        first_at: at(first_at),
        last_at: at(last_at),
        request_id: request.map(|id| id.to_string()),
    }
}

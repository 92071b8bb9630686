//! Waits by a clock that may be set back.

use std::time::Duration;

use crate::domain::Timestamp;

/// Returns the moment so much later.
pub(super) fn later(now: Timestamp, by: Duration) -> Timestamp {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_add(micros))
}

/// Returns the end of a wait while it lasts. A wait that would last longer than `longest` is over: the clock was set
/// back.
pub(super) fn until(now: Timestamp, end: Timestamp, longest: Duration) -> Option<Timestamp> {
    (end > now && end <= later(now, longest)).then_some(end)
}

/// Returns whether at least so much time has passed since then, or the clock was set back behind it.
pub(super) fn has_passed(since: Timestamp, now: Timestamp, wait: Duration) -> bool {
    now < since || now >= later(since, wait)
}

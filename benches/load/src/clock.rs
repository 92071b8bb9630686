//! The tool's own clock: nanoseconds since it started, so that a moment fits into a message.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;

static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Returns the nanoseconds since the first call.
pub(crate) fn now() -> u64 {
    nanos(ORIGIN.elapsed())
}

/// Returns a duration in nanoseconds.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns a moment in the form for timers.
pub(crate) fn instant(nanos: u64) -> Instant {
    *ORIGIN + Duration::from_nanos(nanos)
}

/// Returns the microseconds since 1970 (UTC), as the server stores times.
#[expect(clippy::disallowed_methods, reason = "this is no part of the server: it has no clock that a test stops")]
pub(crate) fn unix_micros() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

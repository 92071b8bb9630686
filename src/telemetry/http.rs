//! Metrics of requests.

use std::time::Duration;

use metrics::{Counter, counter, histogram};

use super::messages::at_zero;
use super::names;

/// The classes of status, as the label `status`.
pub const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Returns the class of a status.
pub(super) fn status_class(status: u16) -> &'static str {
    let class = usize::from(status / 100).saturating_sub(1);
    STATUS_CLASSES.get(class).copied().unwrap_or("5xx")
}

/// Metrics of requests, made once.
pub struct HttpMetrics {
    /// Requests refused because too many responses wait for their clients to read them.
    pub answers_refused: Counter,
}

impl HttpMetrics {
    pub(super) fn new() -> Self {
        Self { answers_refused: at_zero(counter!(names::ANSWERS_REFUSED)) }
    }

    /// Makes the series of a route, at zero, so that they exist before its first request. `also` is a class of status
    /// besides success and refusal.
    pub fn prepare(&self, method: &'static str, route: &'static str, also: Option<&'static str>) {
        for status in ["2xx", "4xx", "5xx"].into_iter().chain(also) {
            counter!(names::HTTP_REQUESTS, "method" => method, "route" => route, "status" => status).increment(0);
        }
        let _ = histogram!(names::HTTP_SECONDS, "method" => method, "route" => route);
    }

    /// Counts a request with its status, and records its duration.
    pub fn request(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        let status = status_class(status);
        counter!(names::HTTP_REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
        histogram!(names::HTTP_SECONDS, "method" => method, "route" => route).record(took);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_status_is_counted_by_its_class() {
        for (status, class) in [(101, "1xx"), (200, "2xx"), (304, "3xx"), (404, "4xx"), (499, "4xx"), (503, "5xx")] {
            assert_eq!(super::status_class(status), class);
        }
        assert_eq!((super::status_class(0), super::status_class(999)), ("1xx", "5xx"));
    }
}

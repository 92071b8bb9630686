//! Requests, and what their responses must contain.

use std::ops::RangeInclusive;

use memchr::memmem;
use serde_json::Value;

/// A request, and the expected response.
pub(crate) struct Ask {
    /// The kind of the request, for separate figures.
    pub(crate) kind: usize,
    /// Its name in error messages, without a token.
    pub(crate) name: String,
    /// The bytes to send.
    pub(crate) request: Vec<u8>,
    /// The conditions on the response.
    pub(crate) expected: Vec<Expect>,
}

/// How often a response must contain a text.
pub(crate) struct Expect {
    pub(crate) text: String,
    pub(crate) times: RangeInclusive<usize>,
}

impl Ask {
    /// Makes a `GET path`.
    pub(crate) fn get(kind: usize, path: &str, token: &str, expected: Vec<Expect>) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
        Self { kind, name: format!("GET {path}"), request: request.into_bytes(), expected }
    }

    /// Makes a `POST path`, signed in or not.
    pub(crate) fn post(kind: usize, path: &str, token: Option<&str>, body: &Value, expected: Vec<Expect>) -> Self {
        Self { kind, expected, ..Self::with_body("POST", path, token, body) }
    }

    /// Makes a request with a body, signed in or not, from whose response nothing is expected.
    pub(crate) fn with_body(method: &str, path: &str, token: Option<&str>, body: &Value) -> Self {
        let body = body.to_string();
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { kind: 0, name: format!("{method} {path}"), request: request.into_bytes(), expected: Vec::new() }
    }

    /// Returns whether a response meets the conditions.
    pub(crate) fn accepts(&self, body: &[u8]) -> bool {
        self.expected.iter().all(|Expect { text, times }| {
            // One more than allowed is enough to know.
            times.contains(&memmem::find_iter(body, text).take(times.end().saturating_add(1)).count())
        })
    }
}

impl Expect {
    /// Expects the text exactly `times` times.
    pub(crate) fn exactly(times: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), times: times..=times }
    }

    /// Expects the text at least once.
    pub(crate) fn some(text: impl Into<String>) -> Self {
        Self { text: text.into(), times: 1..=usize::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_must_hold() {
        let ask = |expected| Ask::get(0, "/", "t", expected);
        assert!(ask(vec![Expect::exactly(2, "a"), Expect::some("b")]).accepts(b"abab"));
        assert!(!ask(vec![Expect::exactly(1, "a")]).accepts(b"aa"));
        assert!(!ask(vec![Expect::some("c")]).accepts(b"ab"));
        assert!(ask(Vec::new()).accepts(b""));
    }
}

//! Errors of sockets.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::connection::Refusal;

/// The reason why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The server refused the handshake.
    #[error("the server answers {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The reason, for people.
        detail: String,
        /// Least time to wait, if the server asks for any.
        retry_after: Option<Duration>,
    },
    /// There was no complete response.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server does not speak the dialect that was offered.
    #[error("the server does not speak the offered dialect")]
    WrongDialect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The handshake cannot be written as a request.
    #[error("not a valid request")]
    BadRequest(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    /// Makes the error of a response that did not arrive, because of `error`.
    pub fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreachable(error.into())
    }

    pub(super) fn bad_request(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::BadRequest(error.into())
    }

    fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        struct Problem {
            #[serde(default)]
            detail: String,
            #[serde(default)]
            code: String,
        }
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let problem = serde_json::from_slice(body).ok();
        let Problem { mut detail, code } = problem.unwrap_or_default();
        if code == "unsupported_subprotocol" {
            return Self::WrongDialect(detail.into());
        }
        if detail.is_empty() {
            status.canonical_reason().unwrap_or("no reason given").clone_into(&mut detail);
        }
        Self::Refused { status, detail, retry_after: seconds.map(Duration::from_secs) }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Http(response) => {
                let body = response.body().as_deref().unwrap_or_default();
                Self::refused(response.status(), response.headers(), body)
            }
            Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(error)) => Self::WrongDialect(error.into()),
            other => Self::unreachable(other),
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let detail = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        match error {
            OpenError::Refused { status, retry_after, .. } => match status {
                StatusCode::UNAUTHORIZED => Self::Unauthorized(detail),
                StatusCode::FORBIDDEN => Self::Forbidden(detail),
                StatusCode::TOO_MANY_REQUESTS => Self::Passing { retry_after },
                _ if status.is_server_error() => Self::Passing { retry_after },
                _ => Self::Final(detail),
            },
            OpenError::Unreachable(_) => Self::Passing { retry_after: None },
            OpenError::WrongDialect(_) | OpenError::BadRequest(_) => Self::Final(detail),
        }
    }
}

/// The close code that stands for no code (RFC 6455 §7.4.1).
const NO_CODE: u16 = 1005;

/// The reason why a socket has ended.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Closed {
    /// The server has closed it.
    #[error("the server has closed the connection: {} {reason}", code.unwrap_or(NO_CODE))]
    ByServer {
        /// The close code of RFC 6455 §7.4, if the server sent one.
        code: Option<u16>,
        /// The reason, for people.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection is lost: {0}")]
    Lost(String),
}

impl Closed {
    /// Returns whether a new socket may succeed. With any other code the next socket would end the same way.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ByServer { code, .. } => matches!(code, Some(1001 | 1011 | 1012 | 1013)),
            Self::Lost(_) => true,
        }
    }
}

impl From<Error> for Closed {
    fn from(error: Error) -> Self {
        Self::Lost(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passing_troubles_are_worth_another_socket() {
        let transient = |code| Closed::ByServer { code, reason: String::new() }.is_transient();
        for code in [1001, 1011, 1012, 1013] {
            assert!(transient(Some(code)), "{code}");
        }
        for code in [1000, 1005, 1008, 1009, 4001, 4002] {
            assert!(!transient(Some(code)), "{code}");
        }
        assert!(!transient(None));
    }

    #[test]
    fn refusals_are_told_apart() {
        let refusal = |status: u16, retry_after: Option<&str>| {
            let headers = retry_after.map(|value| (RETRY_AFTER, value.parse().unwrap())).into_iter().collect();
            let status = StatusCode::from_u16(status).unwrap();
            Refusal::from(OpenError::refused(status, &headers, br#"{"detail":"why","code":"c"}"#))
        };
        assert!(matches!(refusal(401, None), Refusal::Unauthorized(why) if why.contains("why")));
        assert!(matches!(refusal(403, None), Refusal::Forbidden(_)));
        assert!(matches!(refusal(400, None), Refusal::Final(_)));
        assert_eq!(refusal(429, None), Refusal::Passing { retry_after: None });
        assert_eq!(refusal(503, Some("7")), Refusal::Passing { retry_after: Some(Duration::from_secs(7)) });
    }
}

//! What the connection hears of, and why it may stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;

/// Why there will be no other attempt.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The login session is over.
    #[error("the login has ended: {0}")]
    SignIn(String),
    /// The account is banned.
    #[error("the server does not let you in: {0}")]
    Forbidden(String),
    /// The same device has connected elsewhere.
    #[error("this device is connected from elsewhere")]
    Replaced,
    /// Newer sockets of the same user count more.
    #[error("too many devices are connected")]
    TooMany,
    /// A close that no further attempt would mend.
    #[error("the server has closed the connection: {0}")]
    Closed(String),
    /// The server does not take the handshake.
    #[error("the server does not take the connection: {0}")]
    BadHandshake(String),
}

/// Why there is no socket.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 401: the access token may have expired.
    Unauthorized(String),
    /// 403.
    Forbidden(String),
    /// No answer, or one that passes, such as 429 and 503.
    Passing {
        /// Least time to wait, if the server asks for any.
        #[serde(rename = "retry_after_ms", with = "millis::optional")]
        retry_after: Option<Duration>,
    },
    /// Any other answer: the next attempt would get the same.
    Final(String),
}

/// How an attempt to get new tokens has ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refreshed {
    /// There are new tokens.
    Done,
    /// The refresh token is worth nothing any more.
    Refused(String),
    /// There was no answer.
    Unreachable,
}

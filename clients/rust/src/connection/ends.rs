//! The ends of attempts, and the reasons to stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;

/// The reason why there will be no other attempt.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The login has ended.
    #[error("the login has ended: {0}")]
    SignIn(String),
    /// The account is banned.
    #[error("the server does not let you in: {0}")]
    Forbidden(String),
    /// The same device has connected elsewhere.
    #[error("this device is connected from elsewhere")]
    Replaced,
    /// The user has too many sockets, and newer ones take precedence.
    #[error("too many devices are connected")]
    TooMany,
    /// The socket was closed for a reason that a further attempt would not change.
    #[error("the server has closed the connection: {0}")]
    Closed(String),
    /// The server does not accept the handshake.
    #[error("the server does not take the connection: {0}")]
    BadHandshake(String),
}

/// The reason why there is no socket.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 401: the access token may have expired.
    Unauthorized(String),
    /// 403.
    Forbidden(String),
    /// No response, or a temporary one, such as 429 and 503.
    Passing {
        /// Least time to wait, if the server asks for any.
        #[serde(rename = "retry_after_ms", with = "millis::optional")]
        retry_after: Option<Duration>,
    },
    /// Any other response: the next attempt would get the same.
    Final(String),
}

/// The outcome of an attempt to get new tokens.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refreshed {
    /// There are new tokens.
    Done,
    /// The refresh token is no longer valid.
    Refused(String),
    /// There was no response.
    Unreachable,
}

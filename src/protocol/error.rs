//! Errors as clients see them: a stable code and a text for people.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::domain::{MessageId, Refusal, Timestamp};

/// What went wrong, as a stable word for programs. The same words on the socket and in REST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The frame is not JSON.
    BadJson,
    /// JSON, but not what is expected here.
    BadFrame,
    /// The frame's `type` is not known.
    UnknownType,
    /// No such receiver.
    UnknownUser,
    /// The user name, one that looks like it, or the e-mail address is registered.
    NameTaken,
    /// What cannot be a user name.
    InvalidName,
    /// What is no e-mail address.
    InvalidEmail,
    /// A new password that is too short, too long, or easily guessed.
    WeakPassword,
    /// What is no public key.
    InvalidKey,
    /// A ciphertext or a body above its limit.
    TooLarge,
    /// No such thing, or not yours.
    NotFound,
    /// Not signed in.
    Unauthorized,
    /// You may not.
    Forbidden,
    /// One of the two has blocked the other.
    Blocked,
    /// The client id names another message.
    Conflict,
    /// Encrypted to a key that was replaced.
    StaleKey,
    /// Too often: wait.
    RateLimited,
    /// The server cannot do it now: try again.
    Unavailable,
    /// None of the subprotocols offered is known.
    UnsupportedSubprotocol,
    /// The path does not know this method.
    MethodNotAllowed,
    /// A body of another type or coding than what is taken.
    UnsupportedMediaType,
    /// A fault of the server.
    Internal,
}

impl ErrorCode {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::BadFrame => "bad_frame",
            Self::UnknownType => "unknown_type",
            Self::Blocked => "blocked",
            Self::Conflict => "conflict",
            Self::StaleKey => "stale_key",
            Self::UnknownUser => "unknown_user",
            Self::NameTaken => "name_taken",
            Self::InvalidName => "invalid_name",
            Self::InvalidEmail => "invalid_email",
            Self::WeakPassword => "weak_password",
            Self::InvalidKey => "invalid_key",
            Self::TooLarge => "too_large",
            Self::NotFound => "not_found",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::UnsupportedSubprotocol => "unsupported_subprotocol",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Internal => "internal",
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a frame was not accepted. Nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// For programs.
    pub code: ErrorCode,
    /// For people. Never repeats content of the frame.
    pub message: Cow<'static, str>,
    /// When to try again, for retryable codes.
    pub retry_after_ms: Option<u64>,
    /// What else a program needs to know.
    pub detail: Detail,
}

/// What some codes tell beside their text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// `rate_limited`: which limit.
    Limiter(&'static str),
    /// `conflict`: the message that the client id names.
    Conflict {
        /// Its id.
        id: MessageId,
        /// When it was stored.
        timestamp: Timestamp,
    },
    /// `stale_key`: names the receiver's present key.
    StaleKey {
        /// The name.
        key_id: String,
    },
}

impl FrameError {
    /// An error that trying again does not help.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, detail: Detail::None }
    }

    /// The message could not be stored now.
    #[must_use]
    pub fn unavailable(retry_after_ms: u64) -> Self {
        Self {
            code: ErrorCode::Unavailable,
            message: "error: the message was not confirmed, try again".into(),
            retry_after_ms: Some(retry_after_ms),
            detail: Detail::None,
        }
    }
}

impl From<Refusal> for FrameError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownUser => Self::new(ErrorCode::UnknownUser, "error: unknown receiver, user not found"),
            Refusal::TooLarge { limit } => {
                Self::new(ErrorCode::TooLarge, format!("error: a copy is larger than {limit} bytes"))
            }
            Refusal::Blocked => Self::new(ErrorCode::Blocked, "error: one of you has blocked the other"),
            Refusal::Conflict { id, timestamp } => Self {
                detail: Detail::Conflict { id, timestamp },
                ..Self::new(ErrorCode::Conflict, "error: client_id names another message")
            },
            Refusal::StaleKey { key_id } => Self {
                detail: Detail::StaleKey { key_id },
                ..Self::new(ErrorCode::StaleKey, "error: the receiver has a new public key, encrypt to that")
            },
            Refusal::NotFound => Self::new(ErrorCode::NotFound, "error: not found"),
            Refusal::Forbidden => {
                Self::new(ErrorCode::Forbidden, "error: not allowed (only your own messages, for 24 hours)")
            }
        }
    }
}

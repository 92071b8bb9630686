//! Errors as clients see them: a stable code and a text for people.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::domain::{Limited, MessageId, Refusal, Seq, Timestamp};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The kind of an error, as a stable word for programs. The socket and REST use the same words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// The frame is not JSON.
    BadJson = "bad_json",
    /// The JSON has other fields or values than this request takes.
    BadFrame = "bad_frame",
    /// The frame's `type` is not known.
    UnknownType = "unknown_type",
    /// The receiver does not exist.
    UnknownUser = "unknown_user",
    /// The user name, one that looks like it, or the e-mail address is registered.
    NameTaken = "name_taken",
    /// The text cannot be a user name.
    InvalidName = "invalid_name",
    /// The text is no e-mail address.
    InvalidEmail = "invalid_email",
    /// The new password is too short, too long, or easily guessed.
    WeakPassword = "weak_password",
    /// The text is no public key.
    InvalidKey = "invalid_key",
    /// A ciphertext or a body is above its limit.
    TooLarge = "too_large",
    /// The object does not exist, or belongs to another user.
    NotFound = "not_found",
    /// The request is not authenticated.
    Unauthorized = "unauthorized",
    /// The user may not do this.
    Forbidden = "forbidden",
    /// A code of the second factor is needed beside the password.
    SecondFactorRequired = "second_factor_required",
    /// The client's network is blocked.
    Banned = "banned",
    /// One of the two has blocked the other.
    Blocked = "blocked",
    /// The client id names another message.
    Conflict = "conflict",
    /// The message is encrypted to a key that was replaced.
    StaleKey = "stale_key",
    /// Nobody may register.
    RegistrationClosed = "registration_closed",
    /// Only people with an invite may register.
    InviteRequired = "invite_required",
    /// Something in a report is not proved.
    ReportInvalid = "report_invalid",
    /// The user has as much in the store as allowed.
    Quota = "quota",
    /// The client sends too many requests and must wait.
    RateLimited = "rate_limited",
    /// The server cannot do it now; the client may try again.
    Unavailable = "unavailable",
    /// None of the subprotocols offered is known.
    UnsupportedSubprotocol = "unsupported_subprotocol",
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed",
    /// The body has another type or coding than those that are taken.
    UnsupportedMediaType = "unsupported_media_type",
    /// The server has failed.
    Internal = "internal",
}

impl ErrorCode {
    /// Returns whether the same request may succeed later.
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

/// The reason why a frame or a command was not accepted. Unless it is `unavailable`, nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// The code, for programs.
    pub code: ErrorCode,
    /// The text for people. It never repeats content of the frame.
    pub message: Cow<'static, str>,
    /// The time after which to try again, for retryable codes.
    pub retry_after_ms: Option<u64>,
    /// Further data for programs.
    pub detail: Detail,
}

/// Data of some codes beside their text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// No further data.
    #[default]
    None,
    /// `rate_limited`: which limit.
    Limiter(&'static str),
    /// `conflict`: the message that the client id names.
    Conflict {
        /// Its id.
        id: MessageId,
        /// The place of its event.
        seq: Seq,
        /// When it was stored.
        timestamp: Timestamp,
    },
    /// `stale_key`: the receiver's present key.
    StaleKey {
        /// The name of the key.
        key_id: String,
    },
    /// `not_found`: which of the files that a message names.
    Attachment {
        /// Its id, as the client has written it.
        id: String,
    },
}

impl FrameError {
    /// Makes an error without further data and without a time after which to try again.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, detail: Detail::None }
    }

    /// Makes the error of a message that could not be stored now; `retry_after_ms` is in milliseconds.
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

impl From<Limited> for FrameError {
    fn from(limited: Limited) -> Self {
        Self {
            retry_after_ms: Some(limited.retry_after_ms()),
            detail: Detail::Limiter(limited.limiter.name()),
            ..Self::new(ErrorCode::RateLimited, format!("error: {limited}"))
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
            Refusal::Limited(limited) => limited.into(),
            Refusal::Quota => Self::new(ErrorCode::Quota, "error: you have too many messages here, delete some"),
            Refusal::Blocked => Self::new(ErrorCode::Blocked, "error: one of you has blocked the other"),
            Refusal::Conflict { id, seq, timestamp } => Self {
                detail: Detail::Conflict { id, seq, timestamp },
                ..Self::new(ErrorCode::Conflict, "error: client_id names another message")
            },
            Refusal::StaleKey { key_id } => Self {
                detail: Detail::StaleKey { key_id },
                ..Self::new(ErrorCode::StaleKey, "error: the receiver has a new public key, encrypt to that")
            },
            Refusal::NoAttachment { id } => Self {
                detail: Detail::Attachment { id },
                ..Self::new(ErrorCode::NotFound, "error: there is no such file of yours, or it is not whole")
            },
            Refusal::NotFound => Self::new(ErrorCode::NotFound, "error: not found"),
            Refusal::Forbidden => {
                Self::new(ErrorCode::Forbidden, "error: not allowed (only your own messages, for 24 hours)")
            }
        }
    }
}

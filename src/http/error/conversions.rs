//! Errors of the layers below, as errors of endpoints.

use super::ApiError;
use crate::auth::{AuthError, KeyError};
use crate::domain::{Invalid, Limited};
use crate::service::ServiceError;
use crate::socket::NotAdmitted;
use crate::storage::StorageError;

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Auth(error) => error.into(),
            ServiceError::Keys(error @ (KeyError::Secret(_) | KeyError::Directory { .. })) => {
                Self::Internal(error.to_string())
            }
            ServiceError::Keys(error) => Self::Invalid(error.to_string()),
            ServiceError::Storage(error) => error.into(),
            ServiceError::Refused(error) => error.into(),
            ServiceError::Limited(limited) => limited.into(),
            ServiceError::PasswordNeeded => {
                Self::Forbidden("give your password: this login session began too long ago")
            }
            ServiceError::RegistrationClosed => Self::RegistrationClosed,
            ServiceError::InviteRequired => Self::InviteRequired,
            ServiceError::NoSuchUser => Self::NotFound("there is no such user"),
            ServiceError::NoSuchToken => Self::NotFound("there is no such token"),
            ServiceError::TooManyTokens => Self::Conflict("there are 100 tokens: revoke one first"),
            ServiceError::NoSuchInvite => Self::NotFound("there is no such invite"),
            ServiceError::ReportInvalid => Self::ReportInvalid,
            ServiceError::NoSuchReport => Self::NotFound("there is no such report"),
            ServiceError::Unusable(reason) => Self::Invalid(reason.to_owned()),
            ServiceError::NoSuchMessage => Self::NotFound("there is no such message"),
            ServiceError::NoSuchTarget => Self::NotFound("this device is not registered"),
            ServiceError::SelfBlock => Self::Invalid("nobody blocks themselves".to_owned()),
            ServiceError::NoSuchRule => Self::NotFound("there is no rule for this network"),
            ServiceError::OwnAddress => Self::Conflict("the network holds your own address: force it if you mean that"),
            error @ ServiceError::NoUserLimit(_) => Self::Invalid(error.to_string()),
            ServiceError::NoSuchKey => Self::Invalid(
                "key must be one that the limiter counts by, as worst shows it, or a network of at most /16 or /48"
                    .to_owned(),
            ),
            ServiceError::NoSuchLogin => Self::NotFound("there is no such session"),
            ServiceError::Overloaded | ServiceError::Unconfirmed => Self::Unavailable,
            ServiceError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Taken => Self::Taken,
            AuthError::InviteGone => Self::InviteRequired,
            AuthError::WeakPassword(invalid) => invalid.into(),
            AuthError::WrongCredentials { .. } => Self::Unauthorized("wrong user name or password"),
            AuthError::InvalidToken | AuthError::Reused { .. } => {
                Self::Unauthorized("the token is missing, invalid or expired")
            }
            AuthError::WrongPassword => Self::Forbidden("wrong password"),
            AuthError::CodeNeeded { challenge } => Self::CodeNeeded(challenge),
            AuthError::WrongCode => Self::Forbidden("the code is wrong, or was used before"),
            AuthError::WrongChallenge => Self::Unauthorized("the challenge or the code is wrong"),
            AuthError::FactorOn => Self::Conflict("the second factor is on"),
            AuthError::NoFactor => Self::NotFound("there is no second factor, or none that waits for its first code"),
            AuthError::Limited(limited) => limited.into(),
            AuthError::NoSuchLogin => Self::NotFound("there is no such session"),
            AuthError::Busy => Self::Unavailable,
            AuthError::Storage(error) => error.into(),
            AuthError::NoRandomness(error) => Self::Internal(error.to_string()),
            AuthError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Database(cause) => {
                tracing::warn!(error = %cause, "the database did not answer a request");
                Self::Unavailable
            }
            StorageError::TimedOut | StorageError::Sqlite(_) | StorageError::NotInPlace { .. } => Self::Unavailable,
            // Everything that could be is a login session's or an account's.
            StorageError::Orphan(_) => Self::Unauthorized("the account is gone"),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<NotAdmitted> for ApiError {
    fn from(_: NotAdmitted) -> Self {
        Self::Unavailable
    }
}

impl From<Invalid> for ApiError {
    fn from(error: Invalid) -> Self {
        Self::Field(error)
    }
}

impl From<Limited> for ApiError {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

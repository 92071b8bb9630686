//! Why a use case was not carried out.

use crate::auth::{AuthError, KeyError};
use crate::domain::{Limited, Limiter};
use crate::protocol::{ErrorCode, FrameError};
use crate::storage::StorageError;

/// A use case was refused, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A credential was refused, or could not be checked.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The keys of access tokens could not be changed.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The writer refused the command, or its outcome is not known ([`ErrorCode::Unavailable`]).
    #[error(transparent)]
    Refused(#[from] FrameError),
    /// It was done too often.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The login began too long ago to allow this without the password.
    #[error("the password is needed")]
    PasswordNeeded,
    /// Nobody may register now.
    #[error("registration is closed")]
    RegistrationClosed,
    /// Only people with an invite may register, and there was none that can be used.
    #[error("an invite is needed")]
    InviteRequired,
    /// There is no such account.
    #[error("there is no such user")]
    NoSuchUser,
    /// There is no invite with this id.
    #[error("there is no such invite")]
    NoSuchInvite,
    /// There is no token for operators with this id.
    #[error("there is no such token")]
    NoSuchToken,
    /// There are as many tokens for operators as there may be.
    #[error("there are too many tokens")]
    TooManyTokens,
    /// Something in a report is not proved.
    #[error("the report is not proved")]
    ReportInvalid,
    /// There is no report with this id.
    #[error("there is no such report")]
    NoSuchReport,
    /// There is no rule for this network.
    #[error("there is no such rule")]
    NoSuchRule,
    /// The rule would shut out whoever makes it.
    #[error("the rule would shut you out")]
    OwnAddress,
    /// A device cannot be woken there.
    #[error("{0}")]
    Unusable(&'static str),
    /// There is no such message.
    #[error("there is no such message")]
    NoSuchMessage,
    /// The user has registered no such device.
    #[error("this device is not registered")]
    NoSuchTarget,
    /// A user tried to block themselves.
    #[error("nobody blocks themselves")]
    SelfBlock,
    /// The user has no such login.
    #[error("there is no such login")]
    NoSuchLogin,
    /// The limiter counts by something else than users, or the numbers cannot work.
    #[error("{} cannot be set so for a user", .0.name())]
    NoUserLimit(Limiter),
    /// The limiter counts by something else, or by smaller networks.
    #[error("the limiter counts nothing by this key")]
    NoSuchKey,
    /// Too many commands wait for the writer, or the password keeps being replaced.
    #[error("the server is overloaded")]
    Overloaded,
    /// The writer could not confirm it: the outcome is not known.
    #[error("not confirmed, try again")]
    Unconfirmed,
    /// A fault of the server, such as a panic.
    #[error("internal: {0}")]
    Internal(String),
}

impl ServiceError {
    /// The error of a command that is no message's: when its outcome is not known, the writer's text does not fit.
    pub(super) fn of_login(error: FrameError) -> Self {
        if error.code == ErrorCode::Unavailable { Self::Unconfirmed } else { Self::Refused(error) }
    }

    /// The error of a command about address rules, which names a network.
    pub(super) fn of_rule(error: FrameError) -> Self {
        if error.code == ErrorCode::NotFound { Self::NoSuchRule } else { Self::of_login(error) }
    }

    /// Whether the writer refused the command because the user may not do this, or no longer.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(FrameError { code: ErrorCode::Forbidden, .. }))
    }

    /// Whether a password or a code was refused, so that nothing was begun.
    pub(super) fn is_of_proof(&self) -> bool {
        use AuthError::{CodeNeeded, Limited, WrongCode, WrongPassword};
        matches!(self, Self::Auth(WrongPassword | WrongCode | CodeNeeded { .. } | Limited(_)))
    }

    /// Whether the command names a user or a thing that does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(FrameError { code: ErrorCode::NotFound | ErrorCode::UnknownUser, .. }))
    }
}

//! Why a use case was not carried out.

use crate::auth::AuthError;
use crate::protocol::{ErrorCode, FrameError};
use crate::storage::StorageError;

/// A use case was refused, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A credential was refused, or could not be checked.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The store could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The writer refused the command, or its outcome is not known ([`ErrorCode::Unavailable`]).
    #[error(transparent)]
    Refused(#[from] FrameError),
    /// The login began too long ago to allow this without the password.
    #[error("the password is needed")]
    PasswordNeeded,
    /// A user tried to block themselves.
    #[error("nobody blocks themselves")]
    SelfBlock,
    /// The user has no such login.
    #[error("there is no such login")]
    NoSuchLogin,
    /// Too many commands wait for the writer, or the password keeps being replaced.
    #[error("the server is overloaded")]
    Overloaded,
    /// A fault of the server: a panic, or an outcome that the command cannot have.
    #[error("internal: {0}")]
    Internal(String),
}

impl ServiceError {
    /// Whether the writer refused the command because the user may not do this, or no longer.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(FrameError { code: ErrorCode::Forbidden, .. }))
    }

    /// Whether the command names a user or a thing that does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(FrameError { code: ErrorCode::NotFound | ErrorCode::UnknownUser, .. }))
    }
}

//! The reasons why a request is not authenticated.

use crate::clock::NoRandomness;
use crate::domain::{Invalid, Limited, LoginId, UserId};
use crate::storage::StorageError;

/// Registration, login, refresh or a token was refused, or could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The name, another that looks like it, or the address belongs to an account.
    #[error("the user name or the e-mail address is already registered")]
    Taken,
    /// The invite that the account needs was used up, revoked or has expired meanwhile.
    #[error("the invite cannot be used any more")]
    InviteGone,
    /// The new password is too weak for its owner.
    #[error(transparent)]
    WeakPassword(#[from] Invalid),
    /// Unknown user or wrong password; the response does not say which.
    #[error("wrong user name or password")]
    WrongCredentials {
        /// The account that the name is of, for operators alone.
        user: Option<UserId>,
    },
    /// The password is right, and a code is needed too. The login waits under the challenge, if one was made.
    #[error("a code of the second factor is needed")]
    CodeNeeded {
        /// What to show with the code; `None` where the request is to be repeated with it.
        challenge: Option<String>,
    },
    /// The code is wrong, was used before, or has expired.
    #[error("the code is wrong")]
    WrongCode,
    /// No login waits for a code under this challenge, or not for this code.
    #[error("the challenge or the code is wrong")]
    WrongChallenge,
    /// The account has a second factor.
    #[error("the second factor is on")]
    FactorOn,
    /// The account has no second factor, or none that waits for its first code.
    #[error("there is no second factor")]
    NoFactor,
    /// A limiter has refused it.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The password that must be repeated is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// The login does not exist, or is another user's.
    #[error("there is no such session")]
    NoSuchLogin,
    /// There is no token, or more than one, or it is invalid, expired or of an ended login.
    #[error("the token is missing, invalid or expired")]
    InvalidToken,
    /// A refresh token came back after its successor was used: the login has ended.
    #[error("the token is missing, invalid or expired")]
    Reused {
        /// Its user.
        user: UserId,
        /// The login.
        login: LoginId,
    },
    /// Too many passwords are being hashed.
    #[error("too many logins at once, try again")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The operating system has given no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// A fault of the server, such as a stored hash that cannot be read.
    #[error("internal: {0}")]
    Internal(String),
}

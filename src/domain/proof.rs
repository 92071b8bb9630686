//! Proofs: they allow actions for which an access token alone is not enough.

use secrecy::{ExposeSecret as _, SecretString};

use super::{LoginId, Timestamp};

/// Proof that a password was right: the stored hash that it was compared with. Comparing takes long, so the action is
/// carried out only while this is still the account's hash.
#[derive(Clone, Debug)]
pub struct Proof(SecretString);

impl Proof {
    /// Makes the proof that a password has this hash.
    #[must_use]
    pub fn of(hash: String) -> Self {
        Self(hash.into())
    }

    /// Returns the hash, for comparing it with the stored one.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What allows a user to replace the public key, which others trust without being asked.
#[derive(Clone, Debug)]
pub enum Authority {
    /// The user has given the password.
    Password(Proof),
    /// The user gave it when the login began, unless that was before `after` or, by a clock that was wrong, after
    /// `before`.
    Login {
        /// The login.
        login: LoginId,
        /// The earliest moment at which it may have begun.
        after: Timestamp,
        /// The latest such moment.
        before: Timestamp,
    },
}

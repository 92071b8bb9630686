//! What somebody has proved before they ask for something that a token alone does not allow.

use secrecy::{ExposeSecret as _, SecretString};

use super::{LoginId, Timestamp};

/// A password was right: the stored hash that it was compared with. Comparing takes long, and what the password allows is done
/// only while this is still the account's hash.
#[derive(Clone, Debug)]
pub struct Proof(SecretString);

impl Proof {
    /// The proof that a password has this hash.
    #[must_use]
    pub fn of(hash: String) -> Self {
        Self(hash.into())
    }

    /// The hash, for comparing it with the stored one.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why somebody may replace the public key, which others trust without being asked.
#[derive(Clone, Debug)]
pub enum Authority {
    /// They have given the password.
    Password(Proof),
    /// They have given it when their login session began, unless that was before `after` or, by a clock that was wrong, after
    /// `before`.
    Login {
        /// The login session.
        login: LoginId,
        /// Not earlier.
        after: Timestamp,
        /// Not later.
        before: Timestamp,
    },
}

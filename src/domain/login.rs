//! Logins: which of them a command means, why they end, and what is noted about them.

use std::fmt;

use super::{DeviceId, LoginId, Timestamp};

/// A refresh token to store: only its hash.
#[derive(Clone, Copy)]
pub struct NewRefreshToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it expires.
    pub expires_at: Timestamp,
}

impl fmt::Debug for NewRefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRefreshToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A selection of a user's logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichLogins {
    /// This one.
    Only(LoginId),
    /// All.
    All,
    /// Those beyond the most that a user has at once: the ones that were not used for longest, but never `kept`.
    Beyond {
        /// The login that goes on in any case.
        kept: LoginId,
    },
}

/// Why a login has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginEnd {
    /// The user has logged out.
    Logout,
    /// Ended from another login or for a newer one, expired, or a spent refresh token came back.
    Revoked,
    /// The password was changed.
    Password,
    /// The account is gone.
    Deleted,
}

/// What is noted about a login when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginMark {
    /// The login has opened a legacy socket; a login that has used `fluent.v1` stays marked so.
    Legacy(LoginId),
    /// The login has used something of `fluent.v1`.
    V1(LoginId),
    /// A device has opened a socket in the login.
    Device(LoginId, DeviceId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_cannot_be_printed() {
        let token = NewRefreshToken { hash: [77; 32], expires_at: Timestamp::from_micros(0) };
        assert!(!format!("{token:?}").contains("77"));
    }
}

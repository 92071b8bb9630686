//! Logins after they have begun: listing and ending them, changing the password, and socket tickets.

use secrecy::{ExposeSecret as _, SecretString};

use super::opaque::OpaqueToken;
use super::{Access, Auth, AuthError, Begun, TRIES};
use crate::domain::{Authority, LoginId, Password, Proof, UserId};
use crate::storage::{LoginSession, Which};

/// How long after its beginning a login may replace the public key without the password, in seconds.
const FRESH_S: i64 = 10 * 60;
/// How long a socket ticket can be used, in seconds.
pub const TICKET_LIFETIME_S: i64 = 30;

impl Auth {
    /// Returns the user's logins after `after`, oldest first, at most `limit`.
    pub async fn sessions(
        &self,
        user: UserId,
        after: Option<LoginId>,
        limit: u64,
    ) -> Result<Vec<LoginSession>, AuthError> {
        Ok(self.storage.login_sessions(user, after, limit, self.clock.now()).await?)
    }

    /// Ends logins of the asking user, and returns those that had not ended before. Their tokens are refused from now
    /// on, and so are those of the asking login, if it is among them, even when the store does not know it.
    pub async fn end_sessions(&self, access: Access, which: Which) -> Result<Vec<LoginId>, AuthError> {
        let ended = self.storage.end_logins(access.user, which, self.clock.now()).await?;
        self.access.end_logins(&ended);
        if which == Which::All || which == Which::Only(access.login) {
            self.access.end_logins(&[access.login]);
        }
        Ok(ended)
    }

    /// Changes the password, ends all logins and begins a new one. Returns [`AuthError::WrongPassword`] when `old` is
    /// wrong.
    pub async fn change_password(&self, user: UserId, old: SecretString, new: Password) -> Result<Begun, AuthError> {
        let mut proof = self.check_password(user, old.clone()).await?;
        let hash = self.passwords.hash(new.into_secret()).await?;
        for _ in 0..TRIES {
            let (token, now) = (OpaqueToken::random()?, self.clock.now());
            let stored = self.stored(&token, now);
            if let Some(login) = self.storage.change_password(user, &proof, hash.clone(), stored, now).await? {
                return self.begun(user, login, &token);
            }
            // The hash was replaced meanwhile: it may be of another password now, or of the same.
            proof = self.check_password(user, old.clone()).await?;
        }
        Err(AuthError::Busy)
    }

    /// Checks the user's password, and returns the proof that it was right, or [`AuthError::WrongPassword`].
    pub async fn check_password(&self, user: UserId, password: SecretString) -> Result<Proof, AuthError> {
        let hash = self.storage.password_hash(user).await?;
        let verdict = self.passwords.verify(password, hash.clone()).await?;
        hash.filter(|_| verdict.is_right()).map(Proof::of).ok_or(AuthError::WrongPassword)
    }

    /// Returns the authority of a login that may have begun so recently that it can replace the key without a password.
    #[must_use]
    pub fn fresh_login(&self, access: Access) -> Authority {
        let now = self.clock.now();
        // The clocks of nodes may differ a little.
        Authority::Login { login: access.login, after: now.plus_secs(-FRESH_S), before: now.plus_secs(FRESH_S) }
    }

    /// Makes a ticket that opens one socket in this login, within [`TICKET_LIFETIME_S`].
    pub async fn issue_ticket(&self, access: Access) -> Result<String, AuthError> {
        let (ticket, now) = (OpaqueToken::random()?, self.clock.now());
        let expires_at = now.plus_secs(TICKET_LIFETIME_S);
        let is_theirs = self.storage.create_ticket(ticket.hash(), access.user, access.login, expires_at, now).await?;
        if is_theirs { Ok(ticket.text()) } else { Err(AuthError::InvalidToken) }
    }

    /// Returns the user and login of a ticket. It is used up in any case.
    pub async fn consume_ticket(&self, ticket: &SecretString) -> Result<Access, AuthError> {
        let ticket = OpaqueToken::parse(ticket.expose_secret()).ok_or(AuthError::InvalidToken)?;
        let owner = self.storage.consume_ticket(ticket.hash(), self.clock.now()).await?;
        owner
            .map(|(user, login)| Access { user, login })
            .filter(|access| !self.access.has_ended(*access))
            .ok_or(AuthError::InvalidToken)
    }
}

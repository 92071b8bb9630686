//! Login sessions, once they have begun: listing and ending them, changing the password, and tickets.

use secrecy::{ExposeSecret as _, SecretString};

use super::opaque::OpaqueToken;
use super::{Access, Auth, AuthError};
use crate::domain::{LoginId, Password, UserId};
use crate::storage::{LoginSession, Which};

/// How long a ticket can be shown.
pub const TICKET_LIFETIME_S: i64 = 30;

impl Auth {
    /// The user's login sessions, oldest first.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<LoginSession>, AuthError> {
        Ok(self.storage.login_sessions(user, self.clock.now()).await?)
    }

    /// Ends login sessions of the user; answers those that had not ended before. Their tokens are refused from now on.
    pub async fn end_sessions(&self, user: UserId, which: Which) -> Result<Vec<LoginId>, AuthError> {
        let ended = self.storage.end_logins(user, which, self.clock.now()).await?;
        self.refuse(&ended);
        Ok(ended)
    }

    /// Changes the password and ends all other sessions; answers those. [`AuthError::WrongPassword`] when `old` is wrong.
    pub async fn change_password(
        &self,
        access: Access,
        old: SecretString,
        new: Password,
    ) -> Result<Vec<LoginId>, AuthError> {
        self.check_password(access, old).await?;
        let hash = self.passwords.hash(new.into_secret()).await?;
        let ended = self.storage.change_password(access.user, hash, access.login, self.clock.now()).await?;
        self.refuse(&ended);
        Ok(ended)
    }

    /// Whether this is the user's password; [`AuthError::WrongPassword`] when it is not.
    pub async fn check_password(&self, access: Access, password: SecretString) -> Result<(), AuthError> {
        let hash = self.storage.password_hash(access.user).await?;
        if self.passwords.verify(password, hash).await? { Ok(()) } else { Err(AuthError::WrongPassword) }
    }

    /// A ticket that opens one socket in this login session, within [`TICKET_LIFETIME_S`].
    pub async fn issue_ticket(&self, access: Access) -> Result<String, AuthError> {
        let (ticket, now) = (OpaqueToken::random()?, self.clock.now());
        let expires_at = now.plus_secs(TICKET_LIFETIME_S);
        self.storage.create_ticket(ticket.hash(), access.user, access.login, expires_at, now).await?;
        Ok(ticket.text())
    }

    /// Whose ticket this is. It is used up, whatever comes of it.
    pub async fn consume_ticket(&self, ticket: &SecretString) -> Result<Access, AuthError> {
        let ticket = OpaqueToken::parse(ticket.expose_secret()).ok_or(AuthError::InvalidToken)?;
        let owner = self.storage.consume_ticket(ticket.hash(), self.clock.now()).await?;
        owner
            .map(|(user, login)| Access { user, login })
            .filter(|access| !self.access.has_ended(*access))
            .ok_or(AuthError::InvalidToken)
    }

    fn refuse(&self, ended: &[LoginId]) {
        for login in ended {
            self.access.end_login(*login);
        }
    }
}

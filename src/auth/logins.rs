//! Logins after they have begun: listing them, what a change of the password takes, and socket tickets.

use secrecy::{ExposeSecret as _, SecretString};

use super::opaque::OpaqueToken;
use super::{Access, Auth, AuthError, TokenPair};
use crate::domain::{Authority, BegunLogin, LoginId, NewRefreshToken, UserId};
use crate::storage::OpenLogin;

/// How long after its beginning a login may replace the public key without the password, in seconds.
const FRESH_S: i64 = 10 * 60;
/// How long a socket ticket can be used, in seconds.
pub const TICKET_LIFETIME_S: i64 = 30;

/// The refresh token of a login that is about to begin.
pub struct FirstToken {
    token: OpaqueToken,
    /// As it is stored.
    pub stored: NewRefreshToken,
}

impl Auth {
    /// Returns the user's logins after `after`, oldest first, at most `limit`.
    pub async fn open_logins(
        &self,
        user: UserId,
        after: Option<LoginId>,
        limit: u64,
    ) -> Result<Vec<OpenLogin>, AuthError> {
        Ok(self.storage.open_logins(user, after, limit, self.clock.now()).await?)
    }

    /// Makes the refresh token of a login that is about to begin.
    pub fn first_token(&self) -> Result<FirstToken, AuthError> {
        let token = OpaqueToken::random()?;
        Ok(FirstToken { stored: self.stored(&token, self.clock.now()), token })
    }

    /// Returns the tokens of a login that has begun with this one.
    pub fn tokens_of(&self, user: UserId, begun: &BegunLogin, first: &FirstToken) -> Result<TokenPair, AuthError> {
        self.pair(user, &begun.name, begun.id, &first.token)
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

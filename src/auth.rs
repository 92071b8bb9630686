//! Authentication: registration, login, refresh, and the check of access tokens.

mod access;
mod bearer;
mod dialects;
mod error;
mod guesses;
mod limiter;
mod logins;
mod opaque;
mod passwords;
mod secrets;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

pub use access::{Access, AccessTokens};
pub use bearer::{Bearer, bearer};
pub use dialects::Dialects;
pub use error::AuthError;
pub use guesses::WrongPasswords;
pub use limiter::{ClientAddress, RateLimited, RateLimiter};
pub use logins::TICKET_LIFETIME_S;
pub use secrets::{SecretError, SecretKeys};

use crate::clock::Clock;
use crate::config;
use crate::domain::{LoginId, NewAccount, Password, Proof, Timestamp, UserId};
use crate::storage::{NewLogin, NewRefreshToken, Rotation, Storage, StorageError};
use opaque::OpaqueToken;
use passwords::{Passwords, Verdict};

/// How often a password is verified anew because its hash was replaced meanwhile.
const TRIES: usize = 3;

/// A login that has begun.
pub struct Begun {
    /// Its tokens.
    pub pair: TokenPair,
    /// Its user.
    pub user: UserId,
    /// Older logins of the user that were ended to keep within the limit. Their sockets are to be closed.
    pub ended: Vec<LoginId>,
}

/// The tokens that a login or a refresh gives.
pub struct TokenPair {
    /// The token for every request, short-lived.
    pub access: String,
    /// The token for the next refresh.
    pub refresh: String,
}

/// Accounts and their tokens.
pub struct Auth {
    storage: Arc<Storage>,
    clock: Clock,
    passwords: Passwords,
    access: AccessTokens,
    refresh_token_s: i64,
    refresh_grace_s: i64,
}

impl Auth {
    /// Reads from `storage` the logins and accounts that have ended while their access tokens may still look valid.
    pub async fn new(
        config: &config::Auth,
        keys: &SecretKeys,
        storage: Arc<Storage>,
        clock: Clock,
    ) -> Result<Self, AuthError> {
        let access = AccessTokens::new(keys, config.access_token_s, clock.clone())?;
        let horizon = clock.now().plus_secs(-config.access_token_s);
        access.end_logins(&storage.logins_ended_since(horizon).await?);
        for (user, until) in storage.ended_users().await? {
            access.end_user(user, until);
        }
        Ok(Self {
            passwords: Passwords::new(config)?,
            access,
            storage,
            clock,
            refresh_token_s: config.refresh_token_s,
            refresh_grace_s: config.refresh_grace_s,
        })
    }

    /// Makes an account. Returns [`AuthError::Taken`] when another account has the name, a name that looks like it, or
    /// the address. This takes the same work, so the time until the response reveals nothing.
    pub async fn register(&self, account: NewAccount) -> Result<UserId, AuthError> {
        account.password.check_owner(account.name.as_str(), account.email.as_str())?;
        let hash = self.passwords.hash(account.password.into_secret()).await?;
        self.storage
            .create_account(&account.name, &account.email, hash, &account.public_key, self.clock.now())
            .await
            .map_err(|error| match error {
                StorageError::Duplicate(_) => AuthError::Taken,
                other => other.into(),
            })
    }

    /// Begins a login. Returns [`AuthError::WrongCredentials`] for an unknown name and a wrong password alike, after
    /// the same work.
    pub async fn login(&self, name: &str, password: SecretString) -> Result<Begun, AuthError> {
        for _ in 0..TRIES {
            if let Some(begun) = self.try_login(name, password.clone()).await? {
                return Ok(begun);
            }
        }
        Err(AuthError::Busy)
    }

    /// Returns `None` when the hash was replaced while it was compared: it may be of another password now, or of the
    /// same.
    async fn try_login(&self, name: &str, password: SecretString) -> Result<Option<Begun>, AuthError> {
        // A text that cannot be a name finds no user, and costs the same.
        let known = self.storage.credentials(name).await?;
        let hash = known.as_ref().map(|known| known.password_hash.clone());
        let verdict = self.passwords.verify(password.clone(), hash).await?;
        let user = known.filter(|_| verdict.is_right()).ok_or(AuthError::WrongCredentials)?;
        let better = if verdict == (Verdict::Right { outdated: true }) {
            // Otherwise the time of a login would distinguish old accounts from unused names.
            Some(self.passwords.hash(password).await?)
        } else {
            None
        };
        let (token, now) = (OpaqueToken::random()?, self.clock.now());
        let (proof, stored) = (Proof::of(user.password_hash), self.stored(&token, now));
        let login = self.storage.create_login(user.user, &proof, better, stored, now).await?;
        login.map(|login| self.begun(user.user, login, &token)).transpose()
    }

    /// Returns the new login with its tokens. The tokens of logins that were ended for it are refused from now on.
    fn begun(&self, user: UserId, login: NewLogin, token: &OpaqueToken) -> Result<Begun, AuthError> {
        self.access.end_logins(&login.ended);
        Ok(Begun { pair: self.pair(user, &login.name, login.id, token)?, user, ended: login.ended })
    }

    /// Spends a refresh token. A second try with the same token gets the same successor; see [`Storage::rotate`].
    pub async fn refresh(&self, presented: &SecretString) -> Result<TokenPair, AuthError> {
        let token = OpaqueToken::parse(presented.expose_secret()).ok_or(AuthError::InvalidToken)?;
        let now = self.clock.now();
        let salt = crate::clock::random_bytes()?;
        let successor = |salt: &[u8; 32]| self.stored(&token.successor(salt), now);
        match self.storage.rotate(token.hash(), salt, successor, self.refresh_grace_s, now).await? {
            Rotation::Granted { user, name, login, salt } => self.pair(user, &name, login, &token.successor(&salt)),
            Rotation::Refused => Err(AuthError::InvalidToken),
            Rotation::Reused { user, login } => {
                tracing::warn!(user.id = %user, login.id = %login, "a spent refresh token came back: login revoked");
                self.access.end_logins(&[login]);
                Err(AuthError::Reused { user, login })
            }
        }
    }

    /// Returns [`AuthError::WeakPassword`] when the new password is made of the user's own name or address.
    pub async fn check_owner(&self, user: UserId, new: &Password) -> Result<(), AuthError> {
        if let Some(profile) = self.storage.profile(user).await? {
            new.check_owner(&profile.user.name, &profile.email)?;
        }
        Ok(())
    }

    /// Returns the maker and checker of access tokens.
    #[must_use]
    pub fn access(&self) -> &AccessTokens {
        &self.access
    }

    fn stored(&self, token: &OpaqueToken, now: Timestamp) -> NewRefreshToken {
        NewRefreshToken { hash: token.hash(), expires_at: now.plus_secs(self.refresh_token_s) }
    }

    fn pair(&self, user: UserId, name: &str, login: LoginId, refresh: &OpaqueToken) -> Result<TokenPair, AuthError> {
        Ok(TokenPair { access: self.access.issue(user, name, login)?, refresh: refresh.text() })
    }
}

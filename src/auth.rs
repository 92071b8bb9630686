//! Authentication: registration, login, refresh, and the check of access tokens.

mod access;
mod address_rules;
mod bans;
mod bearer;
mod error;
mod guesses;
mod instance_key;
mod login;
mod logins;
mod networks;
mod opaque;
mod passwords;
mod refused;
mod second_factor;
mod secrets;
mod token_keys;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

pub use access::{Access, AccessTokens};
pub use address_rules::AddressRules;
pub use bans::{Bans, Suspicion};
pub use bearer::{Bearer, bearer};
pub use error::AuthError;
pub use guesses::WrongPasswords;
pub use instance_key::InstanceKey;
pub use logins::{FirstToken, TICKET_LIFETIME_S};
pub use networks::Networks;
pub use passwords::Requester;
pub use refused::RefusedTokens;
pub use second_factor::{Enrolment, FactorState};
pub use secrets::{SecretError, SecretKeys};
pub use token_keys::{KeyDirectory, KeyEntry, KeyError, KeyState, ListedKey, PublishedKey, TokenKeys};

use crate::clock::Clock;
use crate::config;
use crate::domain::{
    ClientAddress, InviteUse, Limiter, LoginId, NewAccount, NewRefreshToken, Password, Timestamp, UserId,
};
use crate::limits::Limiters;
use crate::storage::{Rotation, Storage, StorageError};
use opaque::OpaqueToken;
use passwords::Passwords;
use second_factor::FactorKeys;

/// Longest time for which a refresh waits instead of being refused.
const REFRESH_DELAY: Duration = Duration::from_secs(5);

/// What is refused from the moment on at which a batch says so.
#[derive(Clone)]
pub struct Refusals {
    /// Access tokens of what has ended.
    pub tokens: Arc<RefusedTokens>,
    /// Networks that may not come in.
    pub addresses: Arc<AddressRules>,
}

/// A login that has begun.
pub struct Begun {
    /// Its tokens.
    pub pair: TokenPair,
    /// Its user.
    pub user: UserId,
    /// The login.
    pub login: LoginId,
    /// Whether the user has more logins now than may be: those beyond are to be ended.
    pub is_beyond: bool,
    /// Whether it began with a recovery code.
    pub used_recovery_code: bool,
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
    limiters: Arc<Limiters>,
    networks: Networks,
    access: AccessTokens,
    factor_keys: FactorKeys,
    refresh_token_s: i64,
    refresh_grace_s: i64,
}

impl Auth {
    /// Reads from `storage` the logins and accounts that have ended while their access tokens may still look valid.
    pub async fn new(
        config: &config::Auth,
        (keys, instance_key): (TokenKeys, &InstanceKey),
        storage: Arc<Storage>,
        limiters: Arc<Limiters>,
        clock: Clock,
    ) -> Result<Self, AuthError> {
        let access = AccessTokens::new(keys, config.access_token_s, clock.clone());
        let horizon = clock.now().plus_secs(-config.access_token_s);
        access.refused().refuse_logins(&storage.logins_ended_since(horizon).await?);
        for (user, until) in storage.ended_users().await? {
            access.refused().refuse_user(user, until);
        }
        Ok(Self {
            passwords: Passwords::new(config)?,
            limiters,
            networks: Networks::new(instance_key).map_err(|error| AuthError::Internal(error.to_string()))?,
            access,
            factor_keys: FactorKeys::new(instance_key)?,
            storage,
            clock,
            refresh_token_s: config.refresh_token_s,
            refresh_grace_s: config.refresh_grace_s,
        })
    }

    /// Makes an account, and takes its invite with it. Returns [`AuthError::Taken`] when another account has the name,
    /// a name that looks like it, or the address. This takes the same work, so the time until the response reveals
    /// nothing. Returns [`AuthError::InviteGone`] when the invite that it needs cannot be used any more.
    pub async fn register(
        &self,
        account: NewAccount,
        invite_use: InviteUse,
        address: Option<ClientAddress>,
    ) -> Result<UserId, AuthError> {
        account.password.check_owner(account.name.as_str(), account.email.as_str())?;
        let hash = self.passwords.hash(Requester::stranger(address), account.password.into_secret()).await?;
        let names = (&account.name, &account.email);
        match self.storage.create_invited_account(names, hash, &account.public_key, invite_use, self.clock.now()).await
        {
            Ok(user) => user.ok_or(AuthError::InviteGone),
            Err(StorageError::Duplicate(_)) => Err(AuthError::Taken),
            Err(other) => Err(other.into()),
        }
    }

    /// Spends a refresh token, which may have to wait when its login refreshes too often: a refusal would sign the
    /// shipped client out. A second try with the same token gets the same successor; see [`Storage::rotate`]. Fails
    /// with [`AuthError::Reused`] when it was spent by another party: then its login has ended, and its access tokens
    /// are refused.
    pub async fn refresh(
        &self,
        presented: &SecretString,
        address: Option<ClientAddress>,
    ) -> Result<TokenPair, AuthError> {
        let token = OpaqueToken::parse(presented.expose_secret());
        let login = match &token {
            Some(token) => self.storage.login_of_token(token.hash()).await?,
            None => None,
        };
        let (Some(token), Some(login)) = (token, login) else {
            if let Some(address) = address {
                self.limiters.take(Limiter::RefreshInvalid, address.class())?;
            }
            return Err(AuthError::InvalidToken);
        };
        self.limiters.take_in_time(Limiter::RefreshChain, login, REFRESH_DELAY).await?;
        let network = address.map(ClientAddress::network);
        let now = self.clock.now();
        let salt = crate::clock::random_bytes()?;
        let successor = |salt: &[u8; 32]| self.stored(&token.successor(salt), now);
        match self.storage.rotate(token.hash(), salt, successor, self.refresh_grace_s, (network, now)).await? {
            Rotation::Granted { user, name, login, salt } => self.pair(user, &name, login, &token.successor(&salt)),
            Rotation::Refused => Err(AuthError::InvalidToken),
            Rotation::Reused { user, login } => {
                tracing::warn!(user.id = %user, login.id = %login, "a spent refresh token came back: login revoked");
                self.access.refused().refuse_logins(&[login]);
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

    /// Returns the limiters, by which codes are counted.
    #[must_use]
    pub fn limiters(&self) -> &Arc<Limiters> {
        &self.limiters
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

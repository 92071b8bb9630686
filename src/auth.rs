//! Authentication: registration, login, refresh, and the check of access tokens.

mod access;
mod address_rules;
mod bans;
mod bearer;
mod error;
mod guesses;
mod instance_key;
mod key_file;
mod logins;
mod opaque;
mod passwords;
mod refused;
mod second_factor;
mod secrets;
mod token_keys;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

pub use access::{Access, AccessTokens};
pub use address_rules::AddressRules;
pub use bans::Bans;
pub use bearer::{Bearer, bearer};
pub use error::AuthError;
pub use guesses::WrongPasswords;
pub use instance_key::InstanceKey;
pub use logins::{FirstToken, TICKET_LIFETIME_S};
pub use refused::RefusedTokens;
pub use second_factor::{Enrolment, FactorState};
pub use secrets::{SecretError, SecretKeys};
pub use token_keys::{KeyDirectory, KeyEntry, KeyError, KeyState, ListedKey, PublishedKey, TokenKeys};

use crate::clock::Clock;
use crate::config;
use crate::domain::{
    InviteUse, Limiter, LoginId, Network, NewAccount, NewRefreshToken, Password, Proof, RightCode, Timestamp, UserId,
};
use crate::limits::Limiters;
use crate::storage::{Beginning, LoginCode, NewLogin, Rotation, Storage, StorageError};
use opaque::OpaqueToken;
use passwords::{Passwords, Verdict};
use second_factor::FactorKeys;

/// How often a password is verified anew because its hash was replaced meanwhile.
const TRIES: usize = 3;

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
    access: AccessTokens,
    factor_keys: FactorKeys,
    limiters: Arc<Limiters>,
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
            access,
            factor_keys: FactorKeys::new(instance_key)?,
            limiters,
            storage,
            clock,
            refresh_token_s: config.refresh_token_s,
            refresh_grace_s: config.refresh_grace_s,
        })
    }

    /// Makes an account, and takes its invite with it. Returns [`AuthError::Taken`] when another account has the name,
    /// a name that looks like it, or the address. This takes the same work, so the time until the response reveals
    /// nothing. Returns [`AuthError::InviteGone`] when the invite that it needs cannot be used any more.
    pub async fn register(&self, account: NewAccount, invite_use: InviteUse) -> Result<UserId, AuthError> {
        account.password.check_owner(account.name.as_str(), account.email.as_str())?;
        let hash = self.passwords.hash(account.password.into_secret()).await?;
        let names = (&account.name, &account.email);
        match self.storage.create_invited_account(names, hash, &account.public_key, invite_use, self.clock.now()).await
        {
            Ok(user) => user.ok_or(AuthError::InviteGone),
            Err(StorageError::Duplicate(_)) => Err(AuthError::Taken),
            Err(other) => Err(other.into()),
        }
    }

    /// Begins a login. Returns [`AuthError::WrongCredentials`] for an unknown name and a wrong password alike, after
    /// the same work, and [`AuthError::CodeNeeded`] when the password is right and the account has a second factor.
    /// Where it has one, `password` may end in `:` and a code.
    pub async fn login(
        &self,
        name: &str,
        password: SecretString,
        network: Option<Network>,
    ) -> Result<Begun, AuthError> {
        for _ in 0..TRIES {
            if let Some(begun) = Box::pin(self.try_login(name, password.clone(), network)).await? {
                return Ok(begun);
            }
        }
        Err(AuthError::Busy)
    }

    /// Returns `None` when the hash was replaced while it was compared: it may be of another password now, or of the
    /// same.
    async fn try_login(
        &self,
        name: &str,
        password: SecretString,
        network: Option<Network>,
    ) -> Result<Option<Begun>, AuthError> {
        // A text that cannot be a name finds no user, and costs the same.
        let known = self.storage.credentials(name).await?;
        let user = known.as_ref().map_or(UserId(0), |known| known.user);
        let factor = self.storage.second_factor(user).await?;
        let (password, code) = self.split_code(user, factor.as_ref(), password).await?;
        let hash = known.as_ref().map(|known| known.password_hash.clone());
        let verdict = self.passwords.verify(password.clone(), hash).await?;
        let wrong = AuthError::WrongCredentials { user: known.as_ref().map(|known| known.user) };
        // A disabled account is answered as one whose password was wrong.
        let user = known.filter(|known| verdict.is_right() && !known.is_disabled).ok_or(wrong)?;
        if factor.is_some() {
            // Not before: a stranger could use up the owner's tokens, and would learn that there is a second factor.
            match code {
                Some(_) => self.limiters.take(Limiter::SecondFactorAccount, user.user)?,
                None => return Err(self.challenge(user.user, &user.password_hash).await?),
            }
        }
        let better = if verdict == (Verdict::Right { outdated: true }) {
            // Otherwise the time of a login would distinguish old accounts from unused names.
            Some(self.passwords.hash(password).await?)
        } else {
            None
        };
        let code = code.map(|code| LoginCode { code, challenge: None });
        Box::pin(self.begin(user.user, (Proof::of(user.password_hash), better), code, network)).await
    }

    /// Begins a login of a user who has proved the password. `None` when its hash was replaced meanwhile.
    async fn begin(
        &self,
        user: UserId,
        (proof, better): (Proof, Option<String>),
        code: Option<LoginCode>,
        network: Option<Network>,
    ) -> Result<Option<Begun>, AuthError> {
        let (token, now) = (OpaqueToken::random()?, self.clock.now());
        let stored = self.stored(&token, now);
        match self.storage.create_login(user, &proof, better, code, stored, (network, now)).await? {
            Beginning::Begun(NewLogin { id: login, name, is_beyond }) => {
                let pair = self.pair(user, &name, login, &token)?;
                let used_recovery_code = code.is_some_and(|code| matches!(code.code, RightCode::Recovery(_)));
                Ok(Some(Begun { pair, user, login, is_beyond, used_recovery_code }))
            }
            // A second factor that was switched on this moment is seen at the next try.
            Beginning::PasswordReplaced | Beginning::CodeNeeded => Ok(None),
            // It was right a moment ago: another request has used it.
            Beginning::CodeUsed => Err(AuthError::WrongCredentials { user: Some(user) }),
        }
    }

    /// Spends a refresh token. A second try with the same token gets the same successor; see [`Storage::rotate`]. Fails
    /// with [`AuthError::Reused`] when it was spent by another party: then its login has ended, and its access tokens
    /// are refused.
    pub async fn refresh(&self, presented: &SecretString, network: Option<Network>) -> Result<TokenPair, AuthError> {
        let token = OpaqueToken::parse(presented.expose_secret()).ok_or(AuthError::InvalidToken)?;
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

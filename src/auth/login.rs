//! The beginning of a login, from the name and the password to its tokens.
//!
//! What does not depend on whether the account exists comes first: the limit of the address, then that of the name.
//! From a network where a user has logged in before, that user has a limit of their own, which strangers cannot use up.

use secrecy::SecretString;

use super::opaque::OpaqueToken;
use super::passwords::Verdict;
use super::{Auth, AuthError, Begun, Requester};
use crate::domain::{ClientAddress, Limiter, LoginOrigin, Password, Proof, RightCode, UserId};
use crate::limits::LimiterKey;
use crate::storage::{Beginning, Credentials, LoginCode, NewLogin};

/// How often a password is verified anew because its hash was replaced meanwhile.
const TRIES: usize = 3;

/// Who tries to log in, and from where.
struct Caller {
    requester: Requester,
    origin: Option<LoginOrigin>,
}

impl Auth {
    /// Begins a login. Returns [`AuthError::WrongCredentials`] for an unknown name and a wrong password alike, after
    /// the same work, [`AuthError::CodeNeeded`] when the password is right and the account has a second
    /// factor, and [`AuthError::Limited`] before anything is hashed. Where the account has a second factor, `password`
    /// may end in `:` and a code.
    pub async fn login(
        &self,
        name: &str,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<Begun, AuthError> {
        self.limit_address(address)?;
        // A text that cannot be a name finds no user, and costs the same.
        let mut known = self.storage.credentials(name).await?;
        let caller = self.admit(name, known.as_ref(), address).await?;
        for _ in 0..TRIES {
            let begun = Box::pin(self.try_login(known, password.clone(), &caller)).await;
            if let Ok(Some(_)) | Err(AuthError::CodeNeeded { .. }) = begun {
                self.password_was_right(address);
            }
            if let Some(begun) = begun? {
                return Ok(begun);
            }
            known = self.storage.credentials(name).await?;
        }
        Err(AuthError::Busy)
    }

    /// Counts an attempt to log in with this name: by the user and the network when it is known, else by the name.
    async fn admit(
        &self,
        name: &str,
        known: Option<&Credentials>,
        address: Option<ClientAddress>,
    ) -> Result<Caller, AuthError> {
        let user = known.map(|known| known.user);
        let origin = self.origin(user, address);
        let is_known = match &origin {
            // Looked up for unknown names, too.
            Some(origin) => self.storage.is_known_network(user, &origin.tags, self.clock.now()).await?,
            None => false,
        };
        match (user, address) {
            (Some(user), Some(address)) if is_known => {
                self.limiters.take(Limiter::LoginKnown, LimiterKey::Known(user, address.household()))?;
            }
            _ => self.limiters.take(Limiter::LoginAccount, self.limiters.name_key(name))?,
        }
        Ok(Caller { requester: Requester { is_known, ..Requester::stranger(address) }, origin })
    }

    /// Returns `None` when the hash was replaced while it was compared: it may be of another password now, or of the
    /// same.
    async fn try_login(
        &self,
        known: Option<Credentials>,
        password: SecretString,
        caller: &Caller,
    ) -> Result<Option<Begun>, AuthError> {
        let user = known.as_ref().map_or(UserId(0), |known| known.user);
        let factor = self.storage.second_factor(user).await?;
        let (password, code) = self.split_code(user, factor.as_ref(), password).await?;
        let hash = known.as_ref().map(|known| known.password_hash.clone());
        let verdict = self.passwords.verify(caller.requester, password.clone(), hash).await?;
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
            Some(self.passwords.hash(caller.requester, password).await?)
        } else {
            None
        };
        let code = code.map(|code| LoginCode { code, challenge: None });
        Box::pin(self.begin(user.user, (Proof::of(user.password_hash), better), code, caller.origin)).await
    }

    /// Returns where a login comes from; `None` stands for a name that no account has.
    pub(super) fn origin(&self, user: Option<UserId>, address: Option<ClientAddress>) -> Option<LoginOrigin> {
        let address = address?;
        Some(LoginOrigin { network: address.network(), tags: self.networks.tags(user, address) })
    }

    /// Begins a login of a user who has proved the password. `None` when its hash was replaced meanwhile.
    pub(super) async fn begin(
        &self,
        user: UserId,
        (proof, better): (Proof, Option<String>),
        code: Option<LoginCode>,
        origin: Option<LoginOrigin>,
    ) -> Result<Option<Begun>, AuthError> {
        let (token, now) = (OpaqueToken::random()?, self.clock.now());
        let stored = self.stored(&token, now);
        match self.storage.create_login(user, &proof, better, code, stored, (origin, now)).await? {
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

    /// Counts an attempt of somebody who is signed in to give the password, before anything is hashed.
    pub fn limit_password(&self, user: UserId, address: Option<ClientAddress>) -> Result<(), AuthError> {
        self.limit_address(address)?;
        Ok(self.limiters.take(Limiter::PasswordUser, user)?)
    }

    /// Gives back what an attempt with the right password has taken from its address: an office that shares one address
    /// signs in without end.
    pub fn password_was_right(&self, address: Option<ClientAddress>) {
        if let Some(address) = address {
            self.limiters.give_back(Limiter::LoginAddress, address.class());
        }
    }

    /// Checks the user's password, and returns the proof that it was right, or [`AuthError::WrongPassword`].
    pub async fn check_password(
        &self,
        user: UserId,
        password: SecretString,
        address: Option<ClientAddress>,
    ) -> Result<Proof, AuthError> {
        let hash = self.storage.password_hash(user).await?;
        let verdict = self.passwords.verify(Requester::signed_in(address), password, hash.clone()).await?;
        hash.filter(|_| verdict.is_right()).map(Proof::of).ok_or(AuthError::WrongPassword)
    }

    /// Hashes the new password of somebody who is signed in. Returns [`AuthError::Busy`] when too many wait.
    pub async fn hash_password(
        &self,
        new: Password,
        address: Option<ClientAddress>,
    ) -> Result<SecretString, AuthError> {
        Ok(self.passwords.hash(Requester::signed_in(address), new.into_secret()).await?.into())
    }

    fn limit_address(&self, address: Option<ClientAddress>) -> Result<(), AuthError> {
        match address {
            Some(address) => Ok(self.limiters.take(Limiter::LoginAddress, address.class())?),
            None => Ok(()),
        }
    }
}

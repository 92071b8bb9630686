//! Second factors: TOTP (RFC 6238, SHA-1, 6 digits, steps of 30 s, one step of tolerance) and recovery codes.

mod codes;
mod keys;

use aws_lc_rs::{constant_time, digest};
use secrecy::{ExposeSecret as _, SecretString};

pub(super) use keys::FactorKeys;

use super::opaque::OpaqueToken;
use super::{Auth, AuthError, Begun};
use crate::clock::random_bytes;
use crate::domain::{
    CHALLENGE_S, ClientAddress, ENROLMENT_S, Limiter, NewChallenge, Proof, RECOVERY_CODES, RightCode, SecondFactor,
    Timestamp, UserId,
};
use crate::storage::{FactorChange, LoginCode};
use codes::{Totp, Typed, recovery_code};

/// Bytes of the secret of an authenticator app: the output of SHA-1 (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;

/// A secret that waits for its first code.
pub struct Enrolment {
    /// The secret in Base32, to type in.
    pub secret: String,
    /// The same as a URL, to show as a QR code.
    pub url: String,
}

/// The second factor of a user, as the user sees it.
pub struct FactorState {
    /// When it was switched on; `None` when it is off.
    pub enrolled_at: Option<Timestamp>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
}

impl Auth {
    /// Returns whether a user has a second factor.
    pub async fn factor_state(&self, user: UserId) -> Result<FactorState, AuthError> {
        let factor = self.storage.second_factor(user).await?;
        let recovery_codes_left = self.storage.recovery_codes_left(user).await?;
        Ok(FactorState { enrolled_at: factor.map(|factor| factor.enrolled_at), recovery_codes_left })
    }

    /// Makes a secret for the app of a user, which waits for its first code.
    pub async fn begin_factor(&self, user: UserId, proof: &Proof) -> Result<Option<Enrolment>, AuthError> {
        let name = self.storage.user(user).await?.ok_or(AuthError::InvalidToken)?.name;
        let secret = random_bytes::<SECRET_BYTES>()?;
        let totp = Totp::new(&secret)?;
        let enrolment = Enrolment { secret: totp.base32(), url: totp.url(&name)? };
        let sealed = self.factor_keys.seal(user, &secret)?;
        let until = self.clock.now().plus_secs(ENROLMENT_S);
        match self.storage.begin_factor(user, proof, sealed, until).await? {
            FactorChange::Done => Ok(Some(enrolment)),
            FactorChange::PasswordReplaced => Ok(None),
            FactorChange::CodeUsed => Err(AuthError::FactorOn),
        }
    }

    /// Switches the second factor on with its first code, which is used up. Returns the recovery codes.
    pub async fn confirm_factor(&self, user: UserId, code: &str) -> Result<Vec<String>, AuthError> {
        if self.storage.second_factor(user).await?.is_some() {
            return Err(AuthError::FactorOn);
        }
        let now = self.clock.now();
        let sealed = self.storage.pending_factor(user, now).await?.ok_or(AuthError::NoFactor)?;
        self.limiters.take(Limiter::SecondFactorAccount, user)?;
        let totp = Totp::new(&self.factor_keys.open(user, &sealed)?)?;
        let step = totp.step_of(code, now).ok_or(AuthError::WrongCode)?;
        let (codes, hashes) = self.recovery_codes(user)?;
        let is_on = self.storage.confirm_factor(user, sealed, step, &hashes, now).await?;
        if is_on { Ok(codes) } else { Err(AuthError::NoFactor) }
    }

    /// Replaces the recovery codes. `None` when the password was replaced meanwhile.
    pub async fn replace_recovery_codes(
        &self,
        user: UserId,
        proof: &Proof,
        code: RightCode,
    ) -> Result<Option<Vec<String>>, AuthError> {
        let (codes, hashes) = self.recovery_codes(user)?;
        changed(self.storage.replace_recovery_codes(user, proof, code, &hashes).await?, codes)
    }

    /// Switches the second factor off. `None` when the password was replaced meanwhile.
    pub async fn remove_factor(&self, user: UserId, proof: &Proof, code: RightCode) -> Result<Option<()>, AuthError> {
        changed(self.storage.remove_factor(user, proof, code).await?, ())
    }

    /// Checks the code of a user whose second factor is on, without using it up; `None` when it is off. Returns
    /// [`AuthError::CodeNeeded`] when there is no code, [`AuthError::WrongCode`] when it is wrong.
    pub async fn check_code(&self, user: UserId, code: Option<&str>) -> Result<Option<RightCode>, AuthError> {
        let Some(factor) = self.storage.second_factor(user).await? else { return Ok(None) };
        let code = code.ok_or(AuthError::CodeNeeded { challenge: None })?;
        self.limiters.take(Limiter::SecondFactorAccount, user)?;
        self.right(user, &factor, code).await?.ok_or(AuthError::WrongCode).map(Some)
    }

    /// Uses up a code. Returns [`AuthError::WrongCode`] when it was used before.
    pub async fn use_code(&self, user: UserId, code: RightCode) -> Result<(), AuthError> {
        if self.storage.use_code(user, code).await? { Ok(()) } else { Err(AuthError::WrongCode) }
    }

    /// Ends a login's wait for its code.
    pub async fn answer_challenge(
        &self,
        challenge: &SecretString,
        code: &str,
        address: Option<ClientAddress>,
    ) -> Result<Begun, AuthError> {
        let hash = OpaqueToken::parse(challenge.expose_secret()).ok_or(AuthError::WrongChallenge)?.hash();
        let now = self.clock.now();
        let user = self.storage.challenged_user(hash, now).await?.ok_or(AuthError::WrongChallenge)?;
        self.limiters.take(Limiter::SecondFactorAccount, user)?;
        let proof = self.storage.try_challenge(hash, now).await?.ok_or(AuthError::WrongChallenge)?;
        let factor = self.storage.second_factor(user).await?.ok_or(AuthError::WrongChallenge)?;
        let code = self.right(user, &factor, code).await?.ok_or(AuthError::WrongChallenge)?;
        let password_hash = self.storage.password_hash(user).await?.ok_or(AuthError::WrongChallenge)?;
        // The password may have been replaced since.
        if constant_time::verify_slices_are_equal(&sha256(&password_hash), &proof).is_err() {
            return Err(AuthError::WrongChallenge);
        }
        let code = LoginCode { code, challenge: Some(hash) };
        match Box::pin(self.begin(user, (Proof::of(password_hash), None), Some(code), self.origin(Some(user), address)))
            .await
        {
            Ok(Some(begun)) => Ok(begun),
            Ok(None) | Err(AuthError::WrongCredentials { .. }) => Err(AuthError::WrongChallenge),
            Err(error) => Err(error),
        }
    }

    /// Makes a challenge: the login waits for its code.
    pub(super) async fn challenge(&self, user: UserId, password_hash: &str) -> Result<AuthError, AuthError> {
        let challenge = OpaqueToken::random()?;
        let expires_at = self.clock.now().plus_secs(CHALLENGE_S);
        let new = NewChallenge { hash: challenge.hash(), proof: sha256(password_hash), expires_at };
        self.storage.create_challenge(user, new).await?;
        Ok(AuthError::CodeNeeded { challenge: Some(challenge.text()) })
    }

    /// Separates a code that is right now, behind the last `:`, from the password, where the user has a second factor.
    /// Otherwise all of it is the password.
    pub(super) async fn split_code(
        &self,
        user: UserId,
        factor: Option<&SecondFactor>,
        typed: SecretString,
    ) -> Result<(SecretString, Option<RightCode>), AuthError> {
        let Some(factor) = factor else { return Ok((typed, None)) };
        let Some((password, code)) = typed.expose_secret().rsplit_once(':') else { return Ok((typed, None)) };
        match self.right(user, factor, code).await? {
            Some(code) => Ok((SecretString::from(password), Some(code))),
            None => Ok((typed, None)),
        }
    }

    /// Returns the code, if it is right now and was not used.
    async fn right(&self, user: UserId, factor: &SecondFactor, code: &str) -> Result<Option<RightCode>, AuthError> {
        match Typed::parse(code) {
            Some(Typed::Digits) => {
                let totp = Totp::new(&self.factor_keys.open(user, &factor.sealed)?)?;
                let step = totp.step_of(code, self.clock.now()).filter(|step| *step > factor.last_step);
                Ok(step.map(RightCode::Step))
            }
            Some(Typed::Recovery(code)) => {
                let hash = self.factor_keys.hash(user, &code);
                let has = self.storage.has_recovery_code(user, &hash).await?;
                Ok(has.then_some(RightCode::Recovery(hash)))
            }
            None => Ok(None),
        }
    }

    /// Makes recovery codes, and the hashes that are stored.
    fn recovery_codes(&self, user: UserId) -> Result<(Vec<String>, Vec<[u8; 32]>), AuthError> {
        let codes = (0..RECOVERY_CODES).map(|_| Ok(recovery_code(random_bytes()?))).collect::<Result<Vec<_>, _>>();
        let codes: Vec<String> = codes.map_err(AuthError::NoRandomness)?;
        let hashes = codes.iter().map(|code| self.factor_keys.hash(user, code)).collect();
        Ok((codes, hashes))
    }
}

/// Returns what was changed; `None` when the password was replaced meanwhile.
fn changed<T>(change: FactorChange, done: T) -> Result<Option<T>, AuthError> {
    match change {
        FactorChange::Done => Ok(Some(done)),
        FactorChange::PasswordReplaced => Ok(None),
        FactorChange::CodeUsed => Err(AuthError::WrongCode),
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

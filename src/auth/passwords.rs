//! Password hashing: argon2id (RFC 9106) on threads of its own, a bounded number at once.

mod hasher;
mod line;
mod memory;
mod threads;

use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};

use super::AuthError;
use crate::clock::random_bytes;
use crate::config;
use crate::domain::normal_password;
use crate::telemetry::metrics;
use hasher::Hasher;
pub use line::Requester;
use memory::Memory;
use threads::Threads;

/// How long the memory of hashes is kept without a login.
const KEEP: Duration = Duration::from_secs(10);

/// The outcome of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The password is wrong, or the user unknown.
    Wrong,
    /// The password is right.
    Right {
        /// Whether to hash it anew: it was hashed with other settings than the present ones, or not in its normal form.
        outdated: bool,
    },
}

impl Verdict {
    pub(super) fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// Hashes and verifies passwords.
pub(super) struct Passwords {
    params: Params,
    threads: Threads,
    /// The hash to verify against when there is no such user, so that the response takes as long. No password has it.
    dummy: String,
}

impl Passwords {
    pub(super) fn new(config: &config::Auth) -> Result<Self, AuthError> {
        let (known, strangers) = (config.hash_threads(), config.hash_threads_for_strangers());
        let params = Params::new(config.argon2_memory_kib, config.argon2_passes, 1, None).map_err(internal)?;
        let wait = Duration::from_millis(config.hash_wait_ms);
        Ok(Self {
            threads: Threads::start(known, strangers, params.block_count(), KEEP, wait).map_err(internal)?,
            dummy: unmatchable_hash(&params, random_bytes()?, random_bytes()?).map_err(internal)?.to_string(),
            params,
        })
    }

    /// Returns the hash of a password's normal form, as a PHC string.
    pub(super) async fn hash(&self, requester: Requester, password: SecretString) -> Result<String, AuthError> {
        let password = normal_password(&password).unwrap_or(password);
        self.run(requester, move |hasher| Ok(hasher.hash_password(password.expose_secret().as_bytes())?.to_string()))
            .await
    }

    /// Returns whether a hash was made with other settings than the present ones.
    fn is_outdated(&self, hash: &str) -> bool {
        let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
        params.is_none_or(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost())
                != (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
        })
    }

    /// Verifies a password against a hash. `None`, of an unknown user, takes the same time and is wrong.
    ///
    /// The normal form is tried first, then the text as it came, if it differs: hashes from before passwords had a
    /// normal form are of that. The number of tries follows from what was typed alone, so it does not show which users
    /// exist.
    pub(super) async fn verify(
        &self,
        requester: Requester,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<Verdict, AuthError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let is_outdated = self.is_outdated(&hash);
        let normal = normal_password(&password);
        let forms: Vec<SecretString> = normal.into_iter().chain([password]).collect();
        let last = forms.len() - 1;
        let matching = self
            .run(requester, move |hasher| {
                let hash = PasswordHash::new(&hash)?;
                for (i, form) in forms.iter().enumerate() {
                    match hasher.verify_password(form.expose_secret().as_bytes(), &hash) {
                        Ok(()) => return Ok(Some(i)),
                        Err(Error::PasswordInvalid) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(None)
            })
            .await?;
        Ok(match matching.filter(|_| known) {
            Some(i) => Verdict::Right { outdated: is_outdated || (i == last && last > 0) },
            None => Verdict::Wrong,
        })
    }

    /// Runs `work` on one of the hashing threads. Returns [`AuthError::Busy`] when none is free in time.
    async fn run<T: Send + 'static>(
        &self,
        requester: Requester,
        work: impl FnOnce(&Hasher<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, AuthError> {
        let (asked, params) = (Instant::now(), self.params.clone());
        let waiting = metrics().passwords_waiting.hold();
        let timed = move |memory: &mut Memory| {
            let begun = Instant::now();
            drop(waiting);
            let _hashed = metrics().passwords_hashed.hold();
            metrics().password_wait_seconds.record(begun.duration_since(asked));
            let result = work(&Hasher::new(params, memory));
            metrics().password_hash_seconds.record(begun.elapsed());
            result
        };
        self.threads.run(requester, timed).await?.map_err(internal)
    }
}

/// Returns a hash of no password, as costly to verify as any other.
fn unmatchable_hash(
    params: &Params,
    salt: [u8; 16],
    hash: [u8; Params::DEFAULT_OUTPUT_LEN],
) -> Result<PasswordHash, Error> {
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(Output::new(&hash)?),
    })
}

fn internal(error: impl std::error::Error) -> AuthError {
    AuthError::Internal(format!("password hash: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const ANYBODY: Requester = Requester { is_known: false, class: None };

    fn passwords(passes: u32) -> Passwords {
        let mut auth = Config::defaults().unwrap().auth;
        (auth.argon2_memory_kib, auth.argon2_passes, auth.hash_wait_ms) = (64, passes, 30_000);
        Passwords::new(&auth).unwrap()
    }

    #[tokio::test]
    async fn right_wrong_unknown_and_unreadable() {
        let passwords = passwords(1);
        let secret = |text: &str| SecretString::from(text);
        let hash = passwords.hash(ANYBODY, secret("a password")).await.unwrap();
        let verify =
            async |text: &str, hash: Option<String>| passwords.verify(ANYBODY, secret(text), hash).await.unwrap();
        assert_eq!(verify("a password", Some(hash.clone())).await, Verdict::Right { outdated: false });
        assert_eq!(verify("another", Some(hash.clone())).await, Verdict::Wrong);
        assert_eq!(verify("a password", None).await, Verdict::Wrong);
        assert!(matches!(
            passwords.verify(ANYBODY, secret("x"), Some("no hash".to_owned())).await,
            Err(AuthError::Internal(_))
        ));
        assert_ne!(hash, passwords.hash(ANYBODY, secret("a password")).await.unwrap(), "the salt");
    }

    /// A hash of today is of the normal form; one from before it may be of any, and says so.
    #[tokio::test]
    async fn the_form_in_which_a_password_was_hashed() {
        const FORMS: [&str; 2] = ["Pässwörter é à", "Pa\u{308}sswo\u{308}rter e\u{301} a\u{300}"];
        let passwords = passwords(1);
        let raw = |text: &'static str| {
            passwords.run(ANYBODY, move |hasher| Ok(hasher.hash_password(text.as_bytes())?.to_string()))
        };
        let verify = async |text: &str, hash: &str| {
            passwords.verify(ANYBODY, SecretString::from(text), Some(hash.to_owned())).await.unwrap()
        };
        for form in FORMS {
            let hash = passwords.hash(ANYBODY, form.into()).await.unwrap();
            for typed in FORMS {
                assert_eq!(verify(typed, &hash).await, Verdict::Right { outdated: false });
            }
        }
        let old = raw(FORMS[1]).await.unwrap();
        assert_eq!(verify(FORMS[1], &old).await, Verdict::Right { outdated: true });
        assert_eq!(verify(FORMS[0], &old).await, Verdict::Wrong);
    }

    /// The dummy costs what a hash of today's settings costs.
    #[tokio::test]
    async fn outdated_hashes() {
        let (old, new) = (passwords(1), passwords(2));
        let hash = old.hash(ANYBODY, SecretString::from("a password")).await.unwrap();
        assert!(new.is_outdated(&hash) && !old.is_outdated(&hash) && new.is_outdated("no hash"));
        assert!(!new.is_outdated(&new.dummy) && new.is_outdated(&old.dummy));
    }
}

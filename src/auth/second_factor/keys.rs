//! The keys that second factors are kept under in the database, derived from the instance key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::auth::{AuthError, InstanceKey};
use crate::domain::UserId;

/// Encrypts the secrets of apps, and hashes recovery codes.
pub(in crate::auth) struct FactorKeys {
    secrets: RandomizedNonceKey,
    codes: hmac::Key,
}

impl FactorKeys {
    pub(in crate::auth) fn new(key: &InstanceKey) -> Result<Self, AuthError> {
        let derive = |label: &str| key.derive(label).map_err(|error| AuthError::Internal(error.to_string()));
        let secrets = RandomizedNonceKey::new(&AES_256_GCM, derive("totp")?.as_slice());
        let secrets = secrets.map_err(|_| AuthError::Internal("no key for second factors".to_owned()))?;
        Ok(Self { secrets, codes: hmac::Key::new(hmac::HMAC_SHA256, derive("recovery codes")?.as_slice()) })
    }

    /// Encrypts a user's secret: a nonce, the ciphertext, and the tag of AES-256-GCM, for this user alone.
    pub(super) fn seal(&self, user: UserId, secret: &[u8]) -> Result<Vec<u8>, AuthError> {
        let mut sealed = secret.to_vec();
        let nonce = self.secrets.seal_in_place_append_tag(aad(user), &mut sealed);
        let nonce = nonce.map_err(|_| AuthError::Internal("a second factor was not encrypted".to_owned()))?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Decrypts a user's secret.
    pub(super) fn open(&self, user: UserId, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AuthError> {
        let failed = || AuthError::Internal("a second factor cannot be decrypted".to_owned());
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let mut bytes = Zeroizing::new(ciphertext.to_vec());
        let length = self.secrets.open_in_place(nonce, aad(user), &mut bytes).map_err(|_| failed())?.len();
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Returns what is stored of a recovery code. Without the key, its 50 bits cannot be found by trying.
    pub(super) fn hash(&self, user: UserId, code: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.codes);
        context.update(&user.0.to_be_bytes());
        context.update(code.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

fn aad(user: UserId) -> Aad<[u8; 4]> {
    Aad::from(user.0.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn keys() -> FactorKeys {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.path().to_owned();
        FactorKeys::new(&InstanceKey::load(&config).unwrap()).unwrap()
    }

    #[test]
    fn a_secret_is_read_for_its_user_and_under_its_key_alone() {
        let (keys, others) = (keys(), keys());
        let sealed = keys.seal(UserId(1), b"a secret of 20 bytes").unwrap();
        assert_ne!(sealed, keys.seal(UserId(1), b"a secret of 20 bytes").unwrap());
        assert_eq!(keys.open(UserId(1), &sealed).unwrap().as_slice(), b"a secret of 20 bytes");
        assert!(keys.open(UserId(2), &sealed).is_err() && others.open(UserId(1), &sealed).is_err());
        for length in 0..sealed.len() {
            assert!(keys.open(UserId(1), &sealed[..length]).is_err());
        }
    }

    #[test]
    fn a_recovery_code_is_stored_for_its_user_and_under_its_key() {
        let (keys, others) = (keys(), keys());
        assert_eq!(keys.hash(UserId(1), "aaaaa-aaaaa"), keys.hash(UserId(1), "aaaaa-aaaaa"));
        assert_ne!(keys.hash(UserId(1), "aaaaa-aaaaa"), keys.hash(UserId(2), "aaaaa-aaaaa"));
        assert_ne!(keys.hash(UserId(1), "aaaaa-aaaaa"), others.hash(UserId(1), "aaaaa-aaaaa"));
    }
}

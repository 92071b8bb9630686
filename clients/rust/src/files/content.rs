//! The encryption of a plaintext that is too long for RSA: by a key of its own, which RSA encrypts.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;

/// The key of one copy of one message: 32 random bytes that encrypt nothing else. So its nonce is 12 zero bytes.
pub struct ContentKey([u8; 32]);

impl ContentKey {
    /// Makes a new key. `None` when the system has no random bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).ok().map(|()| Self(bytes))
    }

    /// Takes a key that came with a message; `None` unless it has 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes, to be encrypted for the reader.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts a plaintext; the result is 16 bytes longer. `None` when it has gigabytes.
    #[must_use]
    pub fn seal(&self, plaintext: &str) -> Option<Vec<u8>> {
        let mut sealed = plaintext.as_bytes().to_vec();
        self.cipher()?.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).ok()?;
        Some(sealed)
    }

    /// Decrypts what [`seal`](Self::seal) has made. `None` whatever is wrong with it.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<String> {
        let mut sealed = sealed.to_vec();
        let plaintext = self.cipher()?.open_in_place(nonce(), Aad::empty(), &mut sealed).ok()?;
        String::from_utf8(plaintext.to_vec()).ok()
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0).ok().map(LessSafeKey::new)
    }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plaintext_comes_back_with_its_key_only() {
        let key = ContentKey::random().unwrap();
        let mut sealed = key.seal("hello, wörld").unwrap();
        assert_eq!(ContentKey::from_bytes(key.as_bytes()).unwrap().open(&sealed).as_deref(), Some("hello, wörld"));
        assert_eq!(ContentKey::random().unwrap().open(&sealed), None);
        sealed[0] ^= 1;
        assert_eq!(key.open(&sealed), None);
        assert!(ContentKey::from_bytes(&[0; 31]).is_none());
    }
}

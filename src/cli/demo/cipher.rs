//! Encryption as the Android app does it: RSA of 2048 bits, PKCS #1 v1.5, base64.

use anyhow::{Context as _, anyhow, ensure};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Size of the keys.
const KEY_BITS: usize = 2048;
/// Characters of a line of PEM (RFC 7468 §2).
const PEM_COLUMNS: usize = 64;

/// The keys of an account.
pub(super) struct KeyPair {
    private: PrivateDecryptingKey,
    decrypting: Pkcs1PrivateDecryptingKey,
    own: PartnerKey,
    public_key: String,
}

impl KeyPair {
    /// Makes new keys.
    pub(super) fn generate() -> anyhow::Result<Self> {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| anyhow!("cannot make a key"))?;
        let spki: PublicKeyX509Der<'_> = private.public_key().as_der().map_err(|_| anyhow!("cannot write a key"))?;
        let public_key = STANDARD.encode(spki.as_ref());
        let own = PartnerKey::parse(&public_key)?;
        let decrypting = Pkcs1PrivateDecryptingKey::new(private.clone()).map_err(|_| anyhow!("cannot use a key"))?;
        Ok(Self { private, decrypting, own, public_key })
    }

    /// Returns base64 of the X.509 `SubjectPublicKeyInfo`, as it is registered.
    pub(super) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Returns the private key as PKCS #8 in PEM (RFC 7468 §10).
    pub(super) fn pem(&self) -> anyhow::Result<Zeroizing<String>> {
        let der: Pkcs8V1Der<'_> = self.private.as_der().map_err(|_| anyhow!("cannot write a key"))?;
        let text = Zeroizing::new(STANDARD.encode(der.as_ref()));
        let mut pem = Zeroizing::new("-----BEGIN PRIVATE KEY-----\n".to_owned());
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(PEM_COLUMNS));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// Encrypts for the account itself.
    pub(super) fn encrypt(&self, plaintext: &str) -> anyhow::Result<String> {
        self.own.encrypt(plaintext)
    }

    /// Decrypts what was encrypted for the account; `None` whatever is wrong with it.
    pub(super) fn decrypt(&self, ciphertext: &str) -> Option<String> {
        let bytes = STANDARD.decode(ciphertext).ok()?;
        let mut room = Zeroizing::new([0; KEY_BITS / 8]);
        let plaintext = self.decrypting.decrypt(&bytes, room.as_mut()).ok()?;
        String::from_utf8(plaintext.to_vec()).ok()
    }
}

/// The public key of another account.
pub(super) struct PartnerKey(Pkcs1PublicEncryptingKey);

impl PartnerKey {
    /// Reads a registered key. The server keeps any base64, so it may be of another kind.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let der = STANDARD.decode(text).context("the public key is not base64")?;
        let key = PublicEncryptingKey::from_der(&der).map_err(|_| anyhow!("the public key is not an X.509 RSA key"))?;
        let bits = key.key_size_bits();
        ensure!(bits == KEY_BITS, "the public key has {bits} bits instead of {KEY_BITS}");
        Pkcs1PublicEncryptingKey::new(key).map(Self).map_err(|_| anyhow!("cannot use the public key"))
    }

    /// Encrypts for the other account. Fails for more than 245 bytes.
    pub(super) fn encrypt(&self, plaintext: &str) -> anyhow::Result<String> {
        let mut room = [0; KEY_BITS / 8];
        let ciphertext = self.0.encrypt(plaintext.as_bytes(), &mut room).map_err(|_| anyhow!("cannot encrypt"))?;
        Ok(STANDARD.encode(ciphertext))
    }
}

#[cfg(test)]
mod tests {
    use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
    use rsa::rand_core::OsRng;
    use rsa::{Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};

    use super::*;

    /// With the library of the example, which is held to the app's wire.
    #[test]
    fn another_library_reads_the_keys_and_the_messages() {
        let keys = KeyPair::generate().unwrap();
        let theirs = RsaPrivateKey::from_pkcs8_pem(&keys.pem().unwrap()).unwrap();
        let spki = STANDARD.decode(keys.public_key()).unwrap();
        let public = RsaPublicKey::from_public_key_der(&spki).unwrap();
        assert_eq!((public, spki.len()), (theirs.to_public_key(), 294));
        let text = "Grüße 👋";
        let ours = STANDARD.decode(keys.encrypt(text).unwrap()).unwrap();
        assert_eq!(theirs.decrypt(Pkcs1v15Encrypt, &ours).unwrap(), text.as_bytes());
        let sent = theirs.to_public_key().encrypt(&mut OsRng, Pkcs1v15Encrypt, text.as_bytes()).unwrap();
        assert_eq!(keys.decrypt(&STANDARD.encode(sent)).as_deref(), Some(text));
    }

    #[test]
    fn what_is_too_long_or_not_encrypted_for_these_keys_is_nothing() {
        let keys = KeyPair::generate().unwrap();
        let longest = "x".repeat(245);
        assert_eq!(keys.decrypt(&keys.encrypt(&longest).unwrap()), Some(longest));
        assert!(keys.encrypt(&"x".repeat(246)).is_err());
        assert_eq!((keys.decrypt("?"), keys.decrypt("AAAA")), (None, None));
        // An Ed25519 key, RFC 8410 §10.1.
        for bad in ["", "?", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="] {
            assert!(PartnerKey::parse(bad).is_err(), "{bad}");
        }
    }
}

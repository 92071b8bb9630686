//! RSA as the Android app does it: 2048 bits, PKCS#1 v1.5, base64.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};
use secrecy::zeroize::Zeroizing;

use crate::disk::{create_directory, file_name};

/// Size of the keys.
const KEY_BITS: usize = 2048;
/// Bytes of what is encrypted with such a key.
pub(crate) const KEY_BYTES: usize = KEY_BITS / 8;
/// Most plaintext that a key encrypts: its size without the padding (RFC 8017 §7.2.1).
pub(crate) const MAX_PLAINTEXT_BYTES: usize = KEY_BYTES - 11;

/// A key for which something can be encrypted.
pub(crate) trait RsaKey {
    /// Encrypts at most [`MAX_PLAINTEXT_BYTES`] into [`KEY_BYTES`].
    fn encrypt_bytes(&self, bytes: &[u8]) -> anyhow::Result<Vec<u8>>;

    /// Encrypts a short text, as base64.
    fn encrypt(&self, plaintext: &str) -> anyhow::Result<String> {
        Ok(STANDARD.encode(self.encrypt_bytes(plaintext.as_bytes())?))
    }
}

impl RsaKey for KeyPair {
    fn encrypt_bytes(&self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        PartnerKey(self.private.to_public_key()).encrypt_bytes(bytes)
    }
}

impl RsaKey for PartnerKey {
    fn encrypt_bytes(&self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.encrypt(&mut OsRng, Pkcs1v15Encrypt, bytes)?)
    }
}

/// The user's own keys, in a file that nobody else can read.
pub(crate) struct KeyPair {
    private: RsaPrivateKey,
    public_key: String,
    path: PathBuf,
}

impl KeyPair {
    /// The keys of `user` in `directory`, made when they are not there.
    pub(crate) fn load_or_create(directory: &Path, user: &str) -> anyhow::Result<Self> {
        let path = directory.join(file_name(user) + ".pem");
        let about = || format!("key file {}", path.display());
        let private = match load(&path).with_context(about)? {
            Some(private) => private,
            None => create(directory, &path).with_context(about)?,
        };
        let spki = private.to_public_key().to_public_key_der().with_context(about)?;
        Ok(Self { public_key: STANDARD.encode(spki), private, path })
    }

    /// Base64 of the X.509 `SubjectPublicKeyInfo`, as it is registered.
    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// What the server calls the public key: of its SHA-256 the first 16 hexadecimal digits.
    pub(crate) fn key_id(&self) -> String {
        let hash = digest(&SHA256, self.public_key.as_bytes());
        hash.as_ref().iter().take(8).fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Decrypts what was encrypted for this user.
    pub(crate) fn decrypt(&self, ciphertext: &str) -> anyhow::Result<String> {
        let bytes = STANDARD.decode(ciphertext).context("not base64")?;
        String::from_utf8(self.decrypt_bytes(&bytes)?).context("not UTF-8")
    }

    /// Decrypts bytes that were encrypted for this user.
    pub(crate) fn decrypt_bytes(&self, ciphertext: &[u8]) -> anyhow::Result<Vec<u8>> {
        Ok(self.private.decrypt_blinded(&mut OsRng, Pkcs1v15Encrypt, ciphertext)?)
    }
}

/// Somebody else's public key.
pub(crate) struct PartnerKey(RsaPublicKey);

impl PartnerKey {
    /// Reads a registered key. The server keeps any base64, so it may be of another kind.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let der = STANDARD.decode(text).context("the public key is not base64")?;
        let key = RsaPublicKey::from_public_key_der(&der).context("the public key is not an X.509 RSA key")?;
        let bits = key.size() * 8;
        ensure!(bits == KEY_BITS, "the public key has {bits} bits instead of {KEY_BITS}");
        Ok(Self(key))
    }
}

/// Splits a text into pieces that can be encrypted, between characters.
pub(crate) fn split(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_PLAINTEXT_BYTES));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

fn load(path: &Path) -> anyhow::Result<Option<RsaPrivateKey>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        bail!("others can read it; chmod 600 it if nobody has");
    }
    let mut pem = Zeroizing::new(String::new());
    file.read_to_string(&mut pem)?;
    let key = RsaPrivateKey::from_pkcs8_pem(&pem).context("not a PKCS#8 RSA key in PEM")?;
    ensure!(key.size() * 8 == KEY_BITS, "not an RSA key of {KEY_BITS} bits");
    Ok(Some(key))
}

fn create(directory: &Path, path: &Path) -> anyhow::Result<RsaPrivateKey> {
    let key = RsaPrivateKey::new(&mut OsRng, KEY_BITS)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF)?;
    create_directory(directory)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn both_copies_are_read_by_their_side_only() {
        let dir = tempfile::tempdir().unwrap();
        let [alice, bob] = ["alice", "bob"].map(|user| KeyPair::load_or_create(dir.path(), user).unwrap());
        assert_eq!(bob.public_key().len(), 392);
        let text = "ä".repeat(MAX_PLAINTEXT_BYTES / 2);

        let for_bob = PartnerKey::parse(bob.public_key()).unwrap().encrypt(&text).unwrap();
        assert_eq!(for_bob.len(), 344);
        assert_eq!(bob.decrypt(&for_bob).unwrap(), text);
        // Not always an error: of 2^16 wrong decryptions, one looks padded by chance.
        assert_ne!(alice.decrypt(&for_bob).ok().as_ref(), Some(&text));

        let for_alice = alice.encrypt(&text).unwrap();
        assert_eq!(alice.decrypt(&for_alice).unwrap(), text);
        assert_ne!(for_alice, alice.encrypt(&text).unwrap());
        assert!(alice.decrypt("no base64").is_err());
    }

    #[test]
    fn other_keys_are_refused() {
        // An Ed25519 key, RFC 8410 §10.1.
        for bad in ["", "AAAA", "?", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="] {
            assert!(PartnerKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pieces_end_between_characters() {
        assert_eq!(split(""), Vec::<&str>::new());
        assert_eq!(split(&"a".repeat(245)), ["a".repeat(245)]);
        assert_eq!(split(&"a".repeat(246)), ["a".repeat(245), "a".to_owned()]);
        // The 123rd two-byte character would end at byte 246.
        assert_eq!(split(&"ä".repeat(123)), ["ä".repeat(122), "ä".to_owned()]);
        let text = "a😀".repeat(200);
        assert_eq!(split(&text).concat(), text);
        assert!(split(&text).iter().all(|piece| (242..=245).contains(&piece.len()) || text.ends_with(piece)));
    }

    #[test]
    fn the_key_file_is_private_and_stays() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("keys");
        let made = KeyPair::load_or_create(&dir, "alice@example.org").unwrap();
        assert_eq!(made.path(), dir.join("alice@example.org.pem"));
        assert_eq!((mode(&dir), mode(made.path())), (0o700, 0o600));

        let loaded = KeyPair::load_or_create(&dir, "Alice@Example.ORG").unwrap();
        assert_eq!(loaded.key_id(), made.key_id());
        assert_eq!(loaded.public_key(), made.public_key());
        assert!(create(&dir, made.path()).is_err(), "an existing key is never overwritten");

        std::fs::set_permissions(made.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(KeyPair::load_or_create(&dir, "alice@example.org").is_err());
    }
}

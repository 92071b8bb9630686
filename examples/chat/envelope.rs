//! Plaintexts that are too long for RSA: RSA encrypts a key, and the key encrypts the plaintext, as `docs/protocol.md`
//! describes under "Files in messages".

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_client::files::ContentKey;

use crate::keys::{KEY_BYTES, KeyPair, RsaKey};

/// Encrypts for the owner of a key.
pub(crate) fn seal(plaintext: &str, key: &impl RsaKey) -> anyhow::Result<String> {
    let content_key = ContentKey::random().context("no random bytes")?;
    let mut content = key.encrypt_bytes(content_key.as_bytes())?;
    content.extend(content_key.seal(plaintext).context("the message is too long")?);
    Ok(STANDARD.encode(content))
}

/// Decrypts what was encrypted for this user. Whatever is wrong, the error is the same.
pub(crate) fn open(content: &str, keys: &KeyPair) -> anyhow::Result<String> {
    let opened = STANDARD.decode(content).ok().and_then(|bytes| {
        let (key, sealed) = bytes.split_at_checked(KEY_BYTES)?;
        ContentKey::from_bytes(&keys.decrypt_bytes(key).ok()?)?.open(sealed)
    });
    opened.context("it cannot be decrypted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PartnerKey;

    #[test]
    fn long_plaintexts_are_read_by_their_side_only() {
        let dir = tempfile::tempdir().unwrap();
        let [alice, bob] = ["alice", "bob"].map(|user| KeyPair::load_or_create(dir.path(), user).unwrap());
        let text = "ä".repeat(3000);
        let for_bob = seal(&text, &PartnerKey::parse(bob.public_key()).unwrap()).unwrap();
        assert_eq!(open(&for_bob, &bob).unwrap(), text);
        assert_eq!(open(&seal(&text, &alice).unwrap(), &alice).unwrap(), text);
        let wrong = [open(&for_bob, &alice), open("", &bob), open("?", &bob), open(&for_bob[..400], &bob)];
        for error in wrong {
            assert_eq!(error.unwrap_err().to_string(), "it cannot be decrypted");
        }
    }
}

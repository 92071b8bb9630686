//! Message franking: what a sender commits to, so that a receiver can show later what was sent, and nobody else can
//! make it up (Grubbs, Lu, Ristenpart: Message Franking via Committing Authenticated Encryption, CRYPTO 2017).
//!
//! The sender puts a random key into the plaintext and tells the server the tag: an HMAC of the plaintext under that
//! key, from which nothing of it can be learnt. Who discloses key and plaintext proves what the tag stands for.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Keeps franking apart from every other use of such a key.
const CONTEXT: &[u8] = b"fluent-frank-1\0";

/// Characters of 32 bytes in base64url without padding.
const CHARS: usize = 43;
/// Bytes that the decoder wants room for: it does not look at the last characters first.
const MOST: usize = 33;

/// The key of one message: 32 random bytes, in the plaintext of both copies.
#[derive(Clone)]
pub struct FrankingKey([u8; 32]);

impl FrankingKey {
    /// Reads 43 characters of base64url without padding.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        decoded(text).map(Self)
    }

    /// Returns the tag of a plaintext, which is without the key: HMAC-SHA-256 (RFC 2104).
    #[must_use]
    pub fn tag(&self, plaintext: &str) -> FrankingTag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        context.update(CONTEXT);
        context.update(plaintext.as_bytes());
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        FrankingTag::of(tag)
    }
}

/// What the sender of a message has committed to: 32 bytes, with the text that is stored and sent. Both are needed for
/// each message that is received.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrankingTag {
    text: [u8; CHARS],
    bytes: [u8; 32],
}

impl FrankingTag {
    /// Reads 43 characters of base64url without padding.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Each value has one text: the decoder refuses bits that stand for nothing.
        let bytes = decoded(text)?;
        Some(Self { text: text.as_bytes().try_into().ok()?, bytes })
    }

    fn of(bytes: [u8; 32]) -> Self {
        let mut text = [b'A'; CHARS];
        // Always fits: 32 bytes are 43 characters.
        let _ = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        Self { text, bytes }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Characters of base64url alone.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.bytes
    }
}

impl std::fmt::Debug for FrankingTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FrankingTag").field(&self.as_str()).finish()
    }
}

fn decoded(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; MOST];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    bytes[..length].try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `hmac`.
    #[test]
    fn a_tag_is_an_hmac_of_the_context_and_the_plaintext() {
        let key = FrankingKey::parse(&URL_SAFE_NO_PAD.encode([7; 32])).unwrap();
        let tag = key.tag("hello, wörld");
        assert_eq!(tag.as_str(), "lRV7Gsb5uTHdVVVQYNAN2c5-NYNegyl4BiQV1B6KNOY");
        assert_eq!(FrankingTag::parse(tag.as_str()), Some(tag));
        let file: serde_json::Value = serde_json::from_str(include_str!("../../vectors/franking.json")).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let tag = FrankingKey::parse(text("franking_key")).unwrap().tag(text("plaintext"));
            assert_eq!(tag.as_str(), text("franking_tag"));
        }
        for bad in ["", "AAAA", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43), &format!("{}=", "A".repeat(43))] {
            assert!(FrankingTag::parse(bad).is_none(), "{bad}");
        }
    }
}

//! Refresh tokens and tickets: 256 random bits, of which only a hash is stored.
//!
//! The successor of a refresh token is not random but derived from the spent token and a random salt, which is kept
//! beside the spent token's hash. So the server can give the same successor again to a client that presents the spent
//! token, and still stores nothing that could be presented as a token.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{NoRandomness, random_bytes};

/// A refresh token or a ticket in clear. Cannot be printed.
pub(super) struct OpaqueToken([u8; 32]);

impl OpaqueToken {
    pub(super) fn random() -> Result<Self, NoRandomness> {
        random_bytes().map(Self)
    }

    /// Reads a text that [`text`](Self::text) has written; `None` for any other.
    pub(super) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the token as 43 URL-safe characters.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns the SHA-256 that is stored. The token has 256 bits of entropy, so neither salt nor stretching would add
    /// anything.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        hash
    }

    /// Returns the HMAC-SHA-256 (RFC 2104) of the salt under this token. Without both, it looks random.
    pub(super) fn successor(&self, salt: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&key, salt).as_ref());
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let token = OpaqueToken::random().unwrap();
        assert_eq!(OpaqueToken::parse(&token.text()).unwrap().0, token.0);
        for bad in ["", "abc", &"A".repeat(44), &"!".repeat(43)] {
            assert!(OpaqueToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn successors_repeat_with_their_salt_only() {
        let token = OpaqueToken::random().unwrap();
        let other = OpaqueToken::random().unwrap();
        assert_eq!(token.successor(&[1; 32]).0, token.successor(&[1; 32]).0);
        assert_ne!(token.successor(&[1; 32]).0, token.successor(&[2; 32]).0);
        assert_ne!(token.successor(&[1; 32]).0, other.successor(&[1; 32]).0);
    }
}

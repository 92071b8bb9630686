//! Tokens by which operators' programs reach the admin API.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

use super::{Invalid, Timestamp};

/// How a token begins, so that scanners of leaked secrets know one.
const PREFIX: &str = "fla_";
/// Bits of an id.
const ID_BITS: u32 = 48;
/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 12;
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Most characters of a name.
const MAX_NAME_CHARS: usize = 64;
/// Longest life of a token that ends, in seconds: ten years.
const MAX_LIFE_S: i64 = 10 * 366 * 24 * 3600;

/// Names a token: 12 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorTokenId(i64);

impl OperatorTokenId {
    /// Returns the id with the lower 48 bits of this number, as the store keeps it.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number & ((1 << ID_BITS) - 1))
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Reads an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let is_id = text.len() == ID_DIGITS && text.bytes().all(is_hex);
        i64::from_str_radix(text, 16).ok().filter(|_| is_id).map(Self)
    }
}

impl fmt::Display for OperatorTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.0, width = ID_DIGITS)
    }
}

impl Serialize for OperatorTokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a token is good for. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorScope {
    /// Reading metrics.
    Metrics,
    /// Reading what shows no message and no secret.
    Read,
    /// Everything.
    Write,
}

impl OperatorScope {
    /// All scopes, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Metrics, Self::Read, Self::Write];

    /// Returns the word for it, in the store and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A token in clear: `fla_`, its id, `_`, and 43 characters of base64url. Cannot be printed by accident.
pub struct OperatorSecret {
    /// Names the token.
    pub id: OperatorTokenId,
    secret: [u8; SECRET_BYTES],
}

impl OperatorSecret {
    /// Makes a token of random bytes.
    #[must_use]
    pub fn new(id: OperatorTokenId, random: [u8; SECRET_BYTES]) -> Self {
        Self { id, secret: random }
    }

    /// Reads a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_at_checked(ID_DIGITS)?;
        let bytes = URL_SAFE_NO_PAD.decode(secret.strip_prefix('_')?).ok()?;
        Some(Self { id: OperatorTokenId::parse(id)?, secret: bytes.try_into().ok()? })
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// Returns the SHA-256 that is stored. 256 random bits need no stretching.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.secret).as_ref());
        hash
    }

    /// Returns whether this is what was stored, in a time that does not tell how much of it matches.
    #[must_use]
    pub fn matches(&self, stored: &[u8]) -> bool {
        verify_slices_are_equal(&self.hash(), stored).is_ok()
    }
}

/// A token as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperatorToken {
    /// Its id.
    pub id: OperatorTokenId,
    /// What operators call it.
    pub name: String,
    /// What it is good for.
    pub scope: OperatorScope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, a minute more or less.
    pub last_used_at: Option<Timestamp>,
}

impl OperatorToken {
    /// Returns whether it is refused from now on.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// What an operator says of a token that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperatorToken {
    /// What operators call it.
    pub name: String,
    /// What it is good for.
    pub scope: OperatorScope,
    /// Its life in seconds, if it ends.
    pub expires_in_s: Option<i64>,
}

impl NewOperatorToken {
    /// Checks what an operator wants.
    pub fn new(name: String, scope: OperatorScope, expires_in_s: Option<i64>) -> Result<Self, Invalid> {
        if name.is_empty() || name.chars().nth(MAX_NAME_CHARS).is_some() || name.chars().any(char::is_control) {
            return Err(Invalid { field: "name", reason: "must have 1 to 64 characters in one line" });
        }
        if expires_in_s.is_some_and(|seconds| !(1..=MAX_LIFE_S).contains(&seconds)) {
            return Err(Invalid { field: "expires_in_s", reason: "must be at least 1 and at most ten years" });
        }
        Ok(Self { name, scope, expires_in_s })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(id: i64, random: [u8; 32], other: [u8; 32]) {
            let token = OperatorSecret::new(OperatorTokenId::new(id), random);
            let read = OperatorSecret::parse(&token.text()).unwrap();
            prop_assert_eq!((read.id, read.hash(), token.text().len()), (token.id, token.hash(), 60));
            prop_assert!(read.matches(&token.hash()));
            prop_assert_eq!(OperatorSecret::new(token.id, other).matches(&token.hash()), other == random);
        }

        #[test]
        fn no_text_breaks_the_reader(text: String) {
            let _ = OperatorSecret::parse(&text);
            let _ = OperatorSecret::parse(&format!("fla_{text}"));
            prop_assert!(OperatorTokenId::parse(&text).is_none_or(|id| id.to_string() == text));
        }
    }

    #[test]
    fn wider_scopes_include_narrower_ones() {
        assert!(OperatorScope::Write > OperatorScope::Read && OperatorScope::Read > OperatorScope::Metrics);
        for scope in OperatorScope::ALL {
            assert_eq!(OperatorScope::parse(scope.as_str()), Some(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        assert_eq!(OperatorScope::parse("admin"), None);
    }

    #[test]
    fn names_are_short_lines_and_lives_are_bounded() {
        let made = |name: &str, life| NewOperatorToken::new(name.to_owned(), OperatorScope::Read, life).is_ok();
        assert!(made("grafana", None) && made("x", Some(1)) && made(&"é".repeat(64), Some(MAX_LIFE_S)));
        assert!(!made("", None) && !made(&"x".repeat(65), None) && !made("a\nb", None));
        assert!(!made("x", Some(0)) && !made("x", Some(MAX_LIFE_S + 1)));
    }
}

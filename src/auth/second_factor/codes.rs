//! Codes as people type them.

use totp_rs::{Builder, Secret};

use crate::auth::AuthError;
use crate::domain::Timestamp;

/// What authenticator apps show beside the account's name.
const ISSUER: &str = "Fluent";
/// The alphabet of Base32 (RFC 4648 §6) in small letters.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a recovery code, without the dash in the middle: 50 bits.
const RECOVERY_CHARS: usize = 10;

/// Codes of an authenticator app.
pub(super) struct Totp(totp_rs::Totp);

impl Totp {
    pub(super) fn new(secret: &[u8]) -> Result<Self, AuthError> {
        build(secret, None).map(Self)
    }

    /// Returns the secret in Base32, without padding.
    pub(super) fn base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// Returns the `otpauth` URL for the account of this name.
    pub(super) fn url(&self, name: &str) -> Result<String, AuthError> {
        // A colon would end the issuer's name.
        let named = build(self.0.secret().as_ref(), Some(name.replace(':', "_")))?;
        named.to_url().map_err(|error| AuthError::Internal(error.to_string()))
    }

    /// Returns the step of 30 s of which the code is: the present one, the one before or the one after.
    pub(super) fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let step = self.0.check(code, u64::try_from(now.as_secs()).ok()?)?;
        i64::try_from(step).ok()
    }
}

fn build(secret: &[u8], name: Option<String>) -> Result<totp_rs::Totp, AuthError> {
    let mut builder = Builder::new().with_secret(Secret::from(secret.to_vec()));
    if let Some(name) = name {
        builder = builder.with_issuer(Some(ISSUER)).with_account_name(name);
    }
    builder.build().map_err(|error| AuthError::Internal(error.to_string()))
}

/// A text that has the form of a code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Six digits, of an authenticator app.
    Digits,
    /// A recovery code, in small letters.
    Recovery(String),
}

impl Typed {
    /// Reads a code; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Digits);
        }
        let code = text.to_ascii_lowercase();
        let (first, second) = code.split_once('-')?;
        let is_half = |half: &str| half.len() == RECOVERY_CHARS / 2 && half.bytes().all(|b| ALPHABET.contains(&b));
        (is_half(first) && is_half(second)).then_some(Self::Recovery(code))
    }
}

/// Returns a recovery code, `xxxxx-xxxxx`, made of the lowest 50 of these random bits.
pub(super) fn recovery_code(random: [u8; 8]) -> String {
    let mut bits = u64::from_be_bytes(random);
    let mut code = String::with_capacity(RECOVERY_CHARS + 1);
    for place in 0..RECOVERY_CHARS {
        if place == RECOVERY_CHARS / 2 {
            code.push('-');
        }
        let letter = usize::try_from(bits & 31).ok().and_then(|index| ALPHABET.get(index));
        code.push(char::from(letter.copied().unwrap_or(b'a')));
        bits >>= 5;
    }
    code
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6238, appendix B, the last six of eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let totp = Totp::new(b"12345678901234567890").unwrap();
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let at = |seconds: i64| Timestamp::from_micros(0).plus_secs(seconds);
            assert_eq!(totp.step_of(code, at(time)), Some(time / 30), "{time}");
            assert_eq!(totp.step_of(code, at(time + 30)), Some(time / 30), "one step late");
            assert_eq!(totp.step_of(code, at(time - 30)), Some(time / 30), "one step early");
            assert_eq!(totp.step_of(code, at(time + 60)), None);
        }
        assert_eq!(totp.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = totp.url("a:b@example.org").unwrap();
        assert!(url.starts_with("otpauth://totp/Fluent:a_b%40example"), "{url}");
        assert!(url.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") && url.contains("issuer=Fluent"), "{url}");
    }

    proptest! {
        #[test]
        fn recovery_codes_are_read_in_any_case(random: [u8; 8]) {
            let code = recovery_code(random);
            prop_assert_eq!(Typed::parse(&code), Some(Typed::Recovery(code.clone())));
            prop_assert_eq!(Typed::parse(&code.to_ascii_uppercase()), Some(Typed::Recovery(code)));
        }

        #[test]
        fn other_texts_are_no_codes(text in "\\PC{0,14}") {
            let is_code = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
                || text.len() == 11 && text.as_bytes()[5] == b'-';
            prop_assert!(is_code || Typed::parse(&text).is_none());
        }
    }
}

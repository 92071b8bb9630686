//! The fields of an account: parsed once at the edge, valid from then on.

use std::str::FromStr;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use spki::SubjectPublicKeyInfoRef;
use spki::der::Decode;

use super::{Password, Timestamp, UserId, UserName, name_key};

/// Longest user name and e-mail address in characters (RFC 5321 §4.5.3.1.3 allows 254 for an address).
pub(super) const MAX_NAME_CHARS: usize = 254;
/// Longest public key text in bytes.
const MAX_PUBLIC_KEY_BYTES: usize = 16 * 1024;

/// Whether a text has more characters than a name or an address may have.
pub(super) fn is_too_long(text: &str) -> bool {
    // Bytes are compared first, which is cheap: a character has at most four.
    text.len() > 4 * MAX_NAME_CHARS || text.chars().nth(MAX_NAME_CHARS).is_some()
}

/// An account as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Its id.
    pub id: UserId,
    /// Its name, as registered.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When one of its logins was used last, at most some minutes ago while its owner is there; `None` when there is no
    /// trace of one any more.
    pub last_seen_at: Option<Timestamp>,
    /// When an operator has disabled it, if it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Whether its second factor is on.
    pub second_factor: bool,
}

/// The value of a field is not allowed. The text names the field and never repeats the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The field's name on the wire.
    pub field: &'static str,
    /// What it must be.
    pub reason: &'static str,
}

/// An e-mail address (RFC 5321 syntax without display name), compared by its [key](name_key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    text: String,
    key: String,
}

impl EmailAddress {
    /// Checks the syntax. Nothing is sent to the address.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        let valid = !is_too_long(&text)
            && !text.chars().any(char::is_control)
            && email_address::EmailAddress::from_str(&text).is_ok_and(|parsed| parsed.email() == text);
        if !valid {
            return Err(Invalid { field: "email", reason: "must be an e-mail address of at most 254 characters" });
        }
        let key = name_key(&text);
        Ok(Self { text, key })
    }

    /// Returns the address with a key that no other has: it may be that of several accounts.
    #[must_use]
    pub fn shared(self, random: &str) -> Self {
        // No address contains a line break.
        Self { key: format!("{}\n{random}", self.key), ..self }
    }

    /// The address as its owner typed it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The [key](name_key): unique over all accounts.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A user's public key: base64 text that the server keeps byte for byte and never uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(String);

impl PublicKey {
    /// Base64 (standard alphabet, padding optional) of at most 16 KiB. When `strict`, what it holds must be one DER
    /// `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    pub fn parse(text: String, strict: bool) -> Result<Self, Invalid> {
        let invalid = |reason| Err(Invalid { field: "public_key", reason });
        if text.is_empty() || text.len() > MAX_PUBLIC_KEY_BYTES {
            return invalid("must have 1 to 16384 characters");
        }
        let Ok(der) = BASE64.decode(&text) else {
            return invalid("must be base64 without line breaks");
        };
        if strict && SubjectPublicKeyInfoRef::from_der(&der).is_err() {
            return invalid("must be a DER SubjectPublicKeyInfo (X.509)");
        }
        Ok(Self(text))
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether `other` is the text of the same key, perhaps in another spelling of its bytes.
    #[must_use]
    pub fn is_same(&self, other: &str) -> bool {
        let bytes = |text: &str| BASE64.decode(text).ok();
        self.0 == other || bytes(&self.0).is_some_and(|own| bytes(other) == Some(own))
    }
}

/// The checked fields of a registration.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The name to log in and be found with.
    pub name: UserName,
    /// The address, which no other user sees.
    pub email: EmailAddress,
    /// The password, still in clear.
    pub password: Password,
    /// The key others encrypt to.
    pub public_key: PublicKey,
}

/// What all users may know of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The name as registered.
    pub name: String,
    /// The public key as registered.
    pub public_key: String,
}

impl User {
    /// Returns the size, in bytes, of what others see of the user.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.len() + self.public_key.len()
    }

    /// Returns the name of the public key: the first 16 hex digits of the SHA-256 of its text.
    #[must_use]
    pub fn key_id(&self) -> String {
        let hash = digest::digest(&digest::SHA256, self.public_key.as_bytes());
        let first = hash.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{first:016x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_syntax() {
        for good in ["a@b.example", "first.last+tag@sub.example.org", "ü@bücher.example"] {
            assert!(EmailAddress::parse(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "a", "a@", "@b", "a b@c.d", "A <a@b.example>", "a@b.example\n"] {
            assert!(EmailAddress::parse(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn key_ids_name_the_text() {
        let user = User { id: UserId(1), name: String::new(), public_key: "abc".to_owned() };
        // FIPS 180-2, appendix B.1.
        assert_eq!(user.key_id(), "ba7816bf8f01cfea");
    }

    #[test]
    fn public_keys() {
        // An Ed25519 key, RFC 8410 §10.1.
        let spki = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        assert!(PublicKey::parse(spki.to_owned(), true).is_ok());
        assert!(PublicKey::parse("AAAA".to_owned(), false).is_ok());
        assert!(PublicKey::parse("AAAA".to_owned(), true).is_err());
        for bad in ["", "not base64!", "AA\nAA", "----"] {
            assert!(PublicKey::parse(bad.to_owned(), false).is_err(), "{bad:?}");
        }
        assert!(PublicKey::parse("A".repeat(16 * 1024), false).is_ok());
        assert!(PublicKey::parse("A".repeat(16 * 1024 + 4), false).is_err());
        let key = PublicKey::parse("QUJDRA".to_owned(), false).unwrap();
        assert!(key.is_same("QUJDRA==") && key.is_same("QUJDRA") && !key.is_same("QUJDRE==") && !key.is_same("!"));
    }
}

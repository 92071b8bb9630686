//! Passwords: their form, and what is too weak to be one.

mod common;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Invalid, fold_name, search_key};

/// Shortest and longest password in characters. All of them count: nothing is cut off.
const CHARS: RangeInclusive<usize> = 8..=256;
/// Bytes of the longest text that is normalised: a character of the normal form may be typed as several.
const MOST_BYTES: usize = *CHARS.end() * 16;
/// Letters and digits that a password must have beside parts of the name and the address.
const OWN_CHARS: usize = 5;
/// Shortest part of a name or an address that is looked for.
const PART_CHARS: usize = 3;
/// The name of this service, which is a bad part of any password here.
const SERVICE: &str = "fluent";

/// A new password of 8–256 characters, in its normal form. Cannot be printed.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// A new password: none of the 10,000 commonest, and at least two different visible characters
    /// (NIST SP 800-63B §5.1.1.2).
    pub fn parse(text: &SecretString) -> Result<Self, Invalid> {
        let typed = text.expose_secret();
        if typed.len() > MOST_BYTES {
            return Err(Self::invalid("must have 8 to 256 characters"));
        }
        let normal = normal_password(text).unwrap_or_else(|| text.clone());
        let count = |text: &str| text.chars().take(CHARS.end() + 1).count();
        let length = count(normal.expose_secret());
        // One typed character may become eighteen in the normal form; it still counts once.
        if !CHARS.contains(&length) || count(typed) < *CHARS.start() {
            return Err(Self::invalid("must have 8 to 256 characters"));
        }
        let folded = fold_name(normal.expose_secret());
        let visible: BTreeSet<char> = folded.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        if visible.len() < 2 {
            return Err(Self::invalid("must have at least two different characters that can be seen"));
        }
        if common::contains(folded.trim()) {
            return Err(Self::invalid("is one of the commonest passwords: choose another"));
        }
        Ok(Self(normal))
    }

    /// Returns an error when fewer than `OWN_CHARS` letters and digits are left of it without parts of its owner's
    /// name and address.
    pub fn check_owner(&self, name: &str, email: &str) -> Result<(), Invalid> {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let mut rest = letters(&search_key_of_password(self.0.expose_secret()));
        let (name, email) = (search_key(name), search_key(email));
        let mut parts: Vec<String> = [SERVICE, &name, &email].map(letters).into();
        parts.extend([&name, &email].into_iter().flat_map(|text| text.split('@')).map(letters));
        let words = [&name, &email].into_iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        parts.extend(words.map(str::to_owned));
        parts.retain(|part| part.chars().nth(PART_CHARS - 1).is_some());
        // The longest come first, since others are parts of them.
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
        let before = rest.len();
        for part in &parts {
            rest = rest.replace(part.as_str(), "");
        }
        if rest.len() < before && rest.chars().nth(OWN_CHARS - 1).is_none() {
            return Err(Self::invalid("must not be made of the user name or the e-mail address"));
        }
        Ok(())
    }

    /// The text, for hashing only.
    #[must_use]
    pub fn into_secret(self) -> SecretString {
        self.0
    }

    fn invalid(reason: &'static str) -> Invalid {
        Invalid { field: "password", reason }
    }
}

/// Returns the normal form of a typed password, when it differs: NFKC, as NIST SP 800-63B §5.1.1.2 has it. It unifies
/// what keyboards and phones write in different ways: composed or not, in full or half width, with one space or
/// another.
#[must_use]
pub fn normal_password(typed: &SecretString) -> Option<SecretString> {
    let text = typed.expose_secret();
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    if text.len() > MOST_BYTES || nfkc.is_normalized(text) {
        return None;
    }
    Some(nfkc.normalize(text).into_owned().into())
}

/// As names are searched; a password may be longer.
fn search_key_of_password(text: &str) -> String {
    super::searched(&fold_name(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Password, Invalid> {
        Password::parse(&text.into())
    }

    #[test]
    fn length_counts_characters_of_the_normal_form() {
        assert!(parse("1234x67").is_err());
        assert!(parse("äöäöäöäö").is_ok());
        assert!(parse("a\u{308}o\u{308}a\u{308}o\u{308}").is_err(), "four letters");
        assert!(parse(&"äö".repeat(128)).is_ok());
        assert!(parse(&"a\u{308}o\u{308}".repeat(128)).is_ok());
        assert!(parse(&"ab".repeat(129)).is_err());
        assert!(parse("\u{fdfa}").is_err() && parse(&"\u{fdfa}".repeat(15)).is_err());
        assert!(parse(&"x\u{301}\u{302}".repeat(100_000)).is_err());
    }

    #[test]
    fn the_normal_form_is_kept() {
        for text in ["Pässwörter é à", "Pa\u{308}sswo\u{308}rter e\u{301}\u{a0}a\u{300}"] {
            assert_eq!(parse(text).unwrap().into_secret().expose_secret(), "Pässwörter é à");
        }
        assert!(normal_password(&"Pässwörter é à".into()).is_none());
        assert_eq!(normal_password(&"ｐａｓｓ　ｗｏｒｄ".into()).unwrap().expose_secret(), "pass word");
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in [
            "password",
            "PASSWORD",
            "Password1",
            "ｐａｓｓｗｏｒｄ",
            "12345678",
            "qwertyuiop",
            "iloveyou ",
            "        ",
            "aaaaaaaa",
            "AaAaAaAa",
            "\u{2003}x      ",
        ] {
            assert!(parse(weak).is_err(), "{weak}");
        }
        for good in ["correct horse", "correct horse battery staple", "a long password", "x1x1x1x1x"] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn parts_of_name_and_address_are_no_password() {
        let owner =
            |password: &str| parse(password).unwrap().check_owner("Ándré.Smith@example.org", "a.smith@mail.example");
        for weak in [
            "andre.smith",
            "Ándré.Smith@example.org",
            "smith@mail",
            "SMITH-1984",
            "andre!!smith!!",
            "a.smith@mail.example",
            "fluent-2026",
        ] {
            assert!(owner(weak).is_err(), "{weak}");
        }
        for good in ["correct horse", "smith and the whale", "x-17-y-29-z"] {
            assert!(owner(good).is_ok(), "{good}");
        }
    }
}

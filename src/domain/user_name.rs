//! User names: the rules for new ones, and when two names are the same or look the same.
//!
//! The name is all that shows a user for whom a message is encrypted. So every character of a name must be visible, and
//! no two names may look alike.

mod characters;
mod scripts;
mod skeleton;

use super::account::{MAX_NAME_CHARS, is_too_long};
use super::{Invalid, fold_name, name_key, searched};

pub use skeleton::{Skeleton, skeletons};

/// The version of these rules, of what looks alike and of how names are searched. It must be raised when one of them
/// changes, also with newer Unicode data in `unicode-security` or `icu_properties`: each store then reviews its names.
pub const NAMES_VERSION: i32 = 1;

/// A user name: kept and echoed exactly as given, compared by its [key](Self::key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    text: String,
    key: String,
}

impl UserName {
    /// Checks a new name: 1–254 characters, also when folded; all of them visible, no misplaced marks, no white space
    /// at either end, at least one letter or digit, and no word that mixes scripts.
    ///
    /// Accounts from before these rules keep their names, see [`login_keys`].
    pub fn parse(text: String) -> Result<Self, Invalid> {
        match Self::check(&text) {
            Ok(key) => Ok(Self { text, key }),
            Err(reason) => Err(Invalid { field: "username", reason }),
        }
    }

    /// Returns the key of the text, or the reason why it cannot be a new name.
    fn check(text: &str) -> Result<String, &'static str> {
        const LENGTH: &str = "must have 1 to 254 characters";
        if text.is_empty() || is_too_long(text) {
            return Err(LENGTH);
        }
        characters::check(text)?;
        let key = name_key(text);
        // One character may fold to eighteen.
        if key.chars().nth(MAX_NAME_CHARS).is_some() {
            return Err(LENGTH);
        }
        characters::check_folded(&key)?;
        scripts::check(&key)?;
        Ok(key)
    }

    /// The name as its owner typed it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The [key](name_key): unique over all accounts.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the form in which it is [searched](super::search_key).
    #[must_use]
    pub fn search_key(&self) -> String {
        searched(&self.key)
    }

    /// Returns its skeletons: no other new name may have one of them.
    #[must_use]
    pub fn skeletons(&self) -> Vec<Skeleton> {
        skeletons(&self.text)
    }
}

/// Returns the keys that the account with this name may have, likeliest first; none for a text that was never allowed
/// as a name.
///
/// Names from before today's rules are found by what their key was then: domains were not unified, and characters that
/// folding drops could stand before white space.
#[must_use]
pub fn login_keys(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    // Names never held control characters, and PostgreSQL takes no text with a NUL.
    if !is_too_long(text) && !text.trim().chars().any(char::is_control) {
        for key in [fold_name(text.trim()), name_key(text)] {
            if !key.trim().is_empty() && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests;

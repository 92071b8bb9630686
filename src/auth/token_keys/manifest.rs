//! The file that says which Ed25519 keys there are, and what each is used for.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is published and signs nothing yet.
    Next,
    /// It signs.
    Current,
    /// It has signed; its tokens are accepted until they expire.
    Previous,
}

impl KeyState {
    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Its id, which is also in the name of its file.
    pub kid: String,
    /// What it is used for.
    pub state: KeyState,
    /// When it ceased to sign.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "seconds_if_any")]
    pub retired_at: Option<Timestamp>,
}

/// The keys, and since when they sign rather than a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    #[serde(with = "seconds")]
    pub(super) signing_since: Timestamp,
    pub(super) keys: Vec<KeyEntry>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { signing_since: Timestamp::from_micros(0), keys: Vec::new() }
    }
}

impl Manifest {
    /// Reads the text; no text is no keys.
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_slice(text) }
    }

    /// Returns the key in this state; there is one at most, but for [`KeyState::Previous`].
    pub(super) fn find(&self, state: KeyState) -> Option<&KeyEntry> {
        self.keys.iter().find(|entry| entry.state == state)
    }

    pub(super) fn add(&mut self, kid: String, state: KeyState) {
        self.keys.push(KeyEntry { kid, state, retired_at: None });
    }

    /// Makes the next key the current one, and the current one a previous one. The next one is then missing.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.retire_current(now);
        if let Some(entry) = self.keys.iter_mut().find(|entry| entry.state == KeyState::Next) {
            entry.state = KeyState::Current;
        }
    }

    /// Makes the current key a previous one.
    pub(super) fn retire_current(&mut self, now: Timestamp) {
        for entry in self.keys.iter_mut().filter(|entry| entry.state == KeyState::Current) {
            (entry.state, entry.retired_at) = (KeyState::Previous, Some(now));
        }
    }

    /// Takes out the keys that `is_gone` finds, and returns their ids.
    pub(super) fn take(&mut self, is_gone: impl Fn(&KeyEntry) -> bool) -> Vec<String> {
        self.keys.extract_if(.., |entry| is_gone(entry)).map(|entry| entry.kid).collect()
    }
}

/// Times as seconds since 1970, which people and scripts can read.
mod seconds {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::domain::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(|seconds| Timestamp::from_micros(0).plus_secs(seconds))
    }
}

mod seconds_if_any {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::domain::Timestamp;

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.serialize_i64(at.as_secs()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let seconds = Option::<i64>::deserialize(deserializer)?;
        Ok(seconds.map(|seconds| Timestamp::from_micros(0).plus_secs(seconds)))
    }
}

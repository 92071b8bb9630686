//! The plaintext of a message that names files, of the `message_type` [`FileMessage::KIND`].

use serde::{Deserialize, Serialize};

use crate::franking::FrankingKey;

/// What a message with files says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FileMessage {
    /// The version of this format: 1.
    pub v: u32,
    /// A caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The files, in the order of the message's `attachments`.
    pub files: Vec<FileEntry>,
}

/// A file, as the message that names it describes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FileEntry {
    /// The id that the server gave it.
    pub id: String,
    /// Its name, for people. Anything may be in it: never a path to write to.
    pub file_name: String,
    /// Its media type, to choose a viewer.
    pub file_type: String,
    /// Its size in bytes, without padding.
    pub size: u64,
    /// The key, as [`FileKey::text`](super::FileKey::text) writes it.
    pub encryption_key: String,
    /// The SHA-256 of the ciphertext, 64 hexadecimal digits.
    pub sha256: String,
    /// A small picture, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
}

impl FileMessage {
    /// The `message_type`.
    pub const KIND: &'static str = "file";

    /// Reads a plaintext, with or without a franking key. `None` when it is none, or of a later version.
    #[must_use]
    pub fn parse(plaintext: &str) -> Option<Self> {
        serde_json::from_str(plaintext).ok().filter(|message: &Self| message.v == 1)
    }

    /// Returns the plaintext without a franking key.
    #[must_use]
    pub fn text(&self) -> String {
        // Never fails: the keys are texts and the values plain.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the plaintext with this franking key in it, and the tag that commits to the rest.
    #[must_use]
    pub fn franked(&self, key: &FrankingKey) -> (String, String) {
        let text = self.text();
        let tag = key.tag(&text);
        let head = text.strip_suffix('}').unwrap_or(&text);
        (format!("{head}{MEMBER}{}\"}}", key.text()), tag)
    }
}

/// Stands between a plaintext and its franking key.
const MEMBER: &str = ",\"franking_key\":\"";

/// Takes the franking key out of a plaintext, and returns both. `None` when there is none at its end.
#[must_use]
pub fn unfranked(plaintext: &str) -> Option<(FrankingKey, String)> {
    let (head, key) = plaintext.strip_suffix("\"}")?.rsplit_once(MEMBER)?;
    Some((FrankingKey::parse(key)?, format!("{head}}}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_franking_key_comes_out_as_it_went_in() {
        let entry = FileEntry {
            id: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            file_name: "a \"b\",\"franking_key\":\"\u{e9}.jpg".to_owned(),
            file_type: "image/jpeg".to_owned(),
            size: 3,
            encryption_key: "k".to_owned(),
            sha256: "00".repeat(32),
            thumbnail: None,
        };
        let message = FileMessage { v: 1, text: Some("look".to_owned()), files: vec![entry] };
        let key = FrankingKey::random().unwrap();
        let (plaintext, tag) = message.franked(&key);
        let (found, rest) = unfranked(&plaintext).unwrap();
        assert_eq!((found.text(), rest.as_str()), (key.text(), message.text().as_str()));
        assert!(found.verify(&rest, &tag));
        assert_eq!(FileMessage::parse(&plaintext), Some(message.clone()));
        assert!(unfranked(&message.text()).is_none());
        assert_eq!(FileMessage::parse(&FileMessage { v: 2, ..message }.text()), None);
        assert_eq!(FileMessage::parse("hello"), None);
    }
}

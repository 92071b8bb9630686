//! What the row of an upload must remember of its bytes in a bucket.

use serde::{Deserialize, Serialize};

use crate::config::S3_PART;
use crate::domain::Media;

/// The parts and pieces that count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UploadState {
    /// The id of the upload in parts, where the file is larger than one.
    pub(super) upload: Option<String>,
    /// What S3 calls each part, in their order; each has [`S3_PART`] bytes.
    pub(super) parts: Vec<String>,
    /// What is behind the parts, in its order.
    pub(super) rest: Vec<Piece>,
}

/// An object that holds some bytes of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) bytes: u64,
}

impl UploadState {
    /// Returns what the row says, as far as its offset counts it.
    pub(super) fn of(media: &Media) -> Self {
        let text = media.upload.as_deref().unwrap_or_default();
        // Nothing yet, or what another store has written.
        let mut state: Self = serde_json::from_str(text).unwrap_or_default();
        let parts = usize::try_from(media.offset / S3_PART).unwrap_or(usize::MAX);
        if parts < state.parts.len() {
            // The rest is behind parts that do not count.
            state.parts.truncate(parts);
            state.rest.clear();
        }
        while state.bytes() > media.offset {
            state.rest.pop();
        }
        state
    }

    /// Returns the text that [`of`](Self::of) reads; an empty one when there is nothing to remember.
    pub(super) fn text(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        // Strings and numbers.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns how many bytes are kept.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.len() as u64 * S3_PART + self.rest_bytes()
    }

    /// Returns how many bytes are behind the parts.
    pub(super) fn rest_bytes(&self) -> u64 {
        self.rest.iter().map(|piece| piece.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MediaId, MediaState, Timestamp};

    fn media(offset: u64, upload: Option<String>) -> Media {
        Media {
            id: MediaId([1; 16]),
            owner: None,
            size: 1 << 40,
            offset,
            state: MediaState::Uploading,
            sha256: None,
            metadata: None,
            created_at: Timestamp::from_micros(0),
            expires_at: None,
            lost_at: None,
            store: "s3".to_owned(),
            upload,
        }
    }

    #[test]
    fn only_what_the_offset_counts_is_remembered() {
        let piece = |name: &str, bytes| Piece { name: name.to_owned(), bytes };
        let whole = UploadState {
            upload: Some("id".to_owned()),
            parts: vec!["a".to_owned(), "b".to_owned()],
            rest: vec![piece("c", 10), piece("d", 5)],
        };
        let end = 2 * S3_PART + 15;
        assert_eq!(whole.bytes(), end);
        assert_eq!(UploadState::of(&media(end, Some(whole.text()))), whole);
        let lower = UploadState::of(&media(end - 1, Some(whole.text())));
        assert_eq!((lower.bytes(), lower.rest.len()), (2 * S3_PART + 10, 1));
        let none = UploadState::of(&media(S3_PART - 1, Some(whole.text())));
        assert_eq!((none.parts.len(), none.rest.len(), none.upload.as_deref()), (0, 0, Some("id")));
    }

    #[test]
    fn nothing_and_what_another_store_has_left_is_a_beginning() {
        assert_eq!(UploadState::default().text(), "");
        for text in [None, Some(String::new()), Some("no JSON".to_owned())] {
            assert_eq!(UploadState::of(&media(100, text)), UploadState::default());
        }
    }
}

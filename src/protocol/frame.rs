//! A frame that is ready to be written.

use bytes::Bytes;
use serde::Serialize;

use super::json;

/// Most frames are no longer than this without their ciphertext.
const FRAME_BYTES: usize = 256;

/// The JSON text of one outgoing frame. Clones share it: it is made once for all sockets that get it.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// Writes `value` as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self::json_with(value, 0)
    }

    /// Writes `value` as [`json`](Self::json) does. `text_bytes` is the size of the text in it, so that the buffer need
    /// not grow.
    pub(super) fn json_with(value: &impl Serialize, text_bytes: usize) -> Self {
        let mut json = Vec::with_capacity(FRAME_BYTES + text_bytes);
        // Cannot fail: the values are plain structs of strings and numbers, without map keys or I/O.
        if json::write(&mut json, value).is_err() {
            json.clear();
        }
        Self(json.into())
    }

    /// Returns the UTF-8 text.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Returns its size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether it has no bytes, which is never the case for frames made here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} bytes)", self.0.len())
    }
}

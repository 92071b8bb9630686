//! The key of a file, and the encryption of its segments.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of each encrypted segment but the last, which may have fewer.
pub const SEGMENT: usize = 64 * 1024;
/// Bytes that encryption adds to a segment: the tag of AES-GCM.
pub(super) const TAG: usize = 16;
/// Bytes of a segment before it is encrypted.
pub(super) const PLAIN_SEGMENT: usize = SEGMENT - TAG;

/// The key of one file: 32 random bytes that encrypt nothing else.
///
/// Segments are encrypted by AES-256-GCM with nonces of the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár:
/// "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015): their number, and whether it
/// is the last. So segments can be read one by one, and none can be left out, moved, or cut from the end unnoticed.
pub struct FileKey {
    bytes: [u8; 32],
    cipher: LessSafeKey,
}

/// A segment that was not encrypted with this key at this place.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the file was not encrypted with this key, or is damaged")]
pub struct Damaged;

impl FileKey {
    /// Makes the key of a new file. `None` when the system has no random bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).ok()?;
        Self::new(bytes)
    }

    /// Reads what [`text`](Self::text) has written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?)
    }

    fn new(bytes: [u8; 32]) -> Option<Self> {
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
        Some(Self { bytes, cipher })
    }

    /// Returns the key as 43 characters of base64url, for the message.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes)
    }

    /// Encrypts a segment in place; it grows by its tag.
    pub(super) fn seal(&self, number: u32, is_last: bool, segment: &mut Vec<u8>) -> Result<(), Damaged> {
        let sealed = self.cipher.seal_in_place_append_tag(nonce(number, is_last), Aad::empty(), segment);
        // Only for segments of gigabytes.
        sealed.map_err(|_| Damaged)
    }

    /// Decrypts a segment in place, and returns its content.
    pub(super) fn open<'a>(&self, number: u32, is_last: bool, segment: &'a mut [u8]) -> Result<&'a [u8], Damaged> {
        let opened = self.cipher.open_in_place(nonce(number, is_last), Aad::empty(), segment);
        opened.map(|content| &*content).map_err(|_| Damaged)
    }
}

/// Returns seven zero bytes, the number of the segment in four, and 1 for the last one.
fn nonce(number: u32, is_last: bool) -> Nonce {
    let [a, b, c, d] = number.to_be_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(is_last)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_read_at_its_place_only() {
        let key = FileKey::parse(&FileKey::random().unwrap().text()).unwrap();
        let mut sealed = b"hello".to_vec();
        key.seal(3, true, &mut sealed).unwrap();
        assert_eq!(sealed.len(), 5 + TAG);
        assert_eq!(key.open(3, true, &mut sealed.clone()), Ok(b"hello".as_slice()));
        for (number, is_last) in [(3, false), (2, true), (0, true)] {
            assert_eq!(key.open(number, is_last, &mut sealed.clone()), Err(Damaged));
        }
        assert_eq!(FileKey::random().unwrap().open(3, true, &mut sealed.clone()), Err(Damaged));
        assert!(FileKey::parse("too short").is_none());
    }
}

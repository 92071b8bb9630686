//! The content hash: two sends with the same hash are the same message.

use aws_lc_rs::digest::{Context, SHA256};

use super::fields::Value;

/// The fields that are hashed. `type`, `ref`, `client_id` and unknown fields are not.
pub(super) struct Content<'a> {
    /// The receiver as given, also when it is no user's id.
    pub(super) to: i64,
    pub(super) receiver_encrypted: &'a str,
    pub(super) sender_encrypted: &'a str,
    pub(super) message_type: &'a str,
    pub(super) receiver_key_id: Option<&'a str>,
    pub(super) reply_to: Option<i64>,
    pub(super) expires_in_s: Option<i64>,
    /// Texts and integers; an absent list is empty.
    pub(super) attachment_ids: &'a [Value<'a>],
    pub(super) franking_tag: Option<&'a str>,
}

/// The version of the encoding below, its first byte.
const VERSION: u8 = 1;

impl Content<'_> {
    /// Returns the SHA-256 over the encoding. Hashes are stored and compared with later ones, so the encoding must
    /// never change: a later field is added at the end, and only when it is given.
    ///
    /// Integers are big endian, `text` is its length in bytes (8 bytes) and its UTF-8, `T?` is the byte 0, or the byte
    /// 1 and a `T`. In this order:
    ///
    /// | field | encoding |
    /// | --- | --- |
    /// | version | the byte 1 |
    /// | `to` | 8 bytes, two's complement |
    /// | `receiver_encrypted`, `sender_encrypted`, `message_type` | text each |
    /// | `receiver_key_id` | text? |
    /// | `reply_to`, `expires_in_s` | (8 bytes)? each |
    /// | `attachment_ids` | their number (8 bytes; 0 when absent), then each as below |
    /// | `franking_tag` | text, and nothing when it is absent |
    ///
    /// An id is the byte 1 and a text, or the byte 2 and an integer of 16 bytes, two's complement.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hasher = Hasher(Context::new(&SHA256));
        hasher.bytes(&[VERSION]);
        hasher.bytes(&self.to.to_be_bytes());
        for text in [self.receiver_encrypted, self.sender_encrypted, self.message_type] {
            hasher.text(text);
        }
        hasher.option(self.receiver_key_id, Hasher::text);
        for number in [self.reply_to, self.expires_in_s] {
            hasher.option(number, |hasher, number| hasher.bytes(&number.to_be_bytes()));
        }
        hasher.length(self.attachment_ids.len());
        for id in self.attachment_ids {
            match id {
                Value::Text(text) => {
                    hasher.bytes(&[1]);
                    hasher.text(text);
                }
                Value::Integer(number) => {
                    hasher.bytes(&[2]);
                    hasher.bytes(&number.to_be_bytes());
                }
                // The decoder has refused all other values.
                _ => {}
            }
        }
        if let Some(tag) = self.franking_tag {
            hasher.text(tag);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(hasher.0.finish().as_ref());
        hash
    }
}

struct Hasher(Context);

impl Hasher {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn length(&mut self, length: usize) {
        self.bytes(&(length as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bytes(&[u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }
}

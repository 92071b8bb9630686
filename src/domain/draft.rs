//! A message before it is stored.

use std::borrow::Cow;

use super::{ClientId, DirectKey, FrankingTag, Limited, MessageId, Urgency, UserId};

/// The reason why a text cannot be an encrypted copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// An encrypted copy has no bytes.
    #[error("must not be empty")]
    Empty,
    /// An encrypted copy is above the limit.
    #[error("is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// One encrypted copy of a message: text the server can neither read nor change.
#[derive(Clone, PartialEq, Eq)]
pub struct Ciphertext(String);

impl Ciphertext {
    /// Takes 1 … `limit` bytes of UTF-8.
    pub fn parse(text: String, limit: usize) -> Result<Self, DraftError> {
        match text.len() {
            0 => Err(DraftError::Empty),
            n if n > limit => Err(DraftError::TooLarge { limit }),
            _ => Ok(Self(text)),
        }
    }

    /// The bytes, as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The text, as it came.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ciphertext({} bytes)", self.0.len())
    }
}

/// The kind of a payload, which only clients interpret, such as `text`: `[a-z0-9][a-z0-9._-]{0,31}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageType(Cow<'static, str>);

impl MessageType {
    /// The type of the shipped Android client.
    #[must_use]
    pub fn text() -> Self {
        Self(Cow::Borrowed("text"))
    }

    /// Checks the form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let valid = (1..=32).contains(&text.len())
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'));
        valid.then(|| if text == "text" { Self::text() } else { Self(Cow::Owned(text.to_owned())) })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The fields by which a retry of a message is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The sender's name for the message.
    pub client_id: ClientId,
    /// SHA-256 over all fields that two sends of the same message have in common.
    pub content_hash: [u8; 32],
}

/// The reason why a well-formed draft cannot be stored. It does not matter for a retry of a message that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// A copy is above the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The sender has sent too much.
    Limited(Limited),
}

/// How well a receiver knows a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// They have no conversation.
    None,
    /// The receiver has never written to the sender.
    Stranger,
    /// The receiver has written to the sender.
    Partner,
}

/// The limits on what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// Largest encrypted copy in bytes.
    pub ciphertext_bytes: usize,
    /// Most files that a message names.
    pub attachments: usize,
}

/// What a sender asks the server to store and deliver.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The sender: the user of the socket, never a field of the frame.
    pub sender: UserId,
    /// The conversation that it is for, of the sender with the receiver. `None` when the receiver's number cannot be a
    /// user id.
    pub conversation: Option<DirectKey>,
    /// The copy that the sender can decrypt.
    pub sender_copy: Ciphertext,
    /// The copy that the receiver can decrypt.
    pub receiver_copy: Ciphertext,
    /// The kind of the payload.
    pub message_type: MessageType,
    /// The fields by which a retry is recognised; `None` in the legacy dialect.
    pub once: Option<Once>,
    /// The key that the receiver's copy is encrypted to, as the sender believes.
    pub receiver_key_id: Option<String>,
    /// The message to which this one is a reply.
    pub reply_to: Option<MessageId>,
    /// Seconds from storing until the message expires.
    pub expires_in_s: Option<i64>,
    /// What the sender commits to.
    pub franking_tag: Option<FrankingTag>,
    /// The files that it names, as the sender writes their ids; no two are the same.
    pub attachment_ids: Vec<String>,
    /// How soon the receiver's sleeping devices are to be woken. It is not part of the message.
    pub urgency: Urgency,
    /// The reason why it cannot be stored, if any.
    pub objection: Option<Objection>,
    /// Whether it is counted already for the limits that depend on what its two sides are to each other. Otherwise the
    /// writer counts it.
    pub is_counted: bool,
}

impl Draft {
    /// A message as the shipped Android client sends it: text, and nothing beside it.
    #[must_use]
    pub fn text(sender: UserId, receiver: Option<UserId>, sender_copy: Ciphertext, receiver_copy: Ciphertext) -> Self {
        Self {
            sender,
            conversation: receiver.map(|receiver| DirectKey::new(sender, receiver)),
            sender_copy,
            receiver_copy,
            message_type: MessageType::text(),
            once: None,
            receiver_key_id: None,
            reply_to: None,
            expires_in_s: None,
            franking_tag: None,
            attachment_ids: Vec::new(),
            urgency: Urgency::High,
            objection: None,
            is_counted: false,
        }
    }

    /// Returns the receiver, who may be the sender.
    #[must_use]
    pub fn receiver(&self) -> Option<UserId> {
        self.conversation.map(|conversation| conversation.partner_of(self.sender))
    }

    /// Returns the bytes that this draft occupies while it waits, its ciphertexts above all.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ids: usize = self.attachment_ids.iter().map(|id| id.len() + size_of::<String>()).sum();
        self.sender_copy.as_bytes().len() + self.receiver_copy.as_bytes().len() + ids + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphertext_bounds() {
        assert_eq!(Ciphertext::parse(String::new(), 4), Err(DraftError::Empty));
        assert!(Ciphertext::parse("1234".to_owned(), 4).is_ok());
        assert_eq!(Ciphertext::parse("ääa".to_owned(), 4), Err(DraftError::TooLarge { limit: 4 }));
    }

    #[test]
    fn message_types() {
        for good in ["text", "a", "0", "image.v2_x-y", &"x".repeat(32)] {
            assert_eq!(MessageType::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Text", ".a", "-a", "a b", "ä", &"x".repeat(33)] {
            assert!(MessageType::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ciphertext_cannot_be_printed() {
        let copy = Ciphertext::parse("marker".to_owned(), 10).unwrap();
        assert!(!format!("{copy:?}").contains("marker"));
    }
}

//! Message franking: what a sender commits to, and whether what was received can be reported.

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::frame::Message;

/// Keeps franking apart from every other use of such a key.
const CONTEXT: &[u8] = b"fluent-frank-1\0";

/// The key of one message: 32 random bytes, which belong into the plaintext of both copies.
#[derive(Clone)]
pub struct FrankingKey([u8; 32]);

/// What the receiver of a message can prove to the operators of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Provable {
    /// Who has sent it and when, and what it says.
    Content,
    /// Who has sent it and when: its sender commits to nothing.
    Metadata,
    /// Nothing. A program must show this: its sender commits to something else than what it says.
    Nothing,
}

impl FrankingKey {
    /// Makes the key of a new message. `None` when the system has no random bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut key = [0; 32];
        rand::fill(&mut key).ok().map(|()| Self(key))
    }

    /// Reads what [`text`](Self::text) has written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the key as 43 characters of base64url, for the plaintext.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns the tag of a plaintext, which is without the key, for [`Draft::franking_tag`](crate::Draft).
    #[must_use]
    pub fn tag(&self, plaintext: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.context(plaintext).sign())
    }

    /// Returns whether the tag is that of the plaintext.
    #[must_use]
    pub fn verify(&self, plaintext: &str, tag: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
        let message = [CONTEXT, plaintext.as_bytes()].concat();
        hmac::verify(&self.key(), &message, &tag).is_ok()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }

    fn context(&self, plaintext: &str) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.key());
        context.update(CONTEXT);
        context.update(plaintext.as_bytes());
        context
    }
}

/// Returns what can be proved of a message of somebody else. `key` is the one in its plaintext, if there is one.
#[must_use]
pub fn provable(message: &Message, key: Option<&FrankingKey>, plaintext: &str) -> Provable {
    match (&message.franking_tag, key) {
        (None, None) if message.report_token.is_some() => Provable::Metadata,
        (Some(tag), Some(key)) if message.report_token.is_some() && key.verify(plaintext, tag) => Provable::Content,
        _ => Provable::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_plaintext_without_its_tag_proves_nothing() {
        let key = FrankingKey::random().unwrap();
        let message = |tag: Option<String>, token: Option<&str>| Message {
            seq: 1,
            id: 1,
            conversation_id: 1,
            sender_id: 2,
            receiver_id: 1,
            content: String::new(),
            kind: "x".to_owned(),
            timestamp: String::new(),
            client_id: None,
            expires_at: None,
            franking_tag: tag,
            report_token: token.map(str::to_owned),
            attachments: Vec::new(),
        };
        let (tag, token) = (Some(key.tag("hello")), Some("token"));
        assert_eq!(provable(&message(tag.clone(), token), Some(&key), "hello"), Provable::Content);
        assert_eq!(provable(&message(None, token), None, "hello"), Provable::Metadata);
        for (tag, token, key, plaintext) in [
            (tag.clone(), token, Some(&key), "hallo"),
            (tag.clone(), token, None, "hello"),
            (tag.clone(), token, FrankingKey::random().as_ref(), "hello"),
            (None, token, Some(&key), "hello"),
            (tag, None, Some(&key), "hello"),
            (Some("?".to_owned()), token, Some(&key), "hello"),
        ] {
            assert_eq!(
                provable(&message(tag.clone(), token), key, plaintext),
                Provable::Nothing,
                "{tag:?} {plaintext}"
            );
        }
        assert!(FrankingKey::parse(&key.text()).unwrap().verify("hello", &key.tag("hello")));
    }
}

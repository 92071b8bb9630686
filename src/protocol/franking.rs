//! Report tokens: the server's word for who has sent what to whom and when, which only the server can check.
//!
//! A receiver cannot make one, and a sender cannot deny one, since what the sender has committed to is in it. To
//! anybody else it proves nothing: it is a MAC, whose key could make it for any message. It is computed whenever a
//! message is shown to its receiver, and stored nowhere.

use aws_lc_rs::cmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{Attested, Message, Viewer};

/// Keeps the tokens apart from every other use of the key.
const CONTEXT: &[u8] = b"fluent-report-1\0";
/// The generation of the key: the first byte of every token.
const GENERATION: u8 = 1;
/// Bytes of an AES-CMAC (RFC 4493).
const MAC: usize = 16;
/// Bytes of the generation and the MAC.
const TOKEN: usize = 1 + MAC;
/// Numbers that are authenticated.
const NUMBERS: usize = 5;
/// Bytes of what a sender has committed to.
const TAG: usize = 32;
/// Bytes of what is authenticated, at most: context, numbers, whether there is a tag, and the tag.
const ATTESTED: usize = CONTEXT.len() + NUMBERS * 8 + 1 + TAG;

/// Characters of a token in base64url without padding.
const CHARS: usize = 23;

/// A report token, as its text: each message that is received has one, so it is made without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportToken([u8; CHARS]);

impl ReportToken {
    /// Returns the text: 23 characters of base64url without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Characters of base64url alone.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for ReportToken {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// Makes and checks report tokens.
#[derive(Debug)]
pub struct ReportTokens(cmac::Key);

/// The key for report tokens cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key for report tokens cannot be used")]
pub struct UnusableKey;

impl ReportTokens {
    /// Tokens under this key: AES-256-CMAC.
    pub fn new(key: &[u8; 32]) -> Result<Self, UnusableKey> {
        cmac::Key::new(cmac::AES_256, key).map(Self).map_err(|_| UnusableKey)
    }

    /// Returns the token of a message for its receiver; `None` for whoever has sent it.
    #[must_use]
    pub fn of(&self, message: &Message, viewer: Viewer) -> Option<ReportToken> {
        (viewer.user != message.sender).then(|| self.token(&message.attested())).flatten()
    }

    /// Returns the token that attests these facts.
    #[must_use]
    pub fn token(&self, attested: &Attested) -> Option<ReportToken> {
        let (text, length) = bytes(attested);
        let mut token = [GENERATION; TOKEN];
        let mac = cmac::sign(&self.0, text.get(..length)?).ok()?;
        token.get_mut(1..)?.copy_from_slice(mac.as_ref());
        let mut text = [b'A'; CHARS];
        URL_SAFE_NO_PAD.encode_slice(token, &mut text).ok()?;
        Some(ReportToken(text))
    }

    /// Returns whether a token attests these facts.
    #[must_use]
    pub fn verify(&self, attested: &Attested, token: &str) -> bool {
        let Ok(token) = URL_SAFE_NO_PAD.decode(token) else { return false };
        let (text, length) = bytes(attested);
        match (token.as_slice(), text.get(..length)) {
            ([GENERATION, mac @ ..], Some(text)) if mac.len() == MAC => cmac::verify(&self.0, text, mac).is_ok(),
            _ => false,
        }
    }
}

/// Returns what is authenticated, and its length: numbers are big endian with 8 bytes each, then a byte that says
/// whether there is a tag, and the tag.
fn bytes(attested: &Attested) -> ([u8; ATTESTED], usize) {
    let Attested { message, conversation, sender, receiver, timestamp, tag } = attested;
    let numbers = [message.0, conversation.0, i64::from(sender.0), i64::from(receiver.0), timestamp.as_micros()];
    let mut text = [0; ATTESTED];
    let (context, rest) = text.split_at_mut(CONTEXT.len());
    let (places, end) = rest.split_at_mut(NUMBERS * 8);
    context.copy_from_slice(CONTEXT);
    for (place, number) in places.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    let Some(tag) = tag else { return (text, ATTESTED - TAG) };
    let (has_tag, place) = end.split_at_mut(1);
    has_tag.fill(1);
    place.copy_from_slice(&tag.bytes());
    (text, ATTESTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConversationId, FrankingTag, MessageId, Timestamp, UserId};

    fn attested() -> Attested {
        Attested {
            message: MessageId(812),
            conversation: ConversationId(5),
            sender: UserId(7),
            receiver: UserId(9),
            timestamp: Timestamp::from_micros(1_795_000_000_123_456),
            tag: FrankingTag::parse(&"A".repeat(43)),
        }
    }

    #[test]
    fn a_token_attests_every_fact_and_nothing_else() {
        let tokens = ReportTokens::new(&[7; 32]).unwrap();
        let token = tokens.token(&attested()).unwrap();
        let token = token.as_str();
        assert_eq!(token.len(), 23);
        assert!(tokens.verify(&attested(), token));
        let later = Timestamp::from_micros(1_795_000_000_123_457);
        for other in [
            Attested { message: MessageId(813), ..attested() },
            Attested { conversation: ConversationId(6), ..attested() },
            Attested { sender: UserId(9), receiver: UserId(7), ..attested() },
            Attested { receiver: UserId(8), ..attested() },
            Attested { timestamp: later, ..attested() },
            Attested { tag: None, ..attested() },
            Attested { tag: FrankingTag::parse(&format!("{}B", "A".repeat(42)).replace('B', "E")), ..attested() },
        ] {
            assert!(!tokens.verify(&other, token), "{other:?}");
        }
        assert!(!ReportTokens::new(&[8; 32]).unwrap().verify(&attested(), token));
        for bad in ["", "A", &token[1..], &format!("{token}A"), &token.replace("AQ", "Ag")] {
            assert!(bad == token || !tokens.verify(&attested(), bad), "{bad}");
        }
    }

    #[test]
    fn without_a_tag_another_text_is_attested() {
        let tokens = ReportTokens::new(&[7; 32]).unwrap();
        let bare = Attested { tag: None, ..attested() };
        let token = tokens.token(&bare).unwrap();
        assert!(tokens.verify(&bare, token.as_str()) && !tokens.verify(&attested(), token.as_str()));
    }
}

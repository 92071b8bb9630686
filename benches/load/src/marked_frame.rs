//! Messages that are prepared once and only marked anew, and the mark in what comes back.
//!
//! A mark is 36 characters, as long as a UUID: 16 hexadecimal digits of the moment at which the message was meant to be
//! sent, 8 of the pair's number, 12 of the message's number within the pair. The moment comes first, so that as a
//! `client_id` it grows with time. Behind it each copy says whose it is.

use std::sync::LazyLock;

use anyhow::{Result, ensure};
use memchr::memmem::Finder;

use crate::random::Random;
use crate::socket::text_frame;

/// Length of a mark.
const MARK: usize = 36;
/// Shortest copy: the mark, whose it is, and a little of ciphertext.
pub(crate) const MIN_BYTES: usize = 48;
/// Says whose copy it is, behind the mark.
const RECEIVERS: u8 = b'R';
const SENDERS: u8 = b'S';

/// The wire that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    /// The Android app's.
    Legacy,
    /// fluent.v1.
    V1,
}

impl Dialect {
    /// As it is given on a command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::V1 => "v1",
        }
    }
}

/// What a message carries through the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// When it was meant to be sent, by [`clock`](crate::clock).
    pub(crate) intended: u64,
    /// Whose it is.
    pub(crate) pair: u64,
    /// Which of the pair's messages it is.
    pub(crate) seq: u64,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { intended, pair, seq } = self;
        write!(f, "{intended:016x}{pair:08x}{seq:012x}")
    }
}

/// A whole frame of a pair's sender.
pub(crate) struct MarkedFrame {
    frame: Vec<u8>,
    /// Where the marks are.
    marks: Vec<usize>,
    pair: u64,
}

impl MarkedFrame {
    /// Prepares a message to user `to`, each copy of exactly `bytes` characters that follow from `seed`.
    pub(crate) fn new(dialect: Dialect, pair: u64, to: i32, bytes: usize, seed: u64) -> Result<Self> {
        ensure!(bytes >= MIN_BYTES, "a copy needs at least {MIN_BYTES} bytes");
        let mut random = Random::of(seed, pair);
        let mark = "0".repeat(MARK);
        let mut copy = |whose: u8| format!("{mark}{}{}", char::from(whose), base64(&mut random, bytes - MARK - 1));
        let (receivers, senders) = (copy(RECEIVERS), copy(SENDERS));
        let text = match dialect {
            Dialect::Legacy => format!(
                r#"{{"receiverID":{to},"receiver_encrypted":"{receivers}","sender_encrypted":"{senders}","messageType":"text"}}"#
            ),
            Dialect::V1 => format!(
                r#"{{"type":"send","client_id":"{mark}","to":{to},"receiver_encrypted":"{receivers}","sender_encrypted":"{senders}","message_type":"text"}}"#
            ),
        };
        let (frame, start) = text_frame(text.as_bytes());
        let keys: &[&str] = match dialect {
            Dialect::Legacy => &["receiver_encrypted\":\"", "sender_encrypted\":\""],
            Dialect::V1 => &["client_id\":\"", "receiver_encrypted\":\"", "sender_encrypted\":\""],
        };
        let marks = keys.iter().filter_map(|key| Some(start + text.find(key)? + key.len())).collect();
        Ok(Self { frame, marks, pair })
    }

    /// The frame of message number `seq`.
    pub(crate) fn write(&mut self, seq: u64, intended: u64) -> &[u8] {
        let mut mark = [b'0'; MARK];
        let fields = [(16, intended), (8, self.pair), (12, seq)];
        let mut rest = mark.as_mut_slice();
        for (digits, number) in fields {
            let Some((field, behind)) = rest.split_at_mut_checked(digits) else { break };
            let mut number = number;
            for digit in field.iter_mut().rev() {
                *digit = pick(HEX, number);
                number >>= 4;
            }
            rest = behind;
        }
        for &at in &self.marks {
            if let Some(place) = self.frame.get_mut(at..at + MARK) {
                place.copy_from_slice(&mark);
            }
        }
        &self.frame
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The character that the lowest bits of a number choose.
fn pick<const N: usize>(alphabet: &[u8; N], number: u64) -> u8 {
    usize::try_from(number % N as u64).ok().and_then(|index| alphabet.get(index)).copied().unwrap_or(b'0')
}

/// What a frame of the server is to the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A message with the receiver's copy.
    Received(Mark),
    /// The sender's own: `stored`, or the echo of its copy.
    Acknowledged(Mark),
    /// Something went wrong.
    Error,
    /// `live`: everything that was missed is told.
    Live,
    /// Of no interest.
    Other,
}

static CONTENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""content":""#));
static CLIENT_ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""client_id":""#));

/// Looks for the mark in a frame, without parsing it.
pub(crate) fn scan(frame: &[u8]) -> Seen {
    if frame.starts_with(br#"{"type":"stored""#) {
        return mark_behind(&CLIENT_ID, frame).map_or(Seen::Other, |(mark, _)| Seen::Acknowledged(mark));
    }
    if frame.starts_with(br#"{"type":"error""#) {
        return Seen::Error;
    }
    if frame.starts_with(br#"{"type":"live""#) {
        return Seen::Live;
    }
    match mark_behind(&CONTENT, frame) {
        Some((mark, RECEIVERS)) => Seen::Received(mark),
        Some((mark, SENDERS)) => Seen::Acknowledged(mark),
        _ => Seen::Other,
    }
}

/// The mark at the front of a copy.
pub(crate) fn read(copy: &[u8]) -> Option<Mark> {
    mark_before(copy).map(|(mark, _)| mark)
}

/// The mark behind a key, and the character behind it.
fn mark_behind(key: &Finder<'_>, frame: &[u8]) -> Option<(Mark, u8)> {
    mark_before(frame.get(key.find(frame)? + key.needle().len()..)?)
}

fn mark_before(text: &[u8]) -> Option<(Mark, u8)> {
    let (text, rest) = text.split_at_checked(MARK)?;
    let (intended, text) = text.split_at_checked(16)?;
    let (pair, seq) = text.split_at_checked(8)?;
    Some((Mark { intended: hex(intended)?, pair: hex(pair)?, seq: hex(seq)? }, *rest.first()?))
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, &digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

fn base64(random: &mut Random, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let character = |_| char::from(pick(ALPHABET, random.next()));
    (0..length).map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(frame: &[u8]) -> serde_json::Value {
        let start = frame.iter().position(|&byte| byte == b'{').unwrap();
        serde_json::from_slice(&frame[start..]).unwrap()
    }

    #[test]
    fn copies_have_their_size_and_marks_come_back() {
        for dialect in [Dialect::Legacy, Dialect::V1] {
            let mut frame = MarkedFrame::new(dialect, 3, 9, 344, 1).unwrap();
            let first = json(frame.write(0, 5));
            let frame = json(frame.write(0xabc, 1 << 40));
            let mark = Mark { intended: 1 << 40, pair: 3, seq: 0xabc };
            for (key, seen) in
                [("receiver_encrypted", Seen::Received(mark)), ("sender_encrypted", Seen::Acknowledged(mark))]
            {
                let copy = frame[key].as_str().unwrap();
                assert_eq!(copy.len(), 344);
                assert_ne!(frame[key], first[key]);
                let shown = format!(r#"{{"sender_id":1,"content":"{copy}","message_type":"text"}}"#);
                assert_eq!(scan(shown.as_bytes()), seen);
            }
            if dialect == Dialect::V1 {
                let id = frame["client_id"].as_str().unwrap();
                assert_eq!(mark.to_string(), id);
                assert!(first["client_id"].as_str().unwrap() < id, "it grows");
                let stored = format!(r#"{{"type":"stored","client_id":"{id}","seq":4}}"#);
                assert_eq!(scan(stored.as_bytes()), Seen::Acknowledged(mark));
            }
        }
    }

    #[test]
    fn other_frames() {
        assert_eq!(scan(br#"{"type":"live","cursor":"a:1"}"#), Seen::Live);
        assert_eq!(scan(br#"{"type":"error","code":"blocked"}"#), Seen::Error);
        assert_eq!(scan(br#"{"type":"message","content":"not ours"}"#), Seen::Other);
        assert_eq!(scan(b""), Seen::Other);
    }

    #[test]
    fn the_seed_decides() {
        let frame = |seed| MarkedFrame::new(Dialect::V1, 1, 2, 100, seed).unwrap().frame;
        assert_eq!(frame(7), frame(7));
        assert_ne!(frame(7), frame(8));
        assert!(MarkedFrame::new(Dialect::V1, 1, 2, MIN_BYTES - 1, 1).is_err());
    }
}

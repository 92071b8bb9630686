//! The parts of a fluent.v1 frame that a device needs beside its mark, found without parsing.

use std::sync::LazyLock;

use memchr::memmem::Finder;

static SEQ: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","seq":"#));
static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","id":"#));
static CODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""code":""#));
static RETRY_AFTER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","retry_after_ms":"#));
static CURSOR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","cursor":""#));
static REF: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","ref":""#));
static USER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","user_id":"#));
static PARTNER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","partner_id":"#));
static UP_TO: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","up_to_id":"#));
static READ: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","kind":"read""#));
static DUPLICATE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","duplicate":true"#));

/// Returns the `type`.
pub(crate) fn kind(frame: &[u8]) -> &[u8] {
    let rest = frame.strip_prefix(br#"{"type":""#.as_slice()).unwrap_or_default();
    rest.split(|&byte| byte == b'"').next().unwrap_or_default()
}

/// Returns the `seq` of an event that moves a cursor.
pub(crate) fn event(frame: &[u8]) -> Option<u64> {
    if kind(frame) == b"error" || DUPLICATE.find(frame).is_some() {
        return None;
    }
    number(&SEQ, frame)
}

/// Returns the `code` of an error.
pub(crate) fn code(frame: &[u8]) -> &[u8] {
    let behind = CODE.find(frame).and_then(|at| frame.get(at + CODE.needle().len()..)).unwrap_or_default();
    behind.split(|&byte| byte == b'"').next().unwrap_or_default()
}

/// Returns the milliseconds after which to try again.
pub(crate) fn retry_after_ms(frame: &[u8]) -> Option<u64> {
    number(&RETRY_AFTER, frame)
}

/// Returns the id of a message.
pub(crate) fn id(frame: &[u8]) -> Option<u64> {
    number(&ID, frame)
}

/// A receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Whether read, or only delivered.
    pub(crate) is_read: bool,
    /// Who has received or read.
    pub(crate) user: i64,
    /// Whose messages they are.
    pub(crate) partner: i64,
    /// The id of the newest of them.
    pub(crate) up_to: u64,
    /// The number that was the `ref` of the `read` that it answers.
    pub(crate) reference: Option<u64>,
}

impl Receipt {
    /// Returns the receipt in a frame, if it is one.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        if kind(frame) != b"receipt" {
            return None;
        }
        let user = |key| i64::try_from(number(key, frame)?).ok();
        Some(Self {
            is_read: READ.find(frame).is_some(),
            user: user(&USER)?,
            partner: user(&PARTNER)?,
            up_to: number(&UP_TO, frame)?,
            reference: number(&REF, frame),
        })
    }
}

fn number(key: &Finder<'_>, frame: &[u8]) -> Option<u64> {
    let digits = frame.get(key.find(frame)? + key.needle().len()..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

/// The cursor of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The epoch of the store.
    epoch: String,
    seq: u64,
}

impl Cursor {
    /// Returns the cursor in a frame.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let rest = frame.get(CURSOR.find(frame)? + CURSOR.needle().len()..)?;
        let text = std::str::from_utf8(rest.split(|&byte| byte == b'"').next()?).ok()?;
        let (epoch, seq) = text.split_once(':')?;
        Some(Self { epoch: epoch.to_owned(), seq: seq.parse().ok()? })
    }

    /// Returns the event up to which everything is kept.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Moves on to an event. Returns false when it did not come in its order.
    pub(crate) fn advance(&mut self, seq: u64) -> bool {
        let is_next = seq > self.seq;
        self.seq = self.seq.max(seq);
        is_next
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let message = br#"{"type":"message","seq":814,"id":4712,"conversation_id":4,"content":"Zm9yIDc="}"#;
        assert_eq!((kind(message), event(message), id(message)), (b"message".as_slice(), Some(814), Some(4712)));
        let again = br#"{"type":"stored","client_id":"a","id":4711,"seq":813,"duplicate":true}"#;
        assert_eq!((event(again), id(again)), (None, Some(4711)));
        assert_eq!(event(br#"{"type":"error","code":"conflict","seq":813}"#), None);
        assert_eq!(kind(b"x"), b"");
        let refusal = br#"{"type":"error","code":"unavailable","retryable":true,"retry_after_ms":1000}"#;
        assert_eq!((code(refusal), retry_after_ms(refusal)), (b"unavailable".as_slice(), Some(1000)));
    }

    #[test]
    fn receipts() {
        let receipt = br#"{"type":"receipt","seq":817,"kind":"read","conversation_id":4,"user_id":9,"partner_id":7,"up_to_id":4711,"timestamp":"now","ref":"12"}"#;
        let read = Receipt { is_read: true, user: 9, partner: 7, up_to: 4711, reference: Some(12) };
        assert_eq!((Receipt::of(receipt), event(receipt)), (Some(read), Some(817)));
        let receipt = br#"{"type":"receipt","seq":817,"kind":"delivered","conversation_id":4,"user_id":9,"partner_id":7,"up_to_id":4711,"timestamp":"now"}"#;
        assert_eq!(Receipt::of(receipt), Some(Receipt { is_read: false, reference: None, ..read }));
        assert_eq!(Receipt::of(br#"{"type":"stored","user_id":9,"partner_id":7,"up_to_id":4711}"#), None);
    }

    #[test]
    fn cursors() {
        let mut cursor = Cursor::of(br#"{"type":"live","cursor":"k3f9:815"}"#).unwrap();
        assert_eq!((cursor.to_string(), cursor.seq()), ("k3f9:815".to_owned(), 815));
        assert!(cursor.advance(817) && !cursor.advance(817) && !cursor.advance(816));
        assert_eq!(cursor.seq(), 817);
        assert_eq!(Cursor::of(br#"{"type":"live"}"#), None);
    }
}

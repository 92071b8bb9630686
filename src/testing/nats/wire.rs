//! The protocol between NATS and its clients: lines, and behind some of them a payload
//! (<https://docs.nats.io/reference/reference-protocols/nats-protocol>).

use bytes::{Buf as _, Bytes, BytesMut};

/// Longest line that is read, in bytes: NATS itself allows 4 KiB, and `INFO` may be longer.
const MAX_LINE: usize = 1024 * 1024;
/// Largest payload that is read, in bytes: that of NATS is at most 64 MiB.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;
const LINE_END: &[u8] = b"\r\n";
/// Lines without a payload.
const LINES: [&[u8]; 8] = [b"INFO", b"CONNECT", b"SUB", b"UNSUB", b"PING", b"PONG", b"+OK", b"-ERR"];

/// A message on its way to the server (`PUB`, `HPUB`) or to a client (`MSG`, `HMSG`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsMessage {
    /// The subject.
    pub subject: String,
    /// The headers as they are on the wire; empty when there are none.
    pub headers: Bytes,
    /// What it carries.
    pub payload: Bytes,
}

/// A frame of either direction, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) message: Option<NatsMessage>,
}

/// What arrives is not the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Finds the frames of one direction in bytes that arrive in any pieces.
#[derive(Default)]
pub(super) struct Frames {
    buffer: BytesMut,
}

/// The first line of a message.
struct Head {
    subject: String,
    headers: usize,
    /// The bytes of headers and payload.
    total: usize,
}

impl Frames {
    /// Returns the buffer to which arriving bytes are appended.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Returns the next frame, if all of it is there.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        let Some(end) = self.buffer.windows(LINE_END.len()).position(|pair| pair == LINE_END) else {
            return if self.buffer.len() > MAX_LINE { Err(Malformed) } else { Ok(None) };
        };
        let line = end + LINE_END.len();
        let Some(head) = Head::of(self.buffer.get(..end).ok_or(Malformed)?)? else {
            return Ok(Some(Frame { bytes: self.buffer.split_to(line).freeze(), message: None }));
        };
        let whole = line + head.total + LINE_END.len();
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let bytes = self.buffer.split_to(whole).freeze();
        let mut rest = bytes.slice(line..);
        let headers = rest.split_to(head.headers);
        let payload = rest.split_to(head.total - head.headers);
        if rest.chunk() != LINE_END {
            return Err(Malformed);
        }
        Ok(Some(Frame { bytes, message: Some(NatsMessage { subject: head.subject, headers, payload }) }))
    }
}

impl Head {
    /// Reads a line; `None` when no payload follows.
    fn of(line: &[u8]) -> Result<Option<Self>, Malformed> {
        let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
        let mut words = line.split_ascii_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let rest: Vec<&str> = words.collect();
        // With or without a subject for replies.
        let (has_headers, least) = match verb.as_bytes() {
            b"PUB" => (false, 2),
            b"MSG" => (false, 3),
            b"HPUB" => (true, 3),
            b"HMSG" => (true, 4),
            verb if LINES.contains(&verb) => return Ok(None),
            _ => return Err(Malformed),
        };
        let number = |word: Option<&&str>| word.and_then(|word| word.parse().ok()).filter(|size| *size <= MAX_PAYLOAD);
        let total = number(rest.last()).ok_or(Malformed)?;
        let headers = match rest.len().checked_sub(2) {
            Some(at) if has_headers => number(rest.get(at)).ok_or(Malformed)?,
            _ => 0,
        };
        let is_sound = (least..=least + 1).contains(&rest.len()) && headers <= total;
        let subject = rest.first().filter(|_| is_sound).ok_or(Malformed)?;
        Ok(Some(Self { subject: (*subject).to_owned(), headers, total }))
    }
}

#[cfg(test)]
mod tests;

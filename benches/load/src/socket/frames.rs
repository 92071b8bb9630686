//! Frames of RFC 6455, as far as the server uses them.

use anyhow::{Result, bail};

/// FIN, which every frame here has.
const FIN: u8 = 0x80;
/// The bit in the length of a client's frames.
const MASKED: u8 = 0x80;
/// The lengths that announce a length of 2 and of 8 bytes.
const SHORT: u8 = 0x7e;
const LONG: u8 = 0x7f;
/// The mask of every frame. The server unmasks with it as with any other, and the client need not mask.
const MASK: [u8; 4] = [0; 4];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Text = 1,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A frame at the front of a buffer: the start and end of its payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incoming {
    pub(super) opcode: Opcode,
    pub(super) header: usize,
    pub(super) total: usize,
}

/// Returns a text frame of a client, and the offset of its payload.
pub(crate) fn text_frame(payload: &[u8]) -> (Vec<u8>, usize) {
    let mut frame = vec![FIN | Opcode::Text as u8];
    // The shortest form of the length that suffices, which RFC 6455 requires.
    if let Ok(length @ 0..=125) = u8::try_from(payload.len()) {
        frame.push(MASKED | length);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        frame.push(MASKED | SHORT);
        frame.extend_from_slice(&length.to_be_bytes());
    } else {
        frame.push(MASKED | LONG);
        frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    frame.extend_from_slice(&MASK);
    let start = frame.len();
    frame.extend_from_slice(payload);
    (frame, start)
}

/// Returns a control frame; its payload has at most 125 bytes.
pub(super) fn control_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let payload = payload.get(..125).unwrap_or(payload);
    let mut frame = vec![FIN | opcode as u8, MASKED | u8::try_from(payload.len()).unwrap_or(0)];
    frame.extend_from_slice(&MASK);
    frame.extend_from_slice(payload);
    frame
}

/// Parses the frame at the front of a buffer; `None` when it is incomplete.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Incoming>> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    let (length, header) = match second {
        SHORT | LONG => {
            let size = if second == SHORT { 2 } else { 8 };
            let Some(bytes) = rest.get(..size) else { return Ok(None) };
            (bytes.iter().fold(0, |length, &byte| length << 8 | u64::from(byte)), 2 + size)
        }
        length @ 0..=125 => (u64::from(length), 2),
        _ => bail!("the server sent a masked frame"),
    };
    let opcode = match first {
        0x81 => Opcode::Text,
        0x88 => Opcode::Close,
        0x89 => Opcode::Ping,
        0x8a => Opcode::Pong,
        other => bail!("the server sent a frame that begins with {other:#04x}"),
    };
    let total = header + usize::try_from(length)?;
    Ok((bytes.len() >= total).then_some(Incoming { opcode, header, total }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_forms() {
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; size];
            let (frame, start) = text_frame(&payload);
            assert_eq!(frame.get(start..), Some(payload.as_slice()), "{size}");
            // The same without the mask, as a server sends it.
            let mut reply = frame;
            reply[1] &= !MASKED;
            reply.drain(start - 4..start);
            let whole = Incoming { opcode: Opcode::Text, header: start - 4, total: reply.len() };
            assert_eq!(parse(&reply).unwrap(), Some(whole));
            for cut in [0, 1, 3, reply.len() - 1] {
                if cut < reply.len() {
                    assert_eq!(parse(&reply[..cut]).unwrap(), None, "{size} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_server_reads_what_we_write() {
        use tokio_tungstenite::tungstenite::Message;
        use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

        let (mut bytes, _) = text_frame(b"hello");
        bytes.extend(control_frame(Opcode::Pong, b"p"));
        let mut server = WebSocket::from_raw_socket(std::io::Cursor::new(bytes), Role::Server, None);
        assert_eq!(server.read().unwrap(), Message::text("hello"));
        assert_eq!(server.read().unwrap(), Message::Pong(b"p".as_slice().into()));
    }

    #[test]
    fn what_no_server_sends() {
        assert!(parse(&[0x81, 0x85, 0, 0, 0, 0]).is_err(), "masked");
        assert!(parse(&[0x01, 0x01, b'x']).is_err(), "a fragment");
        assert!(parse(&[0x82, 0x01, b'x']).is_err(), "binary");
    }
}

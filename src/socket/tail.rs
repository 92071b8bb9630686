//! The last bytes that were read from a connection, for the one close code that the library does not know.
//!
//! The registry of close codes has had 1014 (bad gateway) since 2012. tungstenite takes it for a violation, replies
//! with 1002, and does not report which code it was. A close frame is the last thing that a peer sends, so
//! the end of the input holds it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The code that the library does not know.
pub(super) const BAD_GATEWAY: u16 = 1014;
/// Header and mask of a close frame.
const HEAD: usize = 6;
/// The longest close frame (RFC 6455 §5.5).
const LONGEST: usize = HEAD + 125;

/// A connection, and the last bytes that were read from it.
pub(super) struct Tail<S> {
    io: S,
    last: [u8; LONGEST],
}

impl<S> Tail<S> {
    /// A connection from which `read` was read already.
    pub(super) fn new(io: S, read: &[u8]) -> Self {
        let mut tail = Self { io, last: [0; LONGEST] };
        tail.keep(read);
        tail
    }

    /// Keeps the end of what was read.
    fn keep(&mut self, read: &[u8]) {
        match LONGEST.checked_sub(read.len()) {
            Some(kept) => {
                self.last.copy_within(read.len().., 0);
                self.last[kept..].copy_from_slice(read);
            }
            None => self.last.copy_from_slice(&read[read.len() - LONGEST..]),
        }
    }

    /// Returns the reply to the close frame that was read last, if its code is [`BAD_GATEWAY`].
    pub(super) fn reply(&self) -> Option<Vec<u8>> {
        (2..=LONGEST - HEAD).find_map(|length| {
            let frame = &self.last[LONGEST - HEAD - length..];
            let is_close = frame[0] == 0x88 && usize::from(frame[1]) == 0x80 | length;
            let (mask, masked) = frame[2..].split_at(4);
            let payload = || masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
            let is_known = is_close && payload().take(2).eq(BAD_GATEWAY.to_be_bytes());
            is_known.then(|| [0x88, frame[1] & 0x7f].into_iter().chain(payload()).collect())
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tail<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.keep(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tail<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_close_frame_is_found_however_it_came() {
        let reason = "x".repeat(123);
        for reason in ["", "bad gateway", reason.as_str()] {
            let payload = [BAD_GATEWAY.to_be_bytes().as_slice(), reason.as_bytes()].concat();
            let length = u8::try_from(payload.len()).unwrap();
            let masked = payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask);
            let frame: Vec<u8> = [0x88, 0x80 | length, 1, 2, 3, 4].into_iter().chain(masked).collect();
            for pieces in 1..=frame.len() {
                let mut tail = Tail::new((), &[0; 500]);
                frame.chunks(pieces).for_each(|piece| tail.keep(piece));
                let reply = tail.reply().unwrap();
                assert_eq!((reply[0], reply[1], &reply[2..]), (0x88, length, payload.as_slice()));
            }
            assert_eq!(Tail::new((), &[&frame, b"!".as_slice()].concat()).reply(), None);
        }
        assert_eq!(Tail::new((), &[0x88, 0x82, 0, 0, 0, 0, 3, 247]).reply(), None);
    }
}

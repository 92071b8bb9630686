//! A client that never pauses.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::consume_budget;

/// The server's side of a client that reads nothing and writes pings without a pause.
pub(super) struct Flood {
    /// Bytes of the frame in hand that it has written.
    pub(super) written: usize,
}

impl AsyncRead for Flood {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        // As a connection of tokio, which is not always ready, so that others have their turn.
        std::task::ready!(pin!(consume_budget()).poll(cx));
        // Masked with zeros. A frame goes on where the last read has ended: no room is too small.
        let ping = [&[0x81, 0x80 | 15, 0, 0, 0, 0][..], br#"{"type":"ping"}"#].concat();
        while buf.remaining() > 0 {
            let rest = &ping[self.written..];
            let rest = &rest[..rest.len().min(buf.remaining())];
            buf.put_slice(rest);
            self.written = (self.written + rest.len()) % ping.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

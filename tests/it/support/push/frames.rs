//! Counts the pings of a client in what it sends (RFC 9113 §4.1, §6.7): the library answers them and does not tell.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes before the first frame of a client.
const PREFACE: usize = 24;
/// Bytes of a frame's head.
const HEAD: usize = 9;
const PING: u8 = 6;
/// The flag of an answer.
const ACK: u8 = 1;

/// A stream from a client of HTTP/2.
pub(super) struct CountsPings<S> {
    stream: S,
    pings: Arc<AtomicUsize>,
    /// Bytes until the next head.
    skip: usize,
    head: Vec<u8>,
}

impl<S> CountsPings<S> {
    pub(super) fn new(stream: S, pings: Arc<AtomicUsize>) -> Self {
        Self { stream, pings, skip: PREFACE, head: Vec::new() }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            if self.head.len() == HEAD {
                let head = std::mem::take(&mut self.head);
                self.skip = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
                if head[3] == PING && head[4] & ACK == 0 {
                    self.pings.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CountsPings<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let read = buffer.filled()[before..].to_vec();
        this.read(&read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CountsPings<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

//! A WebSocket client that costs little: it shares the cores with the server it measures.
//!
//! It writes prepared frames, all queued ones in one system call, and returns received frames as slices of the read
//! buffer. It understands only what the server sends: single text frames, pings and closes.

mod frames;
mod handshake;

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

pub(crate) use frames::text_frame;
use frames::{Opcode, control_frame, parse};
#[cfg(test)]
pub(crate) use handshake::ACCEPT as TEST_ACCEPT;

/// First size of the read buffer; most sockets are idle.
const SMALL: usize = 1024;
/// Size to which a busy socket's read buffer grows; larger only for a larger frame.
const LARGE: usize = 32 * 1024;

/// The server has closed the socket.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) code: u16,
    reason: String,
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server closed the socket with {} {}", self.code, self.reason)
    }
}

impl std::error::Error for Closed {}

/// An open socket.
pub(crate) struct Socket {
    stream: TcpStream,
    inbox: Box<[u8]>,
    /// The part of the buffer that is not returned yet.
    unread: std::ops::Range<usize>,
    outbox: Vec<u8>,
    written: usize,
}

impl Socket {
    /// Connects and shakes hands on `path` with these further headers.
    pub(crate) async fn open(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        let mut socket = Self { stream, inbox: vec![0; SMALL].into(), unread: 0..0, outbox: Vec::new(), written: 0 };
        socket.outbox = handshake::request(addr, path, headers);
        loop {
            socket.transfer().await.context("the handshake failed")?;
            if let Some(length) = handshake::accepted(socket.unread())? {
                socket.unread.start += length;
                return Ok(socket);
            }
        }
    }

    /// Queues a complete frame; [`transfer`](Self::transfer) writes it.
    pub(crate) fn queue(&mut self, frame: &[u8]) {
        self.outbox.extend_from_slice(frame);
    }

    /// Queues a normal close frame.
    pub(crate) fn queue_close(&mut self) {
        self.queue(&control_frame(Opcode::Close, &1000_u16.to_be_bytes()));
    }

    /// Writes all queued frames, and waits until bytes have arrived. Cancel-safe.
    pub(crate) async fn transfer(&mut self) -> Result<()> {
        std::future::poll_fn(|cx| self.poll_turn(cx)).await
    }

    /// Returns the next complete text frame; `None` when there is none, and [`Closed`] when there is nothing more.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>> {
        loop {
            let Some(frame) = parse(self.unread())? else { return Ok(None) };
            let payload = self.unread.start + frame.header..self.unread.start + frame.total;
            self.unread.start = payload.end;
            let payload = self.inbox.get(payload).unwrap_or_default();
            match frame.opcode {
                Opcode::Text => return Ok(Some(payload)),
                Opcode::Ping => {
                    let pong = control_frame(Opcode::Pong, payload);
                    self.outbox.extend_from_slice(&pong);
                }
                Opcode::Pong => {}
                Opcode::Close => {
                    let (code, reason) = payload.split_at_checked(2).unwrap_or_default();
                    let code = code.iter().fold(0_u16, |code, byte| code << 8 | u16::from(*byte));
                    bail!(Closed { code, reason: String::from_utf8_lossy(reason).into_owned() });
                }
            }
        }
    }

    fn unread(&self) -> &[u8] {
        self.inbox.get(self.unread.clone()).unwrap_or_default()
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while let Some(rest) = self.outbox.get(self.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest)? {
                Poll::Ready(count) => self.written += count,
                Poll::Pending => break,
            }
        }
        if self.written == self.outbox.len() {
            self.outbox.clear();
            self.written = 0;
        }
        self.make_room();
        let Some(room) = self.inbox.get_mut(self.unread.end..) else { return Poll::Ready(Ok(())) };
        let mut buffer = ReadBuf::new(room);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer)? {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(()) => {}
        }
        let count = buffer.filled().len();
        if count == 0 {
            return Poll::Ready(Err(anyhow::anyhow!("the server cut the connection")));
        }
        self.unread.end += count;
        Poll::Ready(Ok(()))
    }

    /// Moves the rest of a frame to the front, and grows when that is not enough.
    fn make_room(&mut self) {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.start > 0 {
            self.inbox.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.inbox.len() || (self.unread.end > 0 && self.inbox.len() < LARGE) {
            let size = (self.inbox.len() * 2).max(LARGE);
            let mut larger = vec![0; size];
            if let Some(front) = larger.get_mut(..self.inbox.len()) {
                front.copy_from_slice(&self.inbox);
            }
            self.inbox = larger.into();
        }
    }
}

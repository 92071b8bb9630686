//! Reading a connection in large pieces for a parser that asks for small ones.
//!
//! The WebSocket library allocates its read buffer at once and for every socket, so that it has to be small. What a
//! busy client sends is read with one system call nevertheless, onto the stack; only what the parser has not asked for
//! yet is kept, on the heap, until it does.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are read at once, and therefore the most that a socket holds unparsed besides one frame: nine
/// messages of 344 bytes a copy.
const PIECE: usize = 8 * 1024;

/// A connection that is read ahead.
pub(super) struct ReadAhead<S> {
    io: S,
    /// Bytes that were read and not asked for yet.
    ahead: Bytes,
}

impl<S> ReadAhead<S> {
    pub(super) fn new(io: S) -> Self {
        Self { io, ahead: Bytes::new() }
    }

    /// Moves what was read ahead into `buf`, as far as it has room.
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let given = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..given]);
        if given == self.ahead.len() {
            // Gives the memory back, which an empty rest would still hold.
            self.ahead = Bytes::new();
        } else {
            self.ahead.advance(given);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            // As a read of the connection does, so that a task that does nothing but read lets others run.
            let step = ready!(tokio::task::coop::poll_proceed(cx));
            self.give(buf);
            step.made_progress();
            return Poll::Ready(Ok(()));
        }
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut piece))?;
        let (now, later) = piece.filled().split_at(piece.filled().len().min(buf.remaining()));
        buf.put_slice(now);
        if !later.is_empty() {
            self.ahead = Bytes::copy_from_slice(later);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    proptest! {
        /// Whatever the parser asks for, and however the bytes arrive, it gets each of them once and in order.
        #[test]
        fn every_byte_is_read_once_and_in_order(
            sent in proptest::collection::vec(any::<u8>(), 0..40_000),
            asked in proptest::collection::vec(1_usize..12_000, 1..20),
            room in 1_usize..20_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(async {
                let (mut client, server) = tokio::io::duplex(room);
                let writing = async {
                    client.write_all(&sent).await.unwrap();
                    drop(client);
                };
                let reading = async {
                    let (mut server, mut read) = (ReadAhead::new(server), Vec::new());
                    for asked in asked.iter().cycle() {
                        let mut bytes = vec![0; *asked];
                        match server.read(&mut bytes).await.unwrap() {
                            0 => break,
                            count => read.extend_from_slice(&bytes[..count]),
                        }
                    }
                    read
                };
                tokio::join!(writing, reading).1
            });
            prop_assert_eq!(read, sent);
        }
    }

    /// Counts how often it is read.
    struct Counting<S>(S, usize);

    impl<S: AsyncRead + Unpin> AsyncRead for Counting<S> {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.1 += 1;
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    #[tokio::test]
    async fn what_is_there_is_read_at_once_and_an_idle_socket_holds_nothing() {
        let mut server = ReadAhead::new(Counting(&[7_u8; 6_600][..], 0));
        let mut bytes = [0; 1_792];
        for _ in 0..4 {
            assert!(server.read(&mut bytes).await.unwrap() > 0);
        }
        assert_eq!((server.io.1, server.ahead.len()), (1, 0), "6,600 bytes in four pieces from one read");
        // As a socket that never had anything: a `Bytes` that is empty by progress would keep its memory.
        assert_eq!(server.ahead.as_ptr(), Bytes::new().as_ptr());
    }
}

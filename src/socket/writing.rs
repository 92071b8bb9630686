//! Writing to a socket, also while its peer only writes.
//!
//! A peer that writes without reading, and a server that writes without reading, wait for each other. As long as a
//! socket is in use, this holds the peer back. When the socket is being closed, input is read and discarded, so that
//! the peer gets to the point where it reads the close frame. Otherwise the connection would be reset: closing a TCP
//! connection with unread input discards what the peer has not read yet.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::closing::SocketEnd;

/// One step of writing.
pub(super) enum Write {
    /// Hands a message over; it is kept until the library has taken it.
    Feed(Option<Message>),
    /// Waits until all is written.
    Flush,
}

/// The treatment of the peer's frames during a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// Frames wait.
    Waits,
    /// Frames are read and discarded.
    IsDiscarded,
    /// The input is no longer made of frames: its bytes are read and discarded.
    IsGarbage,
}

impl Write {
    /// The step that hands this message over.
    pub(super) fn feed(message: Message) -> Self {
        Self::Feed(Some(message))
    }

    /// Continues the step. An unfinished step continues with the next call.
    pub(super) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut WebSocketStream<S>,
        input: Input,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SocketEnd>> {
        match self.poll_alone(socket, cx) {
            Poll::Pending => match input {
                Input::Waits => Poll::Pending,
                Input::IsDiscarded => poll_discard(socket, cx).map(Err),
                Input::IsGarbage => poll_discard_bytes(socket.get_mut(), cx).map(Err),
            },
            Poll::Ready(written) => Poll::Ready(written.map_err(|error| SocketEnd::from(&error))),
        }
    }

    fn poll_alone<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut WebSocketStream<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        match self {
            Self::Feed(message) => {
                ready!(socket.poll_ready_unpin(cx))?;
                Poll::Ready(message.take().map_or(Ok(()), |message| socket.start_send_unpin(message)))
            }
            Self::Flush => socket.poll_flush_unpin(cx),
        }
    }

    /// Runs the step to its end.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        socket: &mut WebSocketStream<S>,
        input: Input,
    ) -> Result<(), SocketEnd> {
        poll_fn(|cx| self.poll(socket, input, cx)).await
    }
}

/// Reads frames and discards them, until the peer closes or is gone. Cancel-safe.
pub(super) async fn discard<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> SocketEnd {
    poll_fn(|cx| poll_discard(socket, cx)).await
}

fn poll_discard<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    cx: &mut Context<'_>,
) -> Poll<SocketEnd> {
    loop {
        return Poll::Ready(match ready!(socket.poll_next_unpin(cx)) {
            Some(Ok(Message::Close(frame))) => SocketEnd::closed_by_peer(frame.as_ref()),
            Some(Ok(_)) => continue,
            Some(Err(error)) => SocketEnd::from(&error),
            None => SocketEnd::Gone,
        });
    }
}

/// Reads bytes and discards them, until the peer is gone. Cancel-safe.
pub(super) async fn discard_bytes(io: &mut (impl AsyncRead + Unpin)) -> SocketEnd {
    poll_fn(|cx| poll_discard_bytes(io, cx)).await
}

fn poll_discard_bytes(io: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<SocketEnd> {
    let mut discarded = [0_u8; 2048];
    loop {
        let mut discarded = ReadBuf::new(&mut discarded);
        match ready!(Pin::new(&mut *io).poll_read(cx, &mut discarded)) {
            Ok(()) if !discarded.filled().is_empty() => {}
            _ => return Poll::Ready(SocketEnd::Gone),
        }
    }
}

//! How a socket ends: why, and the closing handshake (RFC 6455 §7).

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

use crate::actors::CloseReason;

/// Longest time for the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes that are still read from a peer that is being closed for its frame, so that it gets to see the close frame.
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// RFC 6455 §7.1.5: the connection ended without a close frame.
const ABNORMAL: u16 = 1006;

/// Why a pump stopped.
pub(super) enum End {
    /// The server closes the socket.
    Server(CloseReason),
    /// The peer broke the protocol and is told so.
    Violation(CloseCode, &'static str),
    /// The peer closed the socket.
    Peer(u16),
    /// The connection is gone.
    Gone,
}

impl From<&Error> for End {
    fn from(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::Violation(CloseCode::Size, "frame too large"),
            Error::Utf8(_) => Self::Violation(CloseCode::Invalid, "text is not UTF-8"),
            // The connection's own deadline: nothing could be written for too long.
            Error::Io(error) if error.kind() == ErrorKind::TimedOut => Self::Server(CloseReason::SlowReader),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::Violation(CloseCode::Protocol, "protocol error"),
            _ => Self::Gone,
        }
    }
}

/// The closing handshake, as far as the peer takes part in it. Answers the close code, or 1006 when there was none.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, end: End) -> u16 {
    let (code, reason, violated) = match end {
        End::Gone => return ABNORMAL,
        End::Peer(code) => {
            // Flushes the answer that the library has queued, and waits for the peer to go.
            let _ = timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = socket.next().await {} }).await;
            return code;
        }
        End::Server(reason) => {
            let (code, text) = reason.code_and_text();
            (CloseCode::from(code), text, false)
        }
        End::Violation(code, text) => (code, text, true),
    };
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let closing = async {
        socket.close(Some(frame)).await?;
        if violated {
            // What follows is the rest of something that cannot be parsed.
            linger(socket.get_mut()).await;
        } else {
            while let Some(Ok(_)) = socket.next().await {}
        }
        Ok::<(), Error>(())
    };
    // Whether the peer answers in time or not, the connection ends here.
    let _ = timeout(CLOSE_TIMEOUT, closing).await;
    code.into()
}

/// Reads and forgets: closing a TCP connection with unread input resets it, and the close frame would be lost.
async fn linger(io: &mut (impl AsyncRead + Unpin)) {
    let mut scratch = [0_u8; 2048];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match io.read(&mut scratch).await {
            Ok(0) | Err(_) => return,
            Ok(n) => left = left.saturating_sub(n),
        }
    }
}

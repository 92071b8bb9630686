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

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::actors::LoginEnd;

    /// What a client that reads on gets to see of an end.
    async fn seen(end: End) -> (u16, String) {
        // As little as a kernel that is full lets through at a time.
        let (server, client) = tokio::io::duplex(8);
        let mut server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        let reading = async {
            match client.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    while let Some(Ok(_)) = client.next().await {}
                    (u16::from(frame.code), frame.reason.to_string())
                }
                other => panic!("no close frame, but {other:?}"),
            }
        };
        let closing = async move { close(&mut server, end).await };
        let (told, seen) = tokio::join!(closing, reading);
        assert_eq!(told, seen.0, "what is counted and logged");
        seen
    }

    #[tokio::test]
    async fn each_end_is_told_with_its_code() {
        let cases = [
            (CloseReason::SlowReader, 1013, "reading too slowly"),
            (CloseReason::Fault, 1011, "server fault"),
            (CloseReason::Restart, 1012, "restart"),
            (CloseReason::NoPong, 1001, "no pong"),
            (CloseReason::Policy, 1008, "too many bad frames"),
            (CloseReason::TooMany, 4002, "too many sockets"),
            (CloseReason::Replaced, 4003, "replaced by the same device"),
            (CloseReason::LoginEnded(LoginEnd::Logout), 4001, "logout"),
            (CloseReason::LoginEnded(LoginEnd::Revoked), 4001, "revoked"),
            (CloseReason::LoginEnded(LoginEnd::Password), 4001, "password"),
            (CloseReason::LoginEnded(LoginEnd::Deleted), 4001, "deleted"),
        ];
        for (reason, code, text) in cases {
            assert_eq!(seen(End::Server(reason)).await, (code, text.to_owned()));
        }
    }

    /// For thirty seconds nothing could be written.
    #[tokio::test]
    async fn a_write_that_takes_too_long_ends_with_1013() {
        let timed_out = Error::Io(ErrorKind::TimedOut.into());
        assert_eq!(seen(End::from(&timed_out)).await, (1013, "reading too slowly".to_owned()));
    }
}

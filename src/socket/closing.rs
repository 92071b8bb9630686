//! The end of a socket: its reason, and the closing handshake (RFC 6455 §7).

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::tail::{BAD_GATEWAY, Tail};
use super::writing::{Input, Write, discard_bytes};
use crate::protocol::CloseReason;

/// Longest time for the closing handshake. A peer that is busy writing needs it to get to the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// RFC 6455 §7.1.5: the connection ended without a close frame.
const ABNORMAL: u16 = 1006;
/// RFC 6455 §7.1.5: the close frame had no code.
const NO_CODE: u16 = 1005;

/// The reason why a pump has stopped.
pub(super) enum SocketEnd {
    /// The server closes the socket.
    Server(CloseReason),
    /// The peer broke the protocol, and the close frame says how.
    Violation(CloseCode, &'static str),
    /// The peer closed the socket.
    Peer(u16),
    /// The peer closed the socket with a code that the library refuses; the bytes are the close frame in reply.
    Gateway(Vec<u8>),
    /// The connection is gone.
    Gone,
}

impl SocketEnd {
    /// Returns the end by this close frame of the peer; one without a code counts as 1005.
    pub(super) fn closed_by_peer(frame: Option<&CloseFrame>) -> Self {
        Self::Peer(frame.map_or(NO_CODE, |frame| frame.code.into()))
    }

    /// Returns the end by this close frame of the peer, which was just read from `io`.
    pub(super) fn replying<S>(frame: Option<&CloseFrame>, io: &Tail<S>) -> Self {
        let is_refused = frame.is_some_and(|frame| frame.code == CloseCode::Protocol);
        let reply = if is_refused { io.reply() } else { None };
        reply.map_or_else(|| Self::closed_by_peer(frame), Self::Gateway)
    }
}

impl From<&Error> for SocketEnd {
    fn from(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::Violation(CloseCode::Size, "frame too large"),
            Error::Utf8(_) => Self::Violation(CloseCode::Invalid, "text is not UTF-8"),
            // The write deadline of the connection: nothing could be written for too long.
            Error::Io(error) if error.kind() == ErrorKind::TimedOut => Self::Server(CloseReason::SlowReader),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Protocol(_) => Self::Violation(CloseCode::Protocol, "protocol error"),
            _ => Self::Gone,
        }
    }
}

/// Runs the closing handshake, as far as the peer takes part in it. Returns the close code, or 1006 when there was
/// none.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, end: SocketEnd) -> u16 {
    let (code, reason, input) = match end {
        SocketEnd::Gone => return ABNORMAL,
        SocketEnd::Peer(code) => {
            // Flushes the reply that the library has queued, and waits for the peer to go.
            let _ = timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = socket.next().await {} }).await;
            return code;
        }
        SocketEnd::Gateway(reply) => {
            let io = socket.get_mut();
            let closing = async {
                io.write_all(&reply).await?;
                io.shutdown().await?;
                discard_bytes(io).await;
                Ok::<(), std::io::Error>(())
            };
            let _ = timeout(CLOSE_TIMEOUT, closing).await;
            return BAD_GATEWAY;
        }
        SocketEnd::Server(reason) => {
            let (code, text) = reason.code_and_text();
            (CloseCode::from(code), text, Input::IsDiscarded)
        }
        // What follows is the rest of something that cannot be parsed.
        SocketEnd::Violation(code, text) => (code, text, Input::IsGarbage),
    };
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let closing = async {
        let mut written = Write::feed(Message::Close(Some(frame))).run(socket, input).await;
        if written.is_ok() {
            written = Write::Flush.run(socket, input).await;
        }
        if written.is_ok() && input == Input::IsGarbage {
            discard_bytes(socket.get_mut()).await;
        }
        // The peer's close frame, or the reply to it when it came first.
        while let Some(Ok(_)) = socket.next().await {}
    };
    // The connection ends here, whether the peer replies in time or not.
    let _ = timeout(CLOSE_TIMEOUT, closing).await;
    code.into()
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::domain::LoginEnd;

    /// What a client that reads on gets to see of an end.
    async fn seen(end: SocketEnd) -> (u16, String) {
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
        let (code, seen) = tokio::join!(closing, reading);
        assert_eq!(code, seen.0, "what is counted and logged");
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
            assert_eq!(seen(SocketEnd::Server(reason)).await, (code, text.to_owned()));
        }
    }

    /// For thirty seconds nothing could be written.
    #[tokio::test]
    async fn a_write_that_takes_too_long_ends_with_1013() {
        let timed_out = Error::Io(ErrorKind::TimedOut.into());
        assert_eq!(seen(SocketEnd::from(&timed_out)).await, (1013, "reading too slowly".to_owned()));
    }
}

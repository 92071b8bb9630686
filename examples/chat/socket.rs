//! The socket: text frames in both directions, and a watch over the connection below.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use secrecy::SecretString;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::http::{CallError, Http, bearer};
use crate::tls::Connection;

/// Longest time to connect and shake hands.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time to hand a frame to the network.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between pings; after two in silence the connection is taken for dead.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Largest frame that is taken.
const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<Connection>,
    ping: Interval,
    heard: bool,
}

/// Why a socket is of no more use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    /// The server has closed it.
    #[error("the server has closed the connection: {code} {reason}")]
    ByServer {
        /// RFC 6455 §7.4.
        code: CloseCode,
        /// Why, for people.
        reason: Utf8Bytes,
    },
    /// The connection broke.
    #[error("the connection is lost: {0}")]
    Lost(String),
}

impl Closed {
    /// Whether it helps to open a new one. For any other code the next socket would end the same way.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::ByServer { code, .. } => {
                matches!(code, CloseCode::Away | CloseCode::Error | CloseCode::Restart | CloseCode::Again)
            }
            Self::Lost(_) => true,
        }
    }
}

impl From<Error> for Closed {
    fn from(error: Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl Socket {
    /// Connects and shakes hands, offering a subprotocol. From then on the server sends every message of the user here.
    pub(crate) async fn open(
        http: &Http,
        path: &str,
        subprotocol: Option<&'static str>,
        token: &SecretString,
    ) -> Result<Self, CallError> {
        let url = http.server().socket_url(path);
        let mut request = url.into_client_request().map_err(|error| CallError::BadRequest(error.into()))?;
        if let Some(name) = subprotocol {
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
        }
        request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        let config =
            WebSocketConfig::default().max_frame_size(Some(MAX_FRAME_BYTES)).max_message_size(Some(MAX_FRAME_BYTES));
        let opening = async {
            let connection = http.connect().await?;
            client_async_with_config(request, connection, Some(config)).await.map_err(refusal)
        };
        let (stream, _) = timeout(OPEN_TIMEOUT, opening).await.map_err(CallError::unreachable)??;
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { stream, ping, heard: true })
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, text: String) -> Result<(), Closed> {
        self.write(Message::text(text)).await
    }

    /// The next text frame. Nothing is lost when this is cancelled.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes, Closed> {
        loop {
            tokio::select! {
                message = self.stream.next() => {
                    self.heard = true;
                    match message {
                        Some(Ok(Message::Text(text))) => return Ok(text),
                        Some(Ok(Message::Close(frame))) => return Err(closed_by_server(frame)),
                        // A ping is answered by the library, with the next read.
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(error.into()),
                        None => return Err(Closed::Lost("end of stream".to_owned())),
                    }
                }
                _ = self.ping.tick() => {
                    if !std::mem::take(&mut self.heard) {
                        return Err(Closed::Lost("the server is silent".to_owned()));
                    }
                    self.write(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    /// The closing handshake with code 1000, or its rest when the server has begun it.
    pub(crate) async fn close(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static("") };
        let closing = async {
            self.stream.close(Some(frame)).await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), Error>(())
        };
        // Answered or not, the connection ends here.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }

    async fn write(&mut self, message: Message) -> Result<(), Closed> {
        match timeout(SEND_TIMEOUT, self.stream.send(message)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Closed::Lost("the server does not read".to_owned())),
        }
    }
}

fn closed_by_server(frame: Option<CloseFrame>) -> Closed {
    let (code, reason) = frame.map_or((CloseCode::Status, Utf8Bytes::default()), |frame| (frame.code, frame.reason));
    Closed::ByServer { code, reason }
}

/// What a failed handshake means.
fn refusal(error: Error) -> CallError {
    match error {
        Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            CallError::refused(response.status(), response.headers(), body)
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(error)) => CallError::WrongDialect(error.into()),
        other => CallError::unreachable(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passing_troubles_are_worth_another_socket() {
        let transient = |code: u16| Closed::ByServer { code: code.into(), reason: Utf8Bytes::default() }.is_transient();
        for code in [1001, 1011, 1012, 1013] {
            assert!(transient(code), "{code}");
        }
        for code in [1000, 1005, 1008, 1009, 4001, 4002] {
            assert!(!transient(code), "{code}");
        }
    }
}

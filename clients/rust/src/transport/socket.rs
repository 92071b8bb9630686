//! A WebSocket that detects dead connections.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::error::{Closed, OpenError};
use crate::cursor::Cursor;

/// The subprotocol.
const DIALECT: &str = "fluent.v1";
/// Longest time to hand a frame to the network.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between pings; after two without any traffic the connection counts as dead.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Largest frame that is accepted.
const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// The parameters of a handshake.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The URL of the socket, such as `wss://chat.example.org/chat/ws`, without a query.
    pub url: &'a str,
    /// The access token.
    pub token: &'a str,
    /// The name of this device, `[A-Za-z0-9_-]{1,64}`.
    pub device_id: &'a str,
    /// The cursor behind which the socket resumes.
    pub since: Option<&'a Cursor>,
}

/// An open socket over the stream `S`.
pub struct Socket<S> {
    stream: WebSocketStream<S>,
    ping: Interval,
    heard: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Shakes hands as `fluent.v1` over a connected stream. The caller must set a time limit, of at least 10 s, since a
    /// busy server makes clients wait for their turn.
    pub async fn open(stream: S, opening: Opening<'_>) -> Result<Self, OpenError> {
        let Opening { url, token, device_id, since } = opening;
        let since = since.map(|since| format!("&since={}", escape(&since.to_string()))).unwrap_or_default();
        let url = format!("{url}?device_id={}{since}", escape(device_id));
        Self::handshake(stream, &url, Some(DIALECT), token).await
    }

    /// Shakes hands at `url`, offering a subprotocol or none, which is the older dialect.
    pub async fn handshake(
        stream: S,
        url: &str,
        subprotocol: Option<&'static str>,
        token: &str,
    ) -> Result<Self, OpenError> {
        let mut request = url.into_client_request().map_err(OpenError::bad_request)?;
        if let Some(name) = subprotocol {
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(OpenError::bad_request)?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let config =
            WebSocketConfig::default().max_frame_size(Some(MAX_FRAME_BYTES)).max_message_size(Some(MAX_FRAME_BYTES));
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await?;
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { stream, ping, heard: true })
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: String) -> Result<(), Closed> {
        self.write(Message::text(text)).await
    }

    /// Returns the next text frame. Cancel-safe.
    pub async fn next(&mut self) -> Result<Utf8Bytes, Closed> {
        loop {
            tokio::select! {
                message = self.stream.next() => {
                    self.heard = true;
                    match message {
                        Some(Ok(Message::Text(text))) => return Ok(text),
                        Some(Ok(Message::Close(frame))) => return Err(closed_by_server(frame)),
                        // The library replies to a ping with the next read.
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

    /// Performs the closing handshake with code 1000, or its rest when the server has begun it.
    pub async fn close(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static("") };
        let closing = async {
            self.stream.close(Some(frame)).await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), Error>(())
        };
        // With or without a reply, the connection ends here.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }

    async fn write(&mut self, message: Message) -> Result<(), Closed> {
        match timeout(SEND_TIMEOUT, self.stream.send(message)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Closed::Lost("the server does not read".to_owned())),
        }
    }
}

/// Returns `text` encoded as the value of a query parameter.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escaped =
        text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    escaped.collect()
}

/// Returns the end of a socket for a close frame. The library reports an empty close frame as "no status".
fn closed_by_server(frame: Option<CloseFrame>) -> Closed {
    let frame = frame.filter(|frame| frame.code != CloseCode::Status);
    let (code, reason) =
        frame.map_or((None, String::new()), |frame| (Some(frame.code.into()), frame.reason.to_string()));
    Closed::ByServer { code, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parameters_are_escaped() {
        assert_eq!(escape("k3f9:812"), "k3f9%3A812");
        assert_eq!(escape("a-b_c.d~ é"), "a-b_c.d~%20%C3%A9");
    }
}

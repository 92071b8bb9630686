//! One socket: one task that reads and writes.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::hub::Hub;
use super::wire;
use crate::marked_frame::Dialect;

/// The server's buffer sizes.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 8 * 1024;

/// Serves a connection to its end. Any error ends it, which the tool notices.
pub(super) async fn serve(stream: TcpStream, hub: Arc<Hub>) {
    let _ = stream.set_nodelay(true);
    let _ = Box::pin(relay(stream, &hub)).await;
}

async fn relay(stream: TcpStream, hub: &Hub) -> Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
    let (mut user, mut dialect) = (None, Dialect::Legacy);
    #[expect(clippy::result_large_err, reason = "the library's type")]
    let read = |request: &Request, mut response: Response| {
        user = who(request);
        if request.headers().contains_key(SEC_WEBSOCKET_PROTOCOL) {
            dialect = Dialect::V1;
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("fluent.v1"));
        }
        Ok(response)
    };
    let mut frames = accept_hdr_async_with_config(stream, read, Some(config)).await?;
    let user = user.context("no user is named")?;
    let (socket, mut queue) = hub.join(user);
    let _joined = Joined { hub, user, socket };
    if dialect == Dialect::V1 {
        for greeting in wire::greetings(user)? {
            frames.send(Frame::text(greeting)).await?;
        }
    }
    loop {
        tokio::select! {
            Some(message) = queue.recv() => {
                let mut next = Some(message);
                while let Some(message) = next {
                    frames.feed(Frame::text(wire::encode(dialect, &message, user, socket)?)).await?;
                    next = queue.try_recv().ok();
                }
                frames.flush().await?;
            }
            frame = frames.next() => match frame.context("gone")?? {
                Frame::Text(text) => hub.submit(wire::decode(dialect, &text, user, socket)?).await,
                Frame::Close(_) => return Ok(()),
                _ => {}
            },
        }
    }
}

/// Returns the user that the token names, without verifying it.
fn who(request: &Request) -> Option<i32> {
    #[derive(Deserialize)]
    struct Claims {
        user_id: i32,
    }
    let token = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.user_id)
}

/// A socket in the hub, which leaves on drop.
struct Joined<'a> {
    hub: &'a Hub,
    user: i32,
    socket: u64,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.hub.leave(self.user, self.socket);
    }
}

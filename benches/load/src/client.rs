//! Connections of clients of either dialect.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::timeout;

use crate::marked_frame::{Dialect, Seen, scan};
use crate::socket::Socket;

/// Sockets that are opened at once.
pub(crate) const OPENING: usize = 64;
/// Longest wait until a socket is open and has sent all missed events.
const OPEN: Duration = Duration::from_mins(1);

/// Opens a socket; `query` is the part behind `?`. A v1 socket is live when this returns.
pub(crate) async fn connect(addr: SocketAddr, token: &str, dialect: Dialect, query: &str) -> Result<Socket> {
    let opening = async {
        let mut socket = open(addr, token, dialect, query).await?;
        while dialect == Dialect::V1 && !is_live(&mut socket)? {
            socket.transfer().await?;
        }
        anyhow::Ok(socket)
    };
    timeout(OPEN, opening).await.context("a socket did not open in time")?
}

/// Opens a socket without reading from it.
pub(crate) async fn open(addr: SocketAddr, token: &str, dialect: Dialect, query: &str) -> Result<Socket> {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    if dialect == Dialect::V1 {
        headers.push(("Sec-WebSocket-Protocol", "fluent.v1"));
    }
    let path = if query.is_empty() { "/chat/ws".to_owned() } else { format!("/chat/ws?{query}") };
    Socket::open(addr, &path, &headers).await
}

/// Returns whether `live` is among the frames that have arrived.
fn is_live(socket: &mut Socket) -> Result<bool> {
    while let Some(frame) = socket.next()? {
        if scan(frame) == Seen::Live {
            return Ok(true);
        }
    }
    Ok(false)
}

//! A socket that is tried: its handshake, and the few frames that come on it (RFC 6455 §5).

use std::time::Duration;

use http::StatusCode;
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{Client, Upgraded};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use url::Url;

use crate::cli::one_line;

/// Longest wait for the first frame, which the server sends at once, and for a ping after its time.
const PATIENCE: Duration = Duration::from_secs(8);
/// The sample nonce of RFC 6455 §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// A pong without contents, masked with zeros.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// Why a socket could not be tried.
pub(super) enum ProbeError {
    /// The code is not known there.
    Elsewhere(StatusCode),
    /// It is open, and nothing arrives.
    HeldBack,
    /// Another reason, for people.
    Failed(String),
}

/// An open socket that is tried.
pub(super) struct Probed {
    /// The address that the server takes for the client's.
    pub(super) address: Option<String>,
    /// After so many seconds the server pings.
    pub(super) ping_s: u64,
    /// `None` in a test of what is made of the rest.
    stream: Option<Upgraded>,
}

/// Opens a socket, perhaps with an address that is not the client's in what proxies say about it.
pub(super) async fn handshake(
    client: &Client,
    url: &Url,
    code: &str,
    forged: Option<&str>,
) -> Result<Probed, ProbeError> {
    let failed = |error: reqwest::Error| ProbeError::Failed(one_line(&error.without_url().into()));
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("probe", code);
    let mut request = client
        .get(url)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, KEY);
    if let Some(address) = forged {
        request = request.header("x-forwarded-for", address).header("forwarded", format!("for={address}"));
    }
    let response = request.send().await.map_err(failed)?;
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        status @ (StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) => return Err(ProbeError::Elsewhere(status)),
        status => return Err(ProbeError::Failed(format!("a handshake that is tried is answered {status}"))),
    }
    let stream = response.upgrade().await.map_err(failed)?;
    let mut probed = Probed { address: None, ping_s: 0, stream: Some(stream) };
    let Ok(Some((TEXT, said))) = timeout(PATIENCE, probed.frame()).await else { return Err(ProbeError::HeldBack) };
    let said: Value = serde_json::from_slice(&said).map_err(|_| ProbeError::HeldBack)?;
    probed.address = said["address"].as_str().map(ToOwned::to_owned);
    probed.ping_s = said["ping_s"].as_u64().unwrap_or_default();
    Ok(probed)
}

impl Probed {
    /// Waits for the next ping, and answers it. Returns whether it came.
    pub(super) async fn hears_ping(&mut self) -> bool {
        let longest = Duration::from_secs(self.ping_s).saturating_add(PATIENCE);
        let heard = async {
            loop {
                match self.frame().await {
                    Some((PING, _)) => return self.answer().await,
                    Some((CLOSE, _)) | None => return false,
                    Some(_) => {}
                }
            }
        };
        timeout(longest, heard).await.unwrap_or(false)
    }

    async fn answer(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        stream.write_all(&PONG).await.is_ok() && stream.flush().await.is_ok()
    }

    /// Reads a frame: its kind and its contents. `None` when the socket has ended.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let stream = self.stream.as_mut()?;
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.ok()?;
        let length = match head[1] & 0x7f {
            // What a server says here is short.
            127 => return None,
            126 => usize::from(stream.read_u16().await.ok()?),
            short => usize::from(short),
        };
        let mut contents = vec![0; length];
        stream.read_exact(&mut contents).await.ok()?;
        Some((head[0] & 0x0f, contents))
    }

    /// What the server has seen, without a socket.
    #[cfg(test)]
    pub(super) fn seen(address: Option<&str>) -> Self {
        Self { address: address.map(str::to_owned), ping_s: 25, stream: None }
    }
}

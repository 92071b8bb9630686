//! The opening handshake, client side.

use std::net::SocketAddr;

use anyhow::{Result, bail};

/// The key of RFC 6455 §1.3 and the accept value for it. It need not be secret, so nothing has to be hashed.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Longest head of a response, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Returns the request of the handshake.
pub(super) fn request(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    for (name, value) in headers {
        head.extend([*name, ": ", *value, "\r\n"]);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Returns the length of the response's head; `None` when it is incomplete, and an error when it refuses.
pub(super) fn accepted(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = memchr::memmem::find(answer, b"\r\n\r\n") else {
        if answer.len() > MAX_HEAD {
            bail!("the answer to the handshake does not end");
        }
        return Ok(None);
    };
    let text = String::from_utf8_lossy(answer);
    let head = text.get(..end).unwrap_or_default();
    if !head.starts_with("HTTP/1.1 101 ") || !head.contains(ACCEPT) {
        bail!("the server refused the socket: {}", text.replace("\r\n", " "));
    }
    Ok(Some(end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let yes = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n");
        assert_eq!(accepted(yes.as_bytes()).unwrap(), Some(yes.len()));
        assert_eq!(accepted(&yes.as_bytes()[..yes.len() - 1]).unwrap(), None);
        assert_eq!(accepted(format!("{yes}\u{1}x").as_bytes()).unwrap(), Some(yes.len()), "a frame behind it");
        assert!(accepted(b"HTTP/1.1 401 Unauthorized\r\n\r\n").is_err());
    }
}

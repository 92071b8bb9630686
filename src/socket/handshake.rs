//! The opening handshake (RFC 6455 §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::protocol::v1::SUBPROTOCOL;

/// The reason why a request of an authenticated user does not open a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Not a WebSocket handshake of version 13.
    #[error("this is a WebSocket endpoint: upgrade with version 13")]
    NotAnUpgrade,
    /// The key is not 16 bytes in base64.
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    BadKey,
    /// Subprotocols were offered and none is known.
    #[error("none of the offered subprotocols is supported; offer fluent.v1, or none for the legacy dialect")]
    UnsupportedSubprotocol,
}

/// A valid handshake.
#[derive(Clone, Debug)]
pub struct Handshake {
    accept: HeaderValue,
    is_v1: bool,
}

impl Handshake {
    /// Checks the request's head. Fails when it is no handshake of a dialect that the server speaks.
    pub fn read<B>(request: &Request<B>) -> Result<Self, HandshakeError> {
        let headers = request.headers();
        let is_upgrade = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && has_token(headers, &CONNECTION, "upgrade")
            && has_token(headers, &UPGRADE, "websocket")
            && only(headers, &SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
        if !is_upgrade {
            return Err(HandshakeError::NotAnUpgrade);
        }
        let key = only(headers, &SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16) {
            return Err(HandshakeError::BadKey);
        }
        let is_v1 = has_subprotocol(headers, SUBPROTOCOL);
        if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) && !is_v1 {
            return Err(HandshakeError::UnsupportedSubprotocol);
        }
        // Base64 is a valid header value.
        let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| HandshakeError::BadKey)?;
        Ok(Self { accept, is_v1 })
    }

    /// Returns whether the client speaks `fluent.v1`.
    #[must_use]
    pub fn is_v1(&self) -> bool {
        self.is_v1
    }

    /// Returns the response that switches protocols.
    #[must_use]
    pub fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if self.is_v1 {
            // Only this one: another one may be a token.
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        response
    }
}

/// Returns whether a subprotocol is offered; their names are compared exactly (RFC 6455 §4.1).
fn has_subprotocol(headers: &HeaderMap, name: &str) -> bool {
    subprotocols(headers).any(|offered| offered == name)
}

/// Returns the subprotocols that are offered.
pub(super) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Returns the value of a header; `None` when it is missing or given twice.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

/// Returns whether a comma-separated header holds `token`, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> http::request::Builder {
        Request::get("/chat/ws")
            .header("Connection", "keep-alive, Upgrade")
            .header("Upgrade", "WebSocket")
            .header("Sec-WebSocket-Version", "13")
    }

    #[test]
    fn the_example_of_the_rfc() {
        let request = request().header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").body(()).unwrap();
        let response = Handshake::read(&request).unwrap().response();
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn others_are_refused() {
        let error = |request: http::request::Builder| Handshake::read(&request.body(()).unwrap()).unwrap_err();
        assert_eq!(error(Request::get("/chat/ws")), HandshakeError::NotAnUpgrade);
        assert_eq!(error(request().method("POST")), HandshakeError::NotAnUpgrade);
        assert_eq!(error(request()), HandshakeError::BadKey);
        assert_eq!(error(request().header("Sec-WebSocket-Key", "short")), HandshakeError::BadKey);
        let offered =
            request().header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").header("Sec-WebSocket-Protocol", "x");
        assert_eq!(error(offered), HandshakeError::UnsupportedSubprotocol);
    }

    #[test]
    fn of_several_subprotocols_only_the_known_one_is_echoed() {
        let offered = request()
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", "bearer.secret , fluent.v1");
        let handshake = Handshake::read(&offered.body(()).unwrap()).unwrap();
        assert!(handshake.is_v1());
        assert_eq!(handshake.response().headers()["sec-websocket-protocol"], "fluent.v1");
    }
}

//! Addresses of servers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

/// The address of a server: `https://host`, or `http://host:port` where nothing needs to be secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// A text that is no address of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidServer {
    /// It cannot be read as a URL.
    #[error("not a URL")]
    NoUrl,
    /// It has another scheme.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// It has a path or a query.
    #[error("must have no path")]
    Path,
    /// It has no host.
    #[error("must name a host")]
    NoHost,
}

impl Server {
    /// Returns the host and the port, as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns the host, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns whether connections are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Returns whether traffic to the server leaves this machine in clear text.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let host = self.host();
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        !self.is_encrypted() && !is_here
    }

    /// Returns the URL of a path on the server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Returns the URL of a socket on the server.
    #[must_use]
    pub fn socket_url(&self, path: &str) -> String {
        let scheme = if self.is_encrypted() { "wss" } else { "ws" };
        format!("{scheme}://{}{path}", self.address())
    }
}

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let uri: Uri = text.parse().map_err(|_| InvalidServer::NoUrl)?;
        let (scheme, default_port) = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => (Scheme::HTTP, 80),
            Some(scheme) if *scheme == Scheme::HTTPS => (Scheme::HTTPS, 443),
            _ => return Err(InvalidServer::Scheme),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(InvalidServer::Path);
        }
        let host = uri.host().ok_or(InvalidServer::NoHost)?.to_owned();
        Ok(Self { scheme, host, port: uri.port_u16().unwrap_or(default_port) })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.scheme, self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_origins() {
        let parse = |text: &str| text.parse::<Server>();
        for (text, address) in [
            ("http://127.0.0.1:8000", "127.0.0.1:8000"),
            ("http://chat.example/", "chat.example:80"),
            ("http://[::1]:8000", "[::1]:8000"),
            ("https://chat.example", "chat.example:443"),
        ] {
            assert_eq!(parse(text).unwrap().address(), address, "{text}");
        }
        let server = parse("https://chat.example:8443").unwrap();
        assert_eq!(server.url("/root"), "https://chat.example:8443/root");
        assert_eq!(server.socket_url("/chat/ws"), "wss://chat.example:8443/chat/ws");
        assert_eq!(parse("http://[::1]:8000").unwrap().socket_url("/"), "ws://[::1]:8000/");
        assert_eq!(parse("http://[::1]:8000").unwrap().host(), "::1");
        for bad in ["", "chat.example", "127.0.0.1:8000", "ftp://chat.example", "http://chat.example/api"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("http://chat.example?query"), Err(InvalidServer::Path));
    }

    #[test]
    fn only_clear_text_that_leaves_this_machine_is_exposed() {
        let exposed = |text: &str| text.parse::<Server>().unwrap().is_exposed();
        for own in ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000", "https://chat.example"] {
            assert!(!exposed(own), "{own}");
        }
        assert!(exposed("http://chat.example") && exposed("http://192.0.2.1:8000"));
    }
}

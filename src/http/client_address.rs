//! The address that limits count by: the connection's, or the one that a proxy has put into a header.
//!
//! The header is believed when the connection comes from this machine or a private network, where a proxy stands. The
//! server speaks no TLS, so a connection from the internet comes from a client itself, which could put anything there.
//! The last entry of the header counts, which the proxy has written; what a client has put before it does not.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use crate::config;
use crate::domain::ClientAddress;
use crate::telemetry::Seldom;

/// The time between two log lines about the same fault.
const LOG_INTERVAL: Duration = Duration::from_hours(1);

/// The rule by which the addresses of clients are found.
pub struct ClientAddresses {
    /// The header that names the address; `None` means that the connection's address counts.
    header: Option<HeaderName>,
    missing: Seldom,
    unreadable: Seldom,
    untrusted: Seldom,
}

impl ClientAddresses {
    /// The rule of `limits.client_ip_header`.
    #[must_use]
    pub fn new(config: &config::Limits) -> Self {
        let line = || Seldom::new(LOG_INTERVAL);
        // The empty text is no name of a header; the configuration lets no other through that is none.
        let header = HeaderName::try_from(&config.client_ip_header).ok();
        Self { header, missing: line(), unreadable: line(), untrusted: line() }
    }

    /// Returns the address of the client that has sent these headers over a connection from `peer`.
    pub(super) fn of(&self, headers: &HeaderMap, peer: SocketAddr) -> ClientAddress {
        let peer = peer.ip().to_canonical();
        self.in_header(headers, peer).unwrap_or(peer).into()
    }

    fn in_header(&self, headers: &HeaderMap, peer: IpAddr) -> Option<IpAddr> {
        let name = self.header.as_ref()?;
        let Some(value) = headers.get_all(name).iter().next_back() else {
            if self.missing.is_due() {
                tracing::warn!(
                    header = %name,
                    "a request lacks the header of limits.client_ip_header: the address of its connection \
                     counts, which all clients of a proxy share"
                );
            }
            return None;
        };
        if !is_near(peer) {
            if self.untrusted.is_due() {
                tracing::warn!(
                    header = %name,
                    "the header of limits.client_ip_header came over a connection from a public address and was not \
                     believed: it must come from this machine or a private network"
                );
            }
            return None;
        }
        let address =
            value.to_str().ok().and_then(|value| if *name == FORWARDED { forwarded(value) } else { last(value) });
        if address.is_none() && self.unreadable.is_due() {
            tracing::warn!(
                header = %name,
                "the header of limits.client_ip_header holds no IP address: the address of its connection \
                 counts, which all clients of a proxy share"
            );
        }
        address
    }
}

/// Returns whether the address is one of this machine or of a private network.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // 100.64.0.0/10 is between a provider and its customers, and in overlay networks (RFC 6598).
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Returns the last entry of a list such as `X-Forwarded-For`.
fn last(value: &str) -> Option<IpAddr> {
    address(value.rsplit(',').next()?.trim())
}

/// Returns `for` of the last element (RFC 7239 §4).
fn forwarded(value: &str) -> Option<IpAddr> {
    let element = unquoted_split(value, ',').last()?;
    let node = unquoted_split(element, ';').find_map(|pair| {
        let (name, node) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(node)
    })?;
    let quoted = node.strip_prefix('"').map(|node| node.strip_suffix('"').unwrap_or_default());
    address(quoted.unwrap_or(node))
}

/// Returns the parts of a list between separators that are not within quotes.
fn unquoted_split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |letter| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return letter == separator && !is_quoted,
        }
        false
    })
}

/// Reads an address as proxies write it: alone, in brackets, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address: Option<IpAddr> = text.parse().ok().or_else(bracketed).or_else(with_port);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_of_an_entry() {
        for (text, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:40000", "198.51.100.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
        ] {
            assert_eq!(address(text), Some(ip(expected)), "{text}");
        }
        for text in ["", "unknown", "_hidden", "198.51.100", "198.51.100.7:", "[2001:db8::1", "[198.51.100.7]", "x:1"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_element_of_forwarded_counts() {
        for (value, expected) in [
            ("for=192.0.2.1, for=198.51.100.7;proto=https", Some("198.51.100.7")),
            ("proto=https; For=\"[2001:db8::1]:443\"", Some("2001:db8::1")),
            ("for=\"a,b;c\", by=x;for=198.51.100.7:1", Some("198.51.100.7")),
            ("for=\"a\\\",for=192.0.2.1\", for=198.51.100.7", Some("198.51.100.7")),
            ("for=192.0.2.1, proto=https", None),
            ("for=192.0.2.1, for=unknown", None),
            ("for=\"192.0.2.1", None),
            ("", None),
        ] {
            assert_eq!(forwarded(value), expected.map(ip), "{value}");
        }
    }

    #[test]
    fn a_header_from_the_internet_is_not_believed() {
        let mut config = config::Config::defaults().unwrap().limits;
        "X-Forwarded-For".clone_into(&mut config.client_ip_header);
        let addresses = ClientAddresses::new(&config);
        let of = |peer: &str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", value.parse().unwrap());
            addresses.of(&headers, SocketAddr::new(ip(peer), 1))
        };
        for near in ["127.0.0.1", "10.0.0.1", "172.17.0.2", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"] {
            assert_eq!(of(near, "198.51.100.7"), ip("198.51.100.7").into(), "{near}");
        }
        for far in ["203.0.113.1", "2001:db8:1::1", "::ffff:203.0.113.1", "100.128.0.1", "172.32.0.1"] {
            assert_eq!(of(far, "198.51.100.7"), ip(far).into(), "{far}");
        }
        assert_eq!(of("10.0.0.1", "unknown"), ip("10.0.0.1").into());
    }
}

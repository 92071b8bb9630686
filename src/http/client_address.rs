//! The address of a client: the connection's, or the one that a trusted proxy tells.
//!
//! Exactly one source is read, `server.client_address`, and only what comes over a connection from one of
//! `server.trusted_proxies` is believed: anybody else can write what they like.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;

use crate::config::{self, ClientAddressSource};
use crate::domain::{ClientAddress, Network};
use crate::protocol::ForwardedList;
use crate::telemetry::Seldom;

/// The time between two log lines about the same fault.
const LOG_INTERVAL: Duration = Duration::from_hours(1);

/// The rule by which the addresses of clients are found.
pub struct ClientAddresses {
    source: ClientAddressSource,
    trusted: Vec<Network>,
    missing: Seldom,
    unreadable: Seldom,
    untrusted: Seldom,
    /// Whether it was logged that a proxy on this machine is not trusted.
    local_proxy_was_told: AtomicBool,
}

impl ClientAddresses {
    /// The rule of `server.client_address` and `server.trusted_proxies`.
    #[must_use]
    pub fn new(config: &config::Server) -> Self {
        Self::of_source(config.client_address, config.trusted_proxies.clone())
    }

    /// The rule of a listener without proxies: the address of the connection counts.
    pub(super) fn of_peers() -> Self {
        Self::of_source(ClientAddressSource::Peer, Vec::new())
    }

    fn of_source(source: ClientAddressSource, trusted: Vec<Network>) -> Self {
        let line = || Seldom::new(LOG_INTERVAL);
        let local_proxy_was_told = AtomicBool::new(false);
        Self { source, trusted, missing: line(), unreadable: line(), untrusted: line(), local_proxy_was_told }
    }

    /// Returns whether this is the address of a proxy that is believed.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Returns whether what a proxy adds to requests is believed when it comes over a connection from `peer`. A proxy
    /// that speaks the PROXY protocol adds nothing to them.
    pub(super) fn trusts_peer(&self, peer: SocketAddr) -> bool {
        !self.are_in_proxy_headers() && self.trusts(peer.ip().to_canonical())
    }

    /// Returns whether every connection begins with a header of the PROXY protocol.
    pub(super) fn are_in_proxy_headers(&self) -> bool {
        self.source == ClientAddressSource::ProxyProtocol
    }

    /// Returns the address of the client that has sent these headers over a connection from `peer`: the address in its
    /// PROXY header, if it had to begin with one.
    pub(super) fn of(&self, headers: &HeaderMap, peer: SocketAddr) -> ClientAddress {
        let peer = peer.ip().to_canonical();
        let list = match self.source {
            ClientAddressSource::XForwardedFor => Some(ForwardedList::XForwardedFor),
            ClientAddressSource::Forwarded => Some(ForwardedList::Forwarded),
            ClientAddressSource::Peer | ClientAddressSource::ProxyProtocol => None,
        };
        match list {
            Some(list) if self.trusts(peer) => self.in_list(list, headers, peer),
            _ => {
                self.note_unused(list, headers, peer);
                peer
            }
        }
        .into()
    }

    /// Returns the client that a trusted proxy tells of.
    fn in_list(&self, list: ForwardedList, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let lines = headers.get_all(list.header());
        if lines.iter().next().is_none() {
            if self.missing.is_due() {
                tracing::warn!(
                    header = list.header(),
                    "a request of a trusted proxy lacks the header of server.client_address: the address of the proxy \
                     counts, which all its clients share"
                );
            }
            return peer;
        }
        let client = list.client(peer, lines.iter().map(http::HeaderValue::as_bytes), |address| self.trusts(address));
        if client == peer && self.unreadable.is_due() {
            tracing::warn!(
                header = list.header(),
                "the last entry in the header of server.client_address is no address of a client: the address of the \
                 proxy counts, which all its clients share"
            );
        }
        client
    }

    /// Logs that a header was not believed, which a setting may be missing for.
    fn note_unused(&self, list: Option<ForwardedList>, headers: &HeaderMap, peer: IpAddr) {
        let local = peer.is_loopback() && list.is_none_or(|list| list == ForwardedList::XForwardedFor);
        if local && !self.trusts(peer) && headers.contains_key(ForwardedList::XForwardedFor.header()) {
            if !self.local_proxy_was_told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "a proxy on this machine sends X-Forwarded-For and is not trusted, so all its clients count as \
                     one: set server.client_address and server.trusted_proxies"
                );
            }
        } else if let Some(list) = list
            && headers.contains_key(list.header())
            && self.untrusted.is_due()
        {
            tracing::warn!(
                header = list.header(),
                network = %ClientAddress::from(peer).network(),
                "the header of server.client_address came over a connection from outside of server.trusted_proxies and \
                 was not believed"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(source: ClientAddressSource, trusted: &[&str]) -> ClientAddresses {
        ClientAddresses::of_source(source, trusted.iter().map(|text| text.parse().unwrap()).collect())
    }

    /// The client by these lines of headers over a connection from `peer`.
    fn client(addresses: &ClientAddresses, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let headers = lines.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name, value);
        }
        addresses.of(&all, SocketAddr::new(peer.parse().unwrap(), 1)).ip().to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_says_is_believed() {
        let addresses = addresses(ClientAddressSource::XForwardedFor, &["10.0.0.0/8", "fd00::/8"]);
        let lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.7, 10.9.9.9")];
        for trusted in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1"] {
            assert_eq!(client(&addresses, trusted, &lines), "198.51.100.7", "{trusted}");
        }
        for other in ["127.0.0.1", "192.168.1.1", "203.0.113.1", "2001:db8::1"] {
            assert_eq!(client(&addresses, other, &lines), other, "{other}");
        }
        assert_eq!(client(&addresses, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(&addresses, "10.0.0.1", &[("forwarded", "for=198.51.100.7")]), "10.0.0.1");
        assert_eq!(client(&addresses, "10.0.0.1", &[("x-forwarded-for", "198.51.100.7, \u{e9}")]), "10.0.0.1");
    }

    /// A proxy that only forwards bytes forwards those of clients.
    #[test]
    fn headers_are_believed_of_trusted_peers_but_not_through_a_proxy_of_bytes() {
        for (source, is_believed) in [
            (ClientAddressSource::Peer, true),
            (ClientAddressSource::XForwardedFor, true),
            (ClientAddressSource::Forwarded, true),
            (ClientAddressSource::ProxyProtocol, false),
        ] {
            let addresses = addresses(source, &["10.0.0.0/8"]);
            for (peer, is_trusted) in [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("192.0.2.1", false)] {
                let peer = SocketAddr::new(peer.parse().unwrap(), 1);
                assert_eq!(addresses.trusts_peer(peer), is_believed && is_trusted, "{source:?} {peer}");
            }
        }
        assert!(!ClientAddresses::of_peers().trusts_peer(SocketAddr::new("127.0.0.1".parse().unwrap(), 1)));
    }

    #[test]
    fn exactly_one_source_is_read() {
        let lines = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.8")];
        for (source, expected) in [
            (ClientAddressSource::Peer, "127.0.0.1"),
            (ClientAddressSource::XForwardedFor, "198.51.100.7"),
            (ClientAddressSource::Forwarded, "198.51.100.8"),
            (ClientAddressSource::ProxyProtocol, "127.0.0.1"),
        ] {
            assert_eq!(client(&addresses(source, &["127.0.0.0/8"]), "127.0.0.1", &lines), expected, "{source:?}");
        }
    }

    #[test]
    fn a_proxy_on_this_machine_that_is_not_trusted_is_told_of_once() {
        let addresses = addresses(ClientAddressSource::Peer, &[]);
        client(&addresses, "127.0.0.1", &[("host", "x")]);
        assert!(!addresses.local_proxy_was_told.load(Ordering::Relaxed));
        client(&addresses, "192.0.2.1", &[("x-forwarded-for", "198.51.100.7")]);
        assert!(!addresses.local_proxy_was_told.load(Ordering::Relaxed), "it is no proxy on this machine");
        client(&addresses, "::1", &[("x-forwarded-for", "198.51.100.7")]);
        assert!(addresses.local_proxy_was_told.load(Ordering::Relaxed));
    }
}

//! Addresses to listen on.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address with a port, or the name of a host with one, which is looked up when it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress(Written);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Written {
    Address(SocketAddr),
    Name(String, u16),
}

/// The text is no [`ListenAddress`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address with a port, such as 127.0.0.1:8000, [::1]:8000 or localhost:8000")]
pub struct NotAnAddress(String);

impl ListenAddress {
    /// Returns the addresses that it stands for, IPv4 first: most clients on the same machine resolve a name to IPv4.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Written::Address(address) => Ok(vec![*address]),
            Written::Name(name, port) => {
                let mut found: Vec<SocketAddr> = (name.as_str(), *port).to_socket_addrs()?.collect();
                found.sort_by_key(SocketAddr::is_ipv6);
                found.dedup();
                Ok(found)
            }
        }
    }

    /// Returns whether only this machine reaches it. A name that is not `localhost` may mean any address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.0 {
            Written::Address(address) => address.ip().to_canonical().is_loopback(),
            Written::Name(name, _) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

/// Returns the address by which this machine reaches a server that listens on `address`: the loopback one for all
/// addresses.
#[must_use]
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => return address,
    };
    SocketAddr::new(ip, address.port())
}

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self(Written::Address(address)));
        }
        let named = text.rsplit_once(':').filter(|(name, _)| is_host_name(name));
        let named = named.and_then(|(name, port)| Some(Written::Name(name.to_owned(), port.parse().ok()?)));
        named.map(Self).ok_or_else(|| NotAnAddress(text.to_owned()))
    }
}

/// Returns whether the text has the form of a name (RFC 1123 §2.1, and underscores, which some networks of containers
/// have). A last label of digits is an address that was mistyped.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Written::Address(address))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Address(address) => address.fmt(f),
            Written::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<ListenAddress> {
        text.parse().ok()
    }

    #[test]
    fn addresses_and_names_with_a_port_are_taken() {
        for text in ["127.0.0.1:8000", "[::1]:0", "localhost:8000", "db_1.internal:1", "chat.example.org.:443"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        for bad in
            ["", ":8000", "localhost", "127.0.0.1", "127.0.0:1", "::1:80", "a b:1", "-a:1", "localhost:65536", "1:1"]
        {
            let error = bad.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{bad}`")), "{error}");
        }
    }

    #[test]
    fn a_name_is_looked_up_and_ipv4_comes_first() {
        let found = read("localhost:8000").unwrap().resolve().unwrap();
        assert_eq!(found.first(), Some(&SocketAddr::from((Ipv4Addr::LOCALHOST, 8000))));
        assert!(read("nowhere.invalid:1").unwrap().resolve().is_err());
    }

    #[test]
    fn loopback_is_known_in_every_form() {
        for text in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "localhost:1", "LocalHost.:1"] {
            assert!(read(text).unwrap().is_loopback(), "{text}");
        }
        for text in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "chat.example.org:1", "localhost.example.org:1"] {
            assert!(!read(text).unwrap().is_loopback(), "{text}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_on_loopback() {
        for (all, one) in [("0.0.0.0:7", "127.0.0.1:7"), ("[::]:7", "[::1]:7"), ("192.0.2.1:7", "192.0.2.1:7")] {
            assert_eq!(reachable(all.parse().unwrap()).to_string(), one);
        }
    }
}

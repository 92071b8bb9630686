//! Places of push services that are not on the public internet.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

use crate::config::sections::lists::string_list;

/// A place that Web Push may reach although it is not on the public internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedPlace {
    /// A host, by name or address, and a port: `push.lan:8443`.
    Service {
        /// The host as it stands in URLs, in small letters; IPv6 addresses in brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// The addresses of a network, `192.168.7.9/32`, on port 443.
    Block(IpNet),
}

/// The text is no [`AllowedPlace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is a host with a port, such as push.lan:8443, or a network, such as 192.168.7.9/32")]
pub struct NotAPlace;

impl FromStr for AllowedPlace {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        if let Ok(block) = text.parse::<IpNet>() {
            return Ok(Self::Block(block.trunc()));
        }
        // With the scheme the host is read as in the URL of a subscription.
        let url = Url::parse(&format!("https://{text}")).map_err(|_| NotAPlace)?;
        let (host, named) = text.rsplit_once(':').ok_or(NotAPlace)?;
        let port: u16 = named.parse().map_err(|_| NotAPlace)?;
        let is_host = !host.contains(['/', '@', '?', '#']) && url.path() == "/" && url.username().is_empty();
        let host = match url.host().filter(|_| is_host && port > 0).ok_or(NotAPlace)? {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => format!("[{address}]"),
        };
        Ok(Self::Service { host, port })
    }
}

impl fmt::Display for AllowedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { host, port } => write!(f, "{host}:{port}"),
            Self::Block(block) => block.fmt(f),
        }
    }
}

impl Serialize for AllowedPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a list of places.
pub(super) fn place_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AllowedPlace>, D::Error> {
    let place = |text: String| {
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` is not allowed here: {error}")))
    };
    string_list(deserializer)?.into_iter().map(place).collect()
}

impl<'de> Deserialize<'de> for AllowedPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_hosts_with_ports_or_networks() {
        for (text, shown) in [
            ("push.lan:8443", "push.lan:8443"),
            ("Push.LAN.:443", "push.lan:443"),
            ("192.168.7.9:8443", "192.168.7.9:8443"),
            ("[FD00::1]:8443", "[fd00::1]:8443"),
            ("localhost:1", "localhost:1"),
            ("192.168.7.9/32", "192.168.7.9/32"),
            ("192.168.7.9/24", "192.168.7.0/24"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(text.parse::<AllowedPlace>().map(|place| place.to_string()).as_deref(), Ok(shown), "{text}");
        }
        for text in
            ["", "push.lan", "push.lan:", "push.lan:0", "push.lan:99999", "https://push.lan:1", "a@b:1", "a/b:1"]
        {
            assert_eq!(text.parse::<AllowedPlace>(), Err(NotAPlace), "{text}");
        }
        assert_eq!("192.168.7.9".parse::<AllowedPlace>(), Err(NotAPlace));
    }
}

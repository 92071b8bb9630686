//! Addresses of clients: whole, as the classes that limits count by, and as the networks that are shown and stored.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The whole address of a client. It stays in memory: what is shown, logged or stored is a [`Network`].
///
/// An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddress(IpAddr);

/// What limits count by: an IPv4 address, or the /64 that one IPv6 subscriber has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressClass(IpAddr);

/// A network in CIDR notation without host bits, `203.0.113.0/24` or `2001:db8:1::/48`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpNet);

/// The text is no [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address, or one in CIDR notation, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48")]
pub struct NotANetwork;

impl ClientAddress {
    /// Returns the address itself.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// Returns the class that limits count by.
    #[must_use]
    pub fn class(self) -> AddressClass {
        AddressClass(Network::around(self.0, 32, 64).first())
    }

    /// Returns the network that is shown and stored: too wide to name one client.
    #[must_use]
    pub fn network(self) -> Network {
        Network::around(self.0, 24, 48)
    }

    /// Returns the network by which a household or an office is known again: an IPv4 /24, or the IPv6 /56 that a
    /// provider gives to one customer (RFC 6177 §2).
    #[must_use]
    pub fn household(self) -> Network {
        Network::around(self.0, 24, 56)
    }
}

impl AddressClass {
    /// Returns the class as a network, an IPv4 /32 or an IPv6 /64.
    #[must_use]
    pub fn exact(self) -> Network {
        Network::around(self.0, 32, 64)
    }

    /// Returns the /48 around an IPv6 class, which one customer may have whole; `None` for IPv4.
    #[must_use]
    pub fn site(self) -> Option<Network> {
        self.0.is_ipv6().then(|| Network::around(self.0, 32, 48))
    }

    /// Returns the network that is shown and stored, an IPv4 /24 or an IPv6 /48.
    #[must_use]
    pub fn network(self) -> Network {
        Network::around(self.0, 24, 48)
    }

    /// Returns the network of the class's provider, roughly: an IPv4 /16 or an IPv6 /32.
    #[must_use]
    pub fn provider(self) -> Network {
        Network::around(self.0, 16, 32)
    }
}

impl Network {
    /// Returns the network of this length around an address. A length above that of the family counts as the whole
    /// address.
    fn around(address: IpAddr, v4: u8, v6: u8) -> Self {
        let length = if address.is_ipv4() { v4 } else { v6 };
        Self(IpNet::new(address, length).unwrap_or_else(|_| address.into()).trunc())
    }

    /// Returns the first address.
    #[must_use]
    pub fn first(self) -> IpAddr {
        self.0.network()
    }

    /// Returns the length of the prefix in bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
    #[must_use]
    pub fn prefix_len(self) -> u8 {
        self.0.prefix_len()
    }

    /// Returns whether the network holds all addresses of its family.
    #[must_use]
    pub fn is_everything(self) -> bool {
        self.prefix_len() == 0
    }

    /// Returns whether the address is in the network.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Returns the networks of this length that the network consists of; the network itself where it is smaller.
    pub fn parts(self, length: u8) -> impl Iterator<Item = Self> {
        let parts = self.0.subnets(length).ok();
        let itself = parts.is_none().then_some(self);
        parts.into_iter().flatten().map(Self).chain(itself)
    }

    /// Returns the network as the library for such has it.
    #[must_use]
    pub fn cidr(self) -> IpNet {
        self.0
    }

    /// Returns the network that is shown in place of this one: an IPv4 /24 or an IPv6 /48, unless this one is wider.
    #[must_use]
    pub fn shown(self) -> Self {
        let shown = Self::around(self.first(), 24, 48);
        if self.prefix_len() < shown.prefix_len() { self } else { shown }
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }
}

impl From<ClientAddress> for AddressClass {
    fn from(address: ClientAddress) -> Self {
        address.class()
    }
}

impl From<IpAddr> for Network {
    /// Returns the network of this address alone.
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// Reads an address, or a network in CIDR notation, whose host bits are cut off. A network of IPv4 addresses that
    /// are written as IPv6 is the one of IPv4.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let network: IpNet = text.parse().map_err(|_| NotANetwork)?;
        let network = match (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) {
            (IpAddr::V4(v4), Some(length)) if network.addr().is_ipv6() => {
                IpNet::new(v4.into(), length).map_err(|_| NotANetwork)?
            }
            _ => network,
        };
        Ok(Self(network.trunc()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Shows the network alone, since such a text may end in a log.
impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAddress({})", self.network())
    }
}

/// Shows the network alone, since such a text may end in a log.
impl fmt::Debug for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddressClass({})", self.network())
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

//! The rules for the URL of a subscription.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::address::{inside, is_global};
use crate::config::{AllowedPlace, Config};
use crate::push::Unusable;

/// Longest URL in bytes (UnifiedPush allows so many).
const MAX_URL: usize = 1000;
/// Endings of names that are never on the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`).
const PRIVATE_ENDINGS: [&str; 5] = ["localhost", "local", "internal", "lan", "home.arpa"];
/// The port of HTTPS.
const HTTPS: u16 = 443;

/// Which places may be reached.
#[derive(Debug)]
pub(in crate::push) struct Guard {
    services: Vec<(String, u16)>,
    blocks: Vec<IpNet>,
    /// Names of this server.
    own_names: Vec<String>,
}

/// The URL of a subscription that may be used.
#[derive(Debug)]
pub(in crate::push) struct Endpoint {
    /// The URL.
    pub(in crate::push) url: Url,
    /// How it is reached.
    pub(in crate::push) way: Way,
}

/// How the host of a URL becomes an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::push) enum Way {
    /// By look-up, whose addresses must all be global or in an allowed network.
    Guarded,
    /// As it stands, or by any look-up: an operator allows this host and port, or this address.
    Allowed,
}

impl Endpoint {
    /// Returns scheme, host and port, as `aud` of a token names them (RFC 8292 §2).
    pub(in crate::push) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl Guard {
    /// Returns the rules that the settings make.
    pub(in crate::push) fn of(config: &Config) -> Self {
        let (mut services, mut blocks) = (Vec::new(), Vec::new());
        for place in &config.push.webpush.allow {
            match place {
                AllowedPlace::Service { host, port } => services.push((host.clone(), *port)),
                AllowedPlace::Block(block) => blocks.push(*block),
            }
        }
        let named = config.server.public_names.iter().chain(&config.admin.hosts);
        let own_names = named.map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
        Self { services, blocks, own_names }
    }

    /// Returns the networks that are allowed beside the public internet.
    pub(in crate::push) fn blocks(&self) -> &[IpNet] {
        &self.blocks
    }

    /// Checks the URL of a subscription, without a look-up.
    pub(in crate::push) fn check(&self, text: &str) -> Result<Endpoint, Unusable> {
        if text.len() > MAX_URL {
            return Err(Unusable("the endpoint is longer than 1000 bytes"));
        }
        let url = Url::parse(text).map_err(|_| Unusable("the endpoint is no URL"))?;
        if url.scheme() != "https" {
            return Err(Unusable("the endpoint is not https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unusable("the endpoint holds a user"));
        }
        if url.fragment().is_some() {
            return Err(Unusable("the endpoint holds a fragment"));
        }
        let way = self.way(&url)?;
        Ok(Endpoint { url, way })
    }

    fn way(&self, url: &Url) -> Result<Way, Unusable> {
        let port = url.port_or_known_default().unwrap_or_default();
        let written = url.host_str().unwrap_or_default().trim_end_matches('.');
        if self.services.iter().any(|(host, open)| host == written && *open == port) {
            return Ok(Way::Allowed);
        }
        if port != HTTPS {
            return Err(Unusable("the endpoint is not on port 443"));
        }
        let address = match url.host() {
            Some(Host::Domain(_)) => return self.check_name(written).map(|()| Way::Guarded),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            None => return Err(Unusable("the endpoint has no host")),
        };
        let is_allowed = is_in_blocks(address, &self.blocks);
        if is_allowed { Ok(Way::Allowed) } else { Err(Unusable("the endpoint's host is an address")) }
    }

    fn check_name(&self, name: &str) -> Result<(), Unusable> {
        let is_in = |ending: &str| name.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if !name.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| is_in(ending)) {
            return Err(Unusable("the endpoint's host is not on the public internet"));
        }
        if self.own_names.iter().any(|own| own == name) {
            return Err(Unusable("the endpoint's host is this server"));
        }
        Ok(())
    }
}

/// Returns whether a connection to an address to which a name leads is allowed.
pub(super) fn may_connect(address: IpAddr, blocks: &[IpNet]) -> bool {
    is_global(address) || is_in_blocks(address, blocks)
}

/// Returns whether an address is in an allowed network, by whatever spelling of IPv6 it is reached.
fn is_in_blocks(address: IpAddr, blocks: &[IpNet]) -> bool {
    let inner = match address {
        IpAddr::V6(address) => inside(address).map_or(IpAddr::V6(address), IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    blocks.iter().any(|block| block.contains(&address) || block.contains(&inner))
}

#[cfg(test)]
mod tests;

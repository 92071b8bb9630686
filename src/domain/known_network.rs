//! What a network is recognised by without its address.

use super::Network;

/// The tags of a network that a user may be known to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkTags {
    /// Recognises the network for this user alone.
    pub of_user: [u8; 16],
    /// Recognises the network, whoever comes from it.
    pub of_network: [u8; 16],
}

/// Where a login comes from.
#[derive(Clone, Copy, Debug)]
pub struct LoginOrigin {
    /// The network that is shown.
    pub network: Network,
    /// What the network is known by.
    pub tags: NetworkTags,
}

//! Recognition of the networks that users log in from, without keeping an address.

use aws_lc_rs::hmac;

use super::{Auth, AuthError, InstanceKey, SecretError};
use crate::domain::{ClientAddress, Network, NetworkTags, UserId};

/// The label of the key; see [`InstanceKey::derive`].
const LABEL: &str = "networks";
/// Age from which an account makes a network known to others, in seconds: a day.
const SETTLED_S: i64 = 24 * 60 * 60;

/// Makes tags of networks, which reveal nothing without the instance key.
pub struct Networks(hmac::Key);

impl Networks {
    /// Derives the key from the instance key.
    pub fn new(instance: &InstanceKey) -> Result<Self, SecretError> {
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, instance.derive(LABEL)?.as_slice())))
    }

    /// Returns the tags of the network around an address, an IPv4 /24 or an IPv6 /56; `None` stands for a name that no
    /// account has.
    #[must_use]
    pub fn tags(&self, user: Option<UserId>, address: ClientAddress) -> NetworkTags {
        let network = address.household();
        let user = user.unwrap_or(UserId(0));
        let of_user = self.tag(&user.0.to_be_bytes(), network);
        NetworkTags { of_user, of_network: self.tag_of_network(network) }
    }

    /// Returns the tag of the network around an address, whoever logs in from it.
    #[must_use]
    pub fn network_tag(&self, address: ClientAddress) -> [u8; 16] {
        self.tag_of_network(address.household())
    }

    fn tag_of_network(&self, network: Network) -> [u8; 16] {
        self.tag(b"network", network)
    }

    fn tag(&self, whose: &[u8], network: Network) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(whose);
        context.update(network.to_string().as_bytes());
        let mut tag = [0; 16];
        // SHA-256 has more bytes than that.
        tag.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        tag
    }
}

impl Auth {
    /// Returns whether any account that is older than a day is known from the network around an address. Younger ones
    /// do not count: anybody could make one there.
    pub async fn is_anybodys_network(&self, address: ClientAddress) -> Result<bool, AuthError> {
        let (tag, now) = (self.networks.network_tag(address), self.clock.now());
        Ok(self.storage.is_anybodys_network(&tag, now.plus_secs(-SETTLED_S), now).await?)
    }
}

//! What operators do to single buckets: they see when a key has a token again, and fill its bucket.

use std::str::FromStr;
use std::time::Duration;

use super::{LimiterKey, Limiters, for_family};
use crate::domain::{ClientAddress, Limiter, LimiterKind, LoginId, Network, SocketId, UserId};

/// The widest networks whose buckets are filled at once: 65,536 addresses, or classes of them.
const WIDEST: (u8, u8) = (16, 48);

impl Limiters {
    /// Returns the time after which the key has a token again; zero when it has one, or when nothing counts it.
    #[must_use]
    pub fn wait(&self, limiter: Limiter, key: LimiterKey) -> Duration {
        let limiter = for_family(limiter, key);
        if let Some(own) = self.overrides.of(limiter, key) {
            let slot = self.hasher.own_slot(limiter, key, own.generation);
            return own.bucket.as_ref().map(|bucket| bucket.wait(slot, None)).unwrap_or_default();
        }
        let (slot, site) = (self.hasher.slot(limiter, key), self.hasher.site_slot(limiter, key));
        self.bucket(limiter).map(|bucket| bucket.wait(slot, site)).unwrap_or_default()
    }

    /// Returns how many buckets are not full, and how many there may be.
    #[must_use]
    pub fn room(&self) -> (usize, usize) {
        (self.keys.len(), self.keys.max())
    }

    /// Fills the buckets of the keys.
    pub fn refill(&self, limiter: Limiter, keys: &[LimiterKey]) {
        for key in keys {
            let limiter = for_family(limiter, *key);
            if let Some(own) = self.overrides.of(limiter, *key) {
                self.keys.forget(self.hasher.own_slot(limiter, *key, own.generation));
            }
            self.keys.forget(self.hasher.slot(limiter, *key));
            if let Some(site) = self.hasher.site_slot(limiter, *key) {
                self.keys.forget(site);
            }
        }
    }

    /// Returns the keys that a text names, as [`LimiterKey`] is shown, or by a part of that: an address, an id, a name.
    /// A network names all keys in it. `None` when the limiter counts by something else, or the network is too wide.
    #[must_use]
    pub fn keys_named(&self, limiter: Limiter, text: &str) -> Option<Vec<LimiterKey>> {
        let text = text.trim();
        let one = |key| Some(vec![key]);
        match limiter.kind() {
            LimiterKind::Class => classes(text),
            LimiterKind::User => one(LimiterKey::User(UserId(number("user", text)?))),
            LimiterKind::Login => one(LimiterKey::Login(LoginId(number("login", text)?))),
            LimiterKind::Socket => one(LimiterKey::Socket(SocketId(number("socket", text)?))),
            LimiterKind::Pair => {
                let (from, to) = text.split_once(" to ")?;
                one(LimiterKey::Pair(UserId(number("user", from)?), UserId(number("user", to)?)))
            }
            LimiterKind::Known => {
                let (user, network) = text.split_once(" from ")?;
                households(UserId(number("user", user)?), network)
            }
            LimiterKind::Name => {
                let name = text.strip_prefix("name ").unwrap_or(text);
                let hash = name.strip_prefix('#').filter(|hash| hash.len() == 16);
                let hash = hash.and_then(|hash| u64::from_str_radix(hash, 16).ok());
                (!name.is_empty()).then(|| vec![hash.map_or_else(|| self.name_key(name), LimiterKey::Name)])
            }
            LimiterKind::Server => (text == "server").then(|| vec![LimiterKey::Server]),
        }
    }
}

/// Reads a number behind the word, which may be left out.
fn number<T: FromStr>(word: &str, text: &str) -> Option<T> {
    text.strip_prefix(word).unwrap_or(text).trim().parse().ok()
}

fn classes(text: &str) -> Option<Vec<LimiterKey>> {
    let key = |first| LimiterKey::Class(ClientAddress::from(first).class());
    Some(parts(text, (32, 64))?.map(|network| key(network.first())).collect())
}

fn households(user: UserId, text: &str) -> Option<Vec<LimiterKey>> {
    let key = |first| LimiterKey::Known(user, ClientAddress::from(first).household());
    Some(parts(text, (24, 56))?.map(|network| key(network.first())).collect())
}

/// Returns the networks of these lengths that the network in `text` consists of, or is a part of.
fn parts(text: &str, (v4, v6): (u8, u8)) -> Option<impl Iterator<Item = Network>> {
    let network: Network = text.parse().ok()?;
    let (widest, length) = if network.first().is_ipv4() { (WIDEST.0, v4) } else { (WIDEST.1, v6) };
    if network.prefix_len() < widest {
        return None;
    }
    Some(network.parts(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;

    fn limiters() -> std::sync::Arc<Limiters> {
        let mut config = Config::defaults().unwrap();
        config.limits.enabled = true;
        Limiters::new(&config, &Clock::stopped_at(Clock::system().now()))
    }

    /// Takes tokens until there is none.
    fn empty(limiters: &Limiters, limiter: Limiter, key: LimiterKey) {
        while limiters.take(limiter, key).is_ok() {}
        assert!(limiters.wait(limiter, key) > Duration::ZERO, "{key}");
    }

    #[test]
    fn a_bucket_is_filled_by_the_text_that_shows_its_key() {
        let limiters = limiters();
        let class =
            |text: &str| LimiterKey::Class(ClientAddress::from(text.parse::<std::net::IpAddr>().unwrap()).class());
        let home = |text: &str| ClientAddress::from(text.parse::<std::net::IpAddr>().unwrap()).household();
        for (limiter, key) in [
            (Limiter::LoginAddress, class("203.0.113.77")),
            (Limiter::LoginAddress, class("2001:db8:7:9::1")),
            (Limiter::SettingsUser, LimiterKey::User(UserId(7))),
            (Limiter::SendPair, LimiterKey::Pair(UserId(7), UserId(9))),
            (Limiter::LoginAccount, limiters.name_key("Alice")),
            (Limiter::LoginKnown, LimiterKey::Known(UserId(7), home("203.0.113.77"))),
            (Limiter::LoginKnown, LimiterKey::Known(UserId(7), home("2001:db8:7:9::1"))),
            (Limiter::RefreshChain, LimiterKey::Login(LoginId(3))),
            (Limiter::RegisterServer, LimiterKey::Server),
        ] {
            empty(&limiters, limiter, key);
            let keys = limiters.keys_named(limiter, &key.to_string()).unwrap_or_else(|| panic!("{key}"));
            assert!(keys.contains(&key), "{key}");
            limiters.refill(limiter, &keys);
            assert_eq!(limiters.wait(limiter, key), Duration::ZERO, "{key}");
            assert_eq!(limiters.take(limiter, key), Ok(()), "{key}");
        }
    }

    #[test]
    fn a_key_may_be_named_shortly_but_only_one_of_the_right_kind() {
        let limiters = limiters();
        assert_eq!(limiters.keys_named(Limiter::LoginAccount, "alice").unwrap(), [limiters.name_key("ALICE")]);
        assert_eq!(limiters.keys_named(Limiter::SettingsUser, "7").unwrap(), [LimiterKey::User(UserId(7))]);
        assert_eq!(limiters.keys_named(Limiter::LoginAddress, "192.0.2.1").unwrap().len(), 1);
        assert_eq!(limiters.keys_named(Limiter::LoginAddress, "192.0.2.0/24").unwrap().len(), 256);
        for (limiter, text) in [
            (Limiter::LoginAddress, "user 7"),
            (Limiter::LoginAddress, "10.0.0.0/8"),
            (Limiter::LoginAddress, "2001:db8::/32"),
            (Limiter::SettingsUser, "alice"),
            (Limiter::SettingsUser, ""),
            (Limiter::LoginAccount, ""),
            (Limiter::RegisterServer, "7"),
            (Limiter::SendPair, "user 7"),
        ] {
            assert_eq!(limiters.keys_named(limiter, text), None, "{text}");
        }
    }
}

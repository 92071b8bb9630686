//! The limits on how often one address may register and log in, and how often with one name.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota};

use crate::config;
use crate::domain::{AddressClass, name_key};

/// A refused attempt, with the time after which to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited(pub Duration);

/// Counts registrations and logins by address, and logins by address and name (GCRA: a minute's worth at once, then at
/// the steady rate). It does not count by name alone: any stranger could lock its owner out.
pub struct RateLimiter(Option<Limiters>);

struct Limiters {
    addresses: DefaultKeyedRateLimiter<AddressClass>,
    names: DefaultKeyedRateLimiter<(AddressClass, u64)>,
    /// Names are kept as a keyed hash.
    hasher: RandomState,
}

impl RateLimiter {
    /// Makes the limits that are configured; none when `limits.enabled` is false.
    #[must_use]
    pub fn new(config: &config::Limits) -> Self {
        let quota = |per_minute| NonZeroU32::new(per_minute).filter(|_| config.enabled).map(Quota::per_minute);
        let quotas = quota(config.auth_per_minute).zip(quota(config.logins_per_name_per_minute));
        Self(quotas.map(|(address, name)| Limiters {
            addresses: DefaultKeyedRateLimiter::keyed(address),
            names: DefaultKeyedRateLimiter::keyed(name),
            hasher: RandomState::new(),
        }))
    }

    /// Counts one attempt of this address, or refuses it.
    pub fn check(&self, address: AddressClass) -> Result<(), RateLimited> {
        let Some(limiters) = &self.0 else { return Ok(()) };
        limiters.addresses.check_key(&address).map_err(|until| limited(&until))
    }

    /// Counts one attempt of this address to log in with this name, or refuses it.
    pub fn check_name(&self, address: AddressClass, name: &str) -> Result<(), RateLimited> {
        let Some(limiters) = &self.0 else { return Ok(()) };
        // A text that cannot be a name has no key, so the text itself is counted.
        let key = name_key(name);
        let name = if key.is_empty() { limiters.hasher.hash_one(name) } else { limiters.hasher.hash_one(key) };
        limiters.names.check_key(&(address, name)).map_err(|until| limited(&until))
    }

    /// Forgets addresses that have their full quota again. Must be called periodically.
    pub fn forget_idle(&self) {
        if let Some(limiters) = &self.0 {
            limiters.addresses.retain_recent();
            limiters.addresses.shrink_to_fit();
            limiters.names.retain_recent();
            limiters.names.shrink_to_fit();
        }
    }
}

fn limited(until: &NotUntil<<DefaultClock as governor::clock::Clock>::Instant>) -> RateLimited {
    RateLimited(until.wait_time_from(DefaultClock::default().now()))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::domain::ClientAddress;

    fn class(last: u8) -> AddressClass {
        ClientAddress::from(IpAddr::from([192, 0, 2, last])).class()
    }

    /// U+FDFA folds to 18 letters. Folding one of these names takes longer than a thousand looks at their lengths.
    #[test]
    fn a_name_that_is_too_long_is_not_folded() {
        let config = config::Limits {
            enabled: true,
            auth_per_minute: 3,
            logins_per_name_per_minute: 2,
            client_ip_header: String::new(),
        };
        let (limiter, long) = (RateLimiter::new(&config), "\u{fdfa}".repeat(87_000));
        let address = class(1);
        let begun = std::time::Instant::now();
        assert!(crate::domain::fold_name(&long).len() > long.len());
        let folding = begun.elapsed();
        let begun = std::time::Instant::now();
        let refused = (0..8).filter(|_| limiter.check_name(address, &long).is_err()).count();
        assert_eq!(refused, 6, "it is counted all the same");
        assert!(begun.elapsed() < folding, "{:?} for eight, {folding:?} for one that is folded", begun.elapsed());
    }

    #[test]
    fn a_minutes_worth_passes_and_others_are_not_touched() {
        let config = config::Limits {
            enabled: true,
            auth_per_minute: 3,
            logins_per_name_per_minute: 2,
            client_ip_header: String::new(),
        };
        let limiter = RateLimiter::new(&config);
        let (a, b) = (class(1), class(2));
        assert!((0..3).all(|_| limiter.check(a).is_ok()));
        let RateLimited(wait) = limiter.check(a).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(20));
        assert!(limiter.check(b).is_ok());
        assert!((0..2).all(|_| limiter.check_name(a, "Alice").is_ok()));
        assert!(limiter.check_name(a, "ALICE").is_err());
        assert!(limiter.check_name(a, "bob").is_ok() && limiter.check_name(b, "alice").is_ok());
        let off = RateLimiter::new(&config::Limits { enabled: false, ..config });
        assert!((0..100).all(|_| off.check(a).is_ok()));
    }
}

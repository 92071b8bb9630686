//! Automatic bans: finds the addresses from which somebody tries many names, or forged credentials.
//!
//! A name counts while it has failed and not succeeded from its address within the window: people mistype their
//! passwords, and an office shares an address; from the network of an office it takes more names. Expired tokens, and
//! what a limit refuses, never count. The counts are kept in memory; the ban itself is a rule in the store.
//!
//! Bound: [`MAX_CLASSES`] addresses, and names in proportion to those that it takes for a ban. When there are more, new
//! ones are not counted until others have been quiet for the window.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config;
use crate::domain::{AddressClass, ClientAddress, Network, NewBan, name_key};

/// Most addresses that are counted at once.
const MAX_CLASSES: usize = 65_536;
/// How many times the names for a ban are kept for one address: names that have succeeded are kept too.
const KEPT_NAMES: usize = 4;

/// What an address was banned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offence {
    FailedNames,
    ForgedHandshakes,
}

impl Offence {
    fn reason(self) -> &'static str {
        match self {
            Self::FailedNames => "logins with many names failed",
            Self::ForgedHandshakes => "many handshakes with forged credentials",
        }
    }
}

/// Counts what bans are for.
pub struct Bans {
    config: config::Bans,
    /// Networks that are never banned.
    exempt: Vec<Network>,
    is_on: bool,
    /// Names are kept as a keyed hash.
    hasher: RandomState,
    classes: Mutex<HashMap<AddressClass, Tally>>,
}

/// What follows from a login that has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing yet.
    None,
    /// The address is to be banned, unless its network is known: then [`Bans::judge`] must be told.
    Judge,
    /// The address is to be banned.
    Ban(NewBan),
}

/// What has come from one address.
struct Tally {
    last: Instant,
    names: HashMap<u64, Tries>,
    /// Whether users log in from the network around it; `None` until that matters.
    is_known: Option<bool>,
    /// Whether somebody is finding that out.
    is_judged: bool,
    forged: u32,
    forged_since: Instant,
}

/// What has become of logins with one name.
#[derive(Clone, Copy, Default)]
struct Tries {
    failed: Option<Instant>,
    succeeded: Option<Instant>,
}

impl Bans {
    /// Counts by these settings; the networks of `proxies` are never banned.
    #[must_use]
    pub fn new(config: &config::Bans, proxies: &[Network], is_on: bool) -> Self {
        let exempt = config.exempt.iter().chain(proxies).copied().collect();
        Self { config: config.clone(), exempt, is_on, hasher: RandomState::new(), classes: Mutex::default() }
    }

    /// Counts a login with this name that has failed because of the name or the password.
    pub fn failed(&self, address: ClientAddress, name: &str, now: Instant) -> Suspicion {
        let hash = self.hash(name);
        let mut classes = self.classes();
        let Some(tally) = self.tally(&mut classes, address.class(), now) else { return Suspicion::None };
        tally.last = now;
        let room = self.most_names(tally);
        if tally.names.len() >= room && !tally.names.contains_key(&hash) {
            tally.names.retain(|_, tries| tries.is_recent(now, self.config.window()));
        }
        if tally.names.len() < room || tally.names.contains_key(&hash) {
            tally.names.entry(hash).or_default().failed = Some(now);
        }
        let failing = tally.names.values().filter(|tries| tries.is_failing(now, self.config.window())).count();
        if failing < self.names_for_ban(tally) || (tally.is_known.is_none() && tally.is_judged) {
            return Suspicion::None;
        }
        if tally.is_known.is_none() {
            tally.is_judged = true;
            return Suspicion::Judge;
        }
        classes.remove(&address.class());
        Suspicion::Ban(self.new_ban(address.class(), Offence::FailedNames))
    }

    /// Notes whether users log in from the network around an address, which takes more names to be banned then. Returns
    /// the ban that is due. Without an answer, which `None` stands for, it is asked again.
    pub fn judge(&self, address: ClientAddress, is_known: Option<bool>) -> Option<NewBan> {
        let mut classes = self.classes();
        let tally = classes.get_mut(&address.class())?;
        (tally.is_known, tally.is_judged) = (is_known, false);
        if is_known != Some(false) {
            return None;
        }
        classes.remove(&address.class());
        Some(self.new_ban(address.class(), Offence::FailedNames))
    }

    /// Notes that the password for this name was right.
    pub fn succeeded(&self, address: ClientAddress, name: &str, now: Instant) {
        let hash = self.hash(name);
        if let Some(tally) = self.tally(&mut self.classes(), address.class(), now)
            && (tally.names.len() < self.most_names(tally) || tally.names.contains_key(&hash))
        {
            tally.last = now;
            tally.names.entry(hash).or_default().succeeded = Some(now);
        }
    }

    /// Counts a handshake with a forged token or an unknown ticket. Returns the ban that is due.
    pub fn forged(&self, address: ClientAddress, now: Instant) -> Option<NewBan> {
        let mut classes = self.classes();
        let tally = self.tally(&mut classes, address.class(), now)?;
        tally.last = now;
        if now.saturating_duration_since(tally.forged_since) >= self.config.window() {
            (tally.forged, tally.forged_since) = (0, now);
        }
        tally.forged += 1;
        if tally.forged < self.config.forged_handshakes {
            return None;
        }
        classes.remove(&address.class());
        Some(self.new_ban(address.class(), Offence::ForgedHandshakes))
    }

    /// Forgets addresses from which nothing has come for the window. Must be called every few seconds.
    pub fn forget_quiet(&self, now: Instant) {
        self.classes().retain(|_, tally| now.saturating_duration_since(tally.last) < self.config.window());
    }

    /// Returns a ban; the counts of the address begin anew with it.
    fn new_ban(&self, class: AddressClass, offence: Offence) -> NewBan {
        NewBan {
            network: class.exact(),
            reason: offence.reason().to_owned(),
            first_s: self.config.first_s,
            longest_s: self.config.longest_s,
            forget_s: self.config.forget_s(),
        }
    }

    /// Returns the counts of an address, unless it is never banned, or there is no room for them.
    fn tally<'a>(
        &self,
        classes: &'a mut HashMap<AddressClass, Tally>,
        class: AddressClass,
        now: Instant,
    ) -> Option<&'a mut Tally> {
        let exact = class.exact();
        // One exempt address keeps its whole class from a ban.
        let overlaps = |network: &Network| network.contains(exact.first()) || exact.contains(network.first());
        let is_exempt = || self.exempt.iter().any(overlaps);
        if !self.is_on || is_exempt() || (classes.len() >= MAX_CLASSES && !classes.contains_key(&class)) {
            return None;
        }
        let new = || Tally {
            last: now,
            names: HashMap::new(),
            is_known: None,
            is_judged: false,
            forged: 0,
            forged_since: now,
        };
        Some(classes.entry(class).or_insert_with(new))
    }

    /// Returns how many names must fail from an address.
    fn names_for_ban(&self, tally: &Tally) -> usize {
        let factor = if tally.is_known == Some(true) { self.config.known_factor } else { 1 };
        usize::try_from(self.config.failed_names.saturating_mul(factor)).unwrap_or(usize::MAX)
    }

    fn most_names(&self, tally: &Tally) -> usize {
        self.names_for_ban(tally).saturating_mul(KEPT_NAMES)
    }

    fn hash(&self, name: &str) -> u64 {
        // A text that cannot be a name has no key, so the text itself is counted.
        let key = name_key(name);
        if key.is_empty() { self.hasher.hash_one(name) } else { self.hasher.hash_one(key) }
    }

    fn classes(&self) -> MutexGuard<'_, HashMap<AddressClass, Tally>> {
        // Plain numbers are whole after any panic.
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tries {
    fn is_recent(self, now: Instant, window: Duration) -> bool {
        [self.failed, self.succeeded].into_iter().flatten().any(|at| now.saturating_duration_since(at) < window)
    }

    fn is_failing(self, now: Instant, window: Duration) -> bool {
        let within = |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) < window);
        within(self.failed) && !within(self.succeeded)
    }
}

#[cfg(test)]
mod tests;

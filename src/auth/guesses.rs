//! Reports of wrong passwords for operators: by classes of addresses, at most once a minute each, and without names.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{ClientAddress, Network};

/// Time between two lines about one class.
const EVERY: Duration = Duration::from_mins(1);
/// Most classes that are counted separately; all others share one count.
const MAX_CLASSES: usize = 4096;

/// A class of client addresses, too wide to name one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    Network(Network),
    /// All clients without an address, and those beyond [`MAX_CLASSES`].
    Others,
}

impl Class {
    fn of(address: Option<ClientAddress>) -> Self {
        address.map_or(Self::Others, |address| Self::Network(address.network()))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Others => f.write_str("others"),
        }
    }
}

/// The count of a class since its last line.
struct Count {
    since: Instant,
    wrong: u64,
}

/// Counts wrong passwords by class, and logs them: the first at once, those that follow once a minute.
#[derive(Default)]
pub struct WrongPasswords(Mutex<HashMap<Class, Count>>);

impl WrongPasswords {
    /// Counts one wrong password from this address.
    pub fn record(&self, address: Option<ClientAddress>, now: Instant) {
        if let Some(class) = self.count(Class::of(address), now) {
            log(class, 1);
        }
    }

    /// Logs the counts that are a minute old. Must be called every few seconds.
    pub fn log_due(&self, now: Instant) {
        for (class, wrong) in self.due(now) {
            log(class, wrong);
        }
    }

    /// Counts one wrong password. Returns the class when it had no count yet, so that it is logged at once.
    fn count(&self, class: Class, now: Instant) -> Option<Class> {
        let mut counts = self.counts();
        let is_known = counts.contains_key(&class);
        let class = if is_known || counts.len() < MAX_CLASSES { class } else { Class::Others };
        if let Some(count) = counts.get_mut(&class) {
            count.wrong += 1;
            return None;
        }
        counts.insert(class, Count { since: now, wrong: 0 });
        Some(class)
    }

    /// Takes the counts that are due, and forgets the classes that were quiet for a minute.
    fn due(&self, now: Instant) -> Vec<(Class, u64)> {
        let mut due = Vec::new();
        self.counts().retain(|class, count| {
            if now.saturating_duration_since(count.since) < EVERY {
                return true;
            }
            if count.wrong == 0 {
                return false;
            }
            due.push((*class, std::mem::take(&mut count.wrong)));
            count.since = now;
            true
        });
        due
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Class, Count>> {
        // Plain numbers are whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(class: Class, count: u64) {
    tracing::warn!(address = %class, count, "wrong passwords");
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn class(text: &str) -> Class {
        Class::of(Some(text.parse::<IpAddr>().unwrap().into()))
    }

    #[test]
    fn classes_are_no_closer_than_a_provider() {
        assert_eq!(class("192.0.2.77").to_string(), "192.0.2.0/24");
        assert_eq!(class("::ffff:192.0.2.77"), class("192.0.2.1"));
        assert_eq!(class("2001:db8:77:88:99::1").to_string(), "2001:db8:77::/48");
        assert_eq!(class("2001:db8:77:1::1"), class("2001:db8:77:ffff::2"));
    }

    #[test]
    fn one_line_a_minute_and_class() {
        let (guesses, start) = (WrongPasswords::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let (a, b) = (class("192.0.2.1"), class("198.51.100.1"));
        assert_eq!(guesses.count(a, at(0)), Some(a));
        assert!((1..50).all(|second| guesses.count(a, at(second)).is_none()));
        assert_eq!(guesses.count(b, at(50)), Some(b));
        assert_eq!(guesses.due(at(59)), []);
        assert_eq!(guesses.due(at(60)), [(a, 49)]);
        assert_eq!(guesses.count(a, at(61)), None, "told of a moment ago");
        assert_eq!(guesses.due(at(110)), []);
        assert_eq!(guesses.due(at(120)), [(a, 1)]);
        assert_eq!(guesses.due(at(200)), []);
        assert_eq!(guesses.count(a, at(201)), Some(a), "it was quiet");
    }

    #[test]
    fn memory_is_bounded() {
        let (guesses, now) = (WrongPasswords::default(), Instant::now());
        for i in 0..=u16::MAX {
            let [high, low] = i.to_be_bytes();
            guesses.record(Some(IpAddr::from([10, high, low, 1]).into()), now);
        }
        assert!(guesses.counts().len() <= MAX_CLASSES + 1);
        let due = guesses.due(now + EVERY);
        assert_eq!(due.len(), 1, "one line for all the others");
        assert_eq!(due[0].0, Class::Others);
    }
}

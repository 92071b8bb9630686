//! Failed logins, counted by account and network: one entry a minute each, when its minute is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::domain::{AuditActor, AuditEvent, Network, NewAuditEntry, UserId};

/// The time whose failed logins are one entry.
const MINUTE: Duration = Duration::from_mins(1);
/// Most accounts and networks that are counted separately; all others of a minute are one entry.
const MAX_KEYS: usize = 4096;

/// An account, none for unknown names, and a network.
type Key = (Option<UserId>, Option<Network>);

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    failed: u64,
}

/// The failed logins of the present minute.
#[derive(Default)]
pub(super) struct FailedLogins(Mutex<HashMap<Key, Count>>);

impl FailedLogins {
    /// Counts one.
    pub(super) fn count(&self, user: Option<UserId>, network: Option<Network>, now: Instant) {
        let mut counts = self.counts();
        let key = (user, network);
        let key = if counts.len() < MAX_KEYS || counts.contains_key(&key) { key } else { (None, None) };
        counts.entry(key).or_insert(Count { since: now, failed: 0 }).failed += 1;
    }

    /// Takes those whose minute is over.
    pub(super) fn due(&self, now: Instant) -> Vec<NewAuditEntry> {
        let is_over = |_: &Key, count: &mut Count| now.saturating_duration_since(count.since) >= MINUTE;
        self.counts().extract_if(is_over).map(entry).collect()
    }

    /// Takes all.
    pub(super) fn all(&self) -> Vec<NewAuditEntry> {
        self.counts().drain().map(entry).collect()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        // Plain counts are whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(((subject, network), count): (Key, Count)) -> NewAuditEntry {
    NewAuditEntry {
        event: AuditEvent::LoginFailed,
        // Who has tried is not known.
        actor: AuditActor::Server,
        subject,
        network,
        detail: json!({"count": count.failed}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_an_account_and_a_network_is_one_entry() {
        let (failed, start) = (FailedLogins::default(), Instant::now());
        let (user, network) = (Some(UserId(7)), || "192.0.2.0/24".parse().ok());
        (0..3).for_each(|_| failed.count(user, network(), start));
        failed.count(None, network(), start + Duration::from_secs(30));
        assert!(failed.due(start + Duration::from_secs(59)).is_empty());
        let due = failed.due(start + MINUTE);
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].subject, due[0].detail["count"].as_u64()), (user, Some(3)));
        assert_eq!(failed.all().len(), 1);
        for i in 0..10_000 {
            failed.count(Some(UserId(i)), None, start);
        }
        assert_eq!(failed.all().len(), MAX_KEYS + 1, "a flood takes no more memory");
    }
}

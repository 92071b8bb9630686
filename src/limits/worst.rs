//! The keys that are refused most often: a few for each limiter, whatever the number of keys (Space-Saving, Metwally,
//! Agrawal and El Abbadi 2005).

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LimiterKey;

/// Keys that are kept of one limiter.
const KEPT: usize = 32;

/// A key that was refused, or made to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstKey {
    /// The key. It is shown as a network, an id or a hash; see its `Display`.
    pub key: LimiterKey,
    /// How often, at most.
    pub count: u64,
    /// By how much `count` may be too high: keys that are no longer kept were counted in its place before.
    pub error: u64,
}

/// The keys of one limiter that were refused most often since the start.
#[derive(Default)]
pub(super) struct Worst(Mutex<Vec<WorstKey>>);

impl Worst {
    /// Counts one refusal.
    pub(super) fn record(&self, key: LimiterKey) {
        let mut kept = self.kept();
        if let Some(known) = kept.iter_mut().find(|known| known.key == key) {
            known.count += 1;
            return;
        }
        if kept.len() < KEPT {
            kept.push(WorstKey { key, count: 1, error: 0 });
        } else if let Some(least) = kept.iter_mut().min_by_key(|known| known.count) {
            *least = WorstKey { key, count: least.count + 1, error: least.count };
        }
    }

    /// Returns the keys, the worst first.
    pub(super) fn list(&self) -> Vec<WorstKey> {
        let mut list = self.kept().clone();
        list.sort_unstable_by_key(|known| std::cmp::Reverse(known.count));
        list
    }

    fn kept(&self) -> MutexGuard<'_, Vec<WorstKey>> {
        // Plain numbers are whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    #[test]
    fn the_worst_are_kept_among_many() {
        let worst = Worst::default();
        for round in 0..1000 {
            worst.record(UserId(1).into());
            if round % 2 == 0 {
                worst.record(UserId(2).into());
            }
            worst.record(UserId(1000 + round).into());
        }
        let list = worst.list();
        assert_eq!(list.len(), KEPT);
        for (place, (user, count)) in [(1, 1000), (2, 500)].into_iter().enumerate() {
            let found = list[place];
            assert_eq!(found.key, UserId(user).into());
            assert!(found.count >= count && found.count - found.error <= count, "{found:?}");
        }
        assert!(list.is_sorted_by_key(|known| std::cmp::Reverse(known.count)));
    }
}

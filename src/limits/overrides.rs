//! Limits of single users, which an operator has set in place of those of all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::LimiterKey;
use super::bucket::Bucket;
use crate::domain::{LimitRule, Limiter, UserId};

/// What an operator has set for a user; a burst of 0 switches the limiter off for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserLimit {
    /// The user.
    pub user: UserId,
    /// The limiter, which keeps a bucket for each user or pair of users.
    pub limiter: Limiter,
    /// The numbers.
    pub rule: LimitRule,
}

/// The buckets of one limiter for one user.
pub(super) struct Override {
    rule: LimitRule,
    /// `None` when the limiter is off for the user.
    pub(super) bucket: Option<Bucket>,
    /// Differs for each setting, so that buckets begin full.
    pub(super) generation: u64,
}

/// All limits of single users.
#[derive(Default)]
pub(super) struct Overrides {
    by_user: RwLock<HashMap<(UserId, Limiter), Arc<Override>>>,
    /// Whether there are any: mostly there are none, and nothing is looked up.
    any: AtomicBool,
    last_generation: AtomicU64,
}

impl Overrides {
    /// Returns what is set for the user of a key.
    pub(super) fn of(&self, limiter: Limiter, key: LimiterKey) -> Option<Arc<Override>> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let user = key.user()?;
        self.by_user.read().unwrap_or_else(PoisonError::into_inner).get(&(user, limiter)).cloned()
    }

    /// Makes these the only ones. Those that were the same before go on; of others the buckets begin full. Returns the
    /// limiters and users that have the limits of all again, whose buckets are to begin full, too.
    pub(super) fn replace(
        &self,
        limits: &[UserLimit],
        make: impl Fn(Limiter, LimitRule) -> Bucket,
    ) -> Vec<(Limiter, UserId)> {
        let mut by_user = self.by_user.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::new();
        for UserLimit { user, limiter, rule } in limits.iter().copied() {
            let same = by_user.get(&(user, limiter)).filter(|known| known.rule == rule).cloned();
            let anew = || {
                let generation = self.last_generation.fetch_add(1, Ordering::Relaxed) + 1;
                let bucket = (rule.burst > 0).then(|| make(limiter, rule));
                Arc::new(Override { rule, bucket, generation })
            };
            next.insert((user, limiter), same.unwrap_or_else(anew));
        }
        let gone = by_user.keys().filter(|key| !next.contains_key(key)).map(|(user, limiter)| (*limiter, *user));
        let gone = gone.collect();
        self.any.store(!next.is_empty(), Ordering::Relaxed);
        *by_user = next;
        gone
    }
}

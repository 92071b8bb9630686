//! Limiters: how often a user, a pair of users, a network or a name may do something.
//!
//! Each row of the table ([`Limiter`]) has a bucket a key (GCRA). The buckets of all rows are in one table of bounded
//! size; a full bucket holds no information and is dropped. Buckets are of this process: with several servers, each
//! counts what comes to it.

mod bucket;
mod key;
mod key_table;
mod overrides;
mod refill;
mod row_keys;
mod sends;
mod shared;
mod time;
mod worst;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use key::LimiterKey;
pub use overrides::UserLimit;
pub use worst::WorstKey;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Limited, Limiter};
use crate::telemetry::metrics;
use bucket::Bucket;
use key::Hasher;
use key_table::KeyTable;
use overrides::Overrides;
use shared::Shared;
use time::Time;
use worst::Worst;

/// All limiters.
pub struct Limiters {
    /// One for each row; `None` for caps, and for rows that are off.
    buckets: Vec<Option<Bucket>>,
    overrides: Overrides,
    /// One for each row.
    worst: Vec<Worst>,
    keys: Arc<KeyTable>,
    time: Time,
    hasher: Hasher,
}

impl Limiters {
    /// Makes the limiters that are configured; with full buckets.
    #[must_use]
    pub fn new(config: &Config, clock: &Clock) -> Arc<Self> {
        let (keys, time) = (Arc::new(KeyTable::new(config.limits.max_keys)), Time::new(clock.clone()));
        let bucket = |limiter: &Limiter| Some(Bucket::new(*limiter, config.limit(*limiter)?, &keys, &time));
        let buckets = Limiter::ALL.iter().map(bucket).collect();
        let worst = Limiter::ALL.iter().map(|_| Worst::default()).collect();
        let (overrides, hasher) = (Overrides::default(), Hasher::default());
        Arc::new(Self { buckets, overrides, worst, keys, time, hasher })
    }

    /// Takes a token, or refuses.
    pub fn take(&self, limiter: Limiter, key: impl Into<LimiterKey>) -> Result<(), Limited> {
        self.take_some(limiter, key, 1)
    }

    /// Takes `count` tokens at once, or refuses and takes none. More than the bucket holds count as all that it holds.
    pub fn take_some(&self, limiter: Limiter, key: impl Into<LimiterKey>, count: u32) -> Result<(), Limited> {
        let key = key.into();
        self.take_quietly(limiter, key, count).inspect_err(|refusal| self.refused(*refusal, key))
    }

    /// Takes a token, or returns the time after which there is one again, for what is delayed and never refused.
    #[must_use]
    pub fn take_or_wait(&self, limiter: Limiter, key: impl Into<LimiterKey>) -> Option<Duration> {
        let key = key.into();
        let refusal = self.take_quietly(limiter, key, 1).err()?;
        self.delayed(limiter, key);
        Some(refusal.wait)
    }

    /// Takes a token, and waits for one up to `longest`. Refuses when it would take longer.
    ///
    /// Tokens that others wait for are not set aside: who comes at the right moment is first.
    pub async fn take_in_time(
        &self,
        limiter: Limiter,
        key: impl Into<LimiterKey>,
        longest: Duration,
    ) -> Result<(), Limited> {
        let (key, deadline) = (key.into(), Instant::now() + longest);
        let mut refusal = match self.take_quietly(limiter, key, 1) {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        while refusal.wait <= deadline.saturating_duration_since(Instant::now()) {
            self.delayed(limiter, key);
            tokio::time::sleep(refusal.wait).await;
            refusal = match self.take_quietly(limiter, key, 1) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
        }
        self.refused(refusal, key);
        Err(refusal)
    }

    /// Gives a token back that was taken.
    pub fn give_back(&self, limiter: Limiter, key: impl Into<LimiterKey>) {
        self.give_back_some(limiter, key.into(), 1);
    }

    fn give_back_some(&self, limiter: Limiter, key: LimiterKey, count: u32) {
        let limiter = for_family(limiter, key);
        if let Some(own) = self.overrides.of(limiter, key) {
            if let Some(bucket) = &own.bucket {
                bucket.give_back(self.hasher.own_slot(limiter, key, own.generation), None, count);
            }
        } else if let Some(bucket) = self.bucket(limiter) {
            bucket.give_back(self.hasher.slot(limiter, key), self.hasher.site_slot(limiter, key), count);
        }
    }

    /// Returns whether half of a bucket or more is used up.
    #[must_use]
    pub fn is_half_used(&self, limiter: Limiter, key: impl Into<LimiterKey>) -> bool {
        self.is_low(limiter, key.into(), 0, self.time.nanos())
    }

    /// Returns whether half of a bucket or more is used up at `now`, or would be by taking so many tokens. `now` is in
    /// nanoseconds.
    fn is_low(&self, limiter: Limiter, key: LimiterKey, needed: usize, now: u64) -> bool {
        let limiter = for_family(limiter, key);
        if let Some(own) = self.overrides.of(limiter, key) {
            let slot = || self.hasher.own_slot(limiter, key, own.generation);
            return own.bucket.as_ref().is_some_and(|bucket| bucket.is_low(slot, needed, now));
        }
        self.bucket(limiter).is_some_and(|bucket| bucket.is_low(|| self.hasher.slot(limiter, key), needed, now))
    }

    /// Returns the key of a user name as it was typed. Spellings that name one account have one key.
    #[must_use]
    pub fn name_key(&self, name: &str) -> LimiterKey {
        self.hasher.name(name)
    }

    /// Makes these the only limits of single users. Their buckets begin full, and so do those of users who have the
    /// limits of all again.
    pub fn set_user_limits(&self, limits: &[UserLimit]) {
        let make = |limiter, rule| Bucket::new(limiter, rule, &self.keys, &self.time);
        for (limiter, user) in self.overrides.replace(limits, make) {
            // Of pairs, whose other sides are not known here, the buckets have filled meanwhile.
            self.keys.forget(self.hasher.slot(limiter, LimiterKey::User(user)));
        }
    }

    /// Returns the keys that were refused or made to wait most often since the start, the worst first.
    #[must_use]
    pub fn worst(&self, limiter: Limiter) -> Vec<WorstKey> {
        self.worst.get(limiter as usize).map(Worst::list).unwrap_or_default()
    }

    /// Drops buckets that are full again. Must be called every few seconds.
    pub fn sweep(&self) {
        self.keys.sweep(self.time.nanos());
        metrics().limiters.keys.set(f64::from(u32::try_from(self.keys.len()).unwrap_or(u32::MAX)));
    }

    fn take_quietly(&self, limiter: Limiter, key: LimiterKey, count: u32) -> Result<(), Limited> {
        debug_assert_eq!(limiter.kind(), key.kind(), "{}", limiter.setting());
        let limiter = for_family(limiter, key);
        if let Some(own) = self.overrides.of(limiter, key) {
            let Some(bucket) = &own.bucket else { return Ok(()) };
            // There are few, and they are an operator's.
            return bucket.take(self.hasher.own_slot(limiter, key, own.generation), None, count);
        }
        let Some(bucket) = self.bucket(limiter) else { return Ok(()) };
        let (slot, site) = (self.hasher.slot(limiter, key), self.hasher.site_slot(limiter, key));
        if self.keys.has_room_for(slot) || self.keys.make_room(self.time.nanos()) {
            return bucket.take(slot, site, count);
        }
        metrics().limiters.overflowed(limiter);
        let passes = bucket.rule.fail_open && !matches!(key, LimiterKey::Class(_));
        if passes { Ok(()) } else { bucket.take_shared(Shared::place_of(key, slot), count) }
    }

    fn note(&self, limiter: Limiter, key: LimiterKey) {
        if let Some(worst) = self.worst.get(limiter as usize) {
            worst.record(key);
        }
    }

    fn bucket(&self, limiter: Limiter) -> Option<&Bucket> {
        self.buckets.get(limiter as usize)?.as_ref()
    }

    fn delayed(&self, limiter: Limiter, key: LimiterKey) {
        self.note(limiter, key);
        metrics().limiters.delayed(limiter);
    }

    fn refused(&self, refusal: Limited, key: LimiterKey) {
        self.note(refusal.limiter, key);
        metrics().limiters.refused(refusal.limiter);
    }
}

/// Returns the row for the family of the key's address, where each has its own.
fn for_family(limiter: Limiter, key: LimiterKey) -> Limiter {
    match (limiter, key) {
        (Limiter::LoginAddress, LimiterKey::Class(class)) if class.site().is_some() => Limiter::LoginAddressV6,
        _ => limiter,
    }
}

#[cfg(test)]
mod tests;

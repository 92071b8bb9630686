//! The buckets of one limiter.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::key_table::KeyTable;
use super::row_keys::RowKeys;
use super::shared::Shared;
use super::time::{BucketTime, Time};
use crate::domain::{LimitRule, Limited, Limiter, LimiterKind};

/// How many times what one address may do a network of addresses may.
const NETWORK_FACTOR: u32 = 16;

type Buckets<K, S> = RateLimiter<K, S, BucketTime, NoOpMiddleware<Duration>>;

/// The buckets of one limiter, a key each.
pub(super) struct Bucket {
    pub(super) rule: LimitRule,
    limiter: Limiter,
    table: Arc<KeyTable>,
    time: Time,
    /// A bucket that needs so many nanoseconds to be full is half used up.
    half: u64,
    keys: RowKeys,
    own: Buckets<u64, RowKeys>,
    /// For the sites around IPv6 addresses.
    sites: Option<Buckets<u64, RowKeys>>,
    /// Made when the table of keys is full for the first time.
    shared: OnceLock<Buckets<u16, Shared>>,
}

impl Bucket {
    pub(super) fn new(limiter: Limiter, rule: LimitRule, table: &Arc<KeyTable>, time: &Time) -> Self {
        let half = nanos(rule.every.saturating_mul(rule.burst) / 2);
        let (keys, of_sites) = (RowKeys::new(table, half), RowKeys::new(table, u64::MAX));
        let made = |quota, keys| Buckets::new(quota, keys, BucketTime::new(time));
        Self {
            own: made(quota(rule), keys.clone()),
            sites: (limiter.kind() == LimiterKind::Class).then(|| made(quota(of_network(rule)), of_sites)),
            shared: OnceLock::new(),
            rule,
            limiter,
            table: table.clone(),
            time: time.clone(),
            half,
            keys,
        }
    }

    /// Takes tokens of a key, and of the site around it.
    pub(super) fn take(&self, slot: u64, site: Option<u64>, count: u32) -> Result<(), Limited> {
        self.check(&self.own, &slot, count)?;
        let (Some(sites), Some(site)) = (&self.sites, site) else { return Ok(()) };
        self.check(sites, &site, count).inspect_err(|_| self.table.give_back(slot, self.filling(self.rule, count)))
    }

    /// Takes tokens of the bucket that a key without room in the table shares with others.
    pub(super) fn take_shared(&self, place: u16, count: u32) -> Result<(), Limited> {
        let made = || Buckets::new(quota(of_network(self.rule)), Shared::new(), BucketTime::new(&self.time));
        self.check(self.shared.get_or_init(made), &place, count)
    }

    /// Gives tokens back.
    pub(super) fn give_back(&self, slot: u64, site: Option<u64>, count: u32) {
        self.table.give_back(slot, self.filling(self.rule, count));
        if let Some(site) = site {
            self.table.give_back(site, self.filling(of_network(self.rule), count));
        }
    }

    /// Returns the time after which a key has a token again; zero when it has one.
    pub(super) fn wait(&self, slot: u64, site: Option<u64>) -> Duration {
        let now = self.time.nanos();
        let wait = |rule: LimitRule, slot| {
            let filling = Duration::from_nanos(self.table.full_at(slot).saturating_sub(now));
            filling.saturating_sub(rule.every.saturating_mul(rule.burst.saturating_sub(1)))
        };
        let of_site = site.map(|site| wait(of_network(self.rule), site));
        wait(self.rule, slot).max(of_site.unwrap_or_default())
    }

    fn check<K, S>(&self, buckets: &Buckets<K, S>, key: &K, count: u32) -> Result<(), Limited>
    where
        K: std::hash::Hash + Eq + Clone,
        S: StateStore<Key = K>,
    {
        let count = NonZeroU32::new(count.min(self.rule.burst)).unwrap_or(NonZeroU32::MIN);
        // Not more than fits.
        let Ok(Err(until)) = buckets.check_key_n(key, count) else { return Ok(()) };
        let wait = until.wait_time_from(buckets.clock().now());
        Err(Limited { limiter: self.limiter, wait })
    }

    /// Returns whether half of a bucket or more is used up at `now`, or would be by taking so many tokens of a full
    /// one. `now` is in nanoseconds.
    pub(super) fn is_low(&self, slot: impl FnOnce() -> u64, needed: usize, now: u64) -> bool {
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        nanos(self.rule.every.saturating_mul(needed)) >= self.half
            || self.keys.may_be_low(now) && self.table.full_at(slot()).saturating_sub(now) >= self.half
    }

    /// Returns the time in which tokens come back, in nanoseconds.
    fn filling(&self, rule: LimitRule, count: u32) -> u64 {
        nanos(rule.every.saturating_mul(count.min(self.rule.burst)))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the numbers for a network of addresses.
fn of_network(rule: LimitRule) -> LimitRule {
    let every = (rule.every / NETWORK_FACTOR).max(Duration::from_nanos(1));
    LimitRule { burst: rule.burst.saturating_mul(NETWORK_FACTOR), every, ..rule }
}

fn quota(rule: LimitRule) -> Quota {
    // A rule has neither zero tokens nor a zero time.
    let burst = NonZeroU32::new(rule.burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(rule.every).unwrap_or_else(|| Quota::per_second(burst)).allow_burst(burst)
}

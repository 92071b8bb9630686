//! The keys of one row, as governor's limiters use them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::nanos::Nanos;
use governor::state::StateStore;

use super::key_table::KeyTable;

/// How exactly it is known until when a bucket of a row is low, in nanoseconds.
const LOW_STEP_NS: u64 = 1_000_000_000;

/// The keys of one row, in the table of all rows.
#[derive(Clone)]
pub(super) struct RowKeys {
    table: Arc<KeyTable>,
    low: Arc<Low>,
}

/// Whether any bucket of a row is low: most often none is, which saves looking up each.
#[derive(Default)]
struct Low {
    /// From so long on before the moment at which it is full, a bucket is low; in nanoseconds.
    from: u64,
    /// The moment until which one may be low. It is up to [`LOW_STEP_NS`] late, so that it is seldom moved.
    until: AtomicU64,
}

impl Low {
    /// Notes the moment at which a bucket is full.
    fn note(&self, full_at: u64) {
        let until = full_at.saturating_sub(self.from);
        if until > self.until.load(Ordering::Relaxed) {
            self.until.fetch_max(until.saturating_add(LOW_STEP_NS), Ordering::Relaxed);
        }
    }
}

impl RowKeys {
    /// Makes the keys of a row, whose buckets are low when they need so many nanoseconds or more to be full.
    pub(super) fn new(table: &Arc<KeyTable>, low_from: u64) -> Self {
        let low = Low { from: low_from, ..Low::default() };
        Self { table: table.clone(), low: Arc::new(low) }
    }

    /// Returns whether a bucket of the row may be low at `now`.
    pub(super) fn may_be_low(&self, now: u64) -> bool {
        self.low.until.load(Ordering::Relaxed) > now
    }
}

impl StateStore for RowKeys {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let decide = |full_at: Option<u64>| {
            let (decision, full_at) = decide(full_at.map(Nanos::new))?;
            Ok((decision, full_at.as_u64()))
        };
        let (decision, full_at) = self.table.replace(*key, decide)?;
        self.low.note(full_at);
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From so long on a bucket is low.
    const FROM_NS: u64 = 3_000_000_000;

    proptest! {
        /// Whatever is counted when: a bucket that is low is never left out.
        #[test]
        fn a_row_with_a_low_bucket_says_so(
            counted in prop::collection::vec((0_u64..3, 0..2 * FROM_NS, 0..2 * FROM_NS), 1..40),
        ) {
            let table = Arc::new(KeyTable::new(1024));
            let keys = RowKeys::new(&table, FROM_NS);
            let (mut now, mut latest) = (0, 0);
            for (key, pause, needs) in counted {
                now += pause;
                latest = latest.max(now + needs);
                keys.measure_and_replace(&key, |_| Ok::<_, ()>(((), Nanos::new(now + needs)))).unwrap();
                let is_low = |key| table.full_at(key) >= now + FROM_NS;
                prop_assert!(keys.may_be_low(now) || !(0..3).any(is_low));
                prop_assert!(!keys.may_be_low(latest.saturating_sub(FROM_NS) + LOW_STEP_NS), "it does not stay so");
            }
        }
    }
}

//! Buckets that many keys share, for new ones while the table of keys is full: of fixed size, so that nobody can
//! exhaust them, and many, so that a flood leaves most newcomers alone. Addresses share them with their provider, all
//! else by chance.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::nanos::Nanos;
use governor::state::StateStore;

use super::LimiterKey;

/// As many as there are IPv4 networks of length 16.
const PLACES: usize = 1 << 16;

/// The states of all; see the states of [`KeyTable`](super::key_table::KeyTable). 0: no state.
#[derive(Clone)]
pub(super) struct Shared(Arc<[AtomicU64]>);

impl Shared {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    /// Returns the place of a key, whose bucket of its own would have the number `slot`. Of addresses an IPv4 /16 has
    /// its own; IPv6 /32 share them.
    pub(super) fn place_of(key: LimiterKey, slot: u64) -> u16 {
        let LimiterKey::Class(class) = key else { return (slot >> 48) as u16 };
        match class.provider().first() {
            IpAddr::V4(v4) => (v4.to_bits() >> 16) as u16,
            IpAddr::V6(v6) => {
                let [first, second, ..] = v6.segments();
                // Any odd number spreads them: those in use differ in few bits.
                (u32::from(first) << 16 | u32::from(second)).wrapping_mul(0x9E37_79B1).to_be_bytes()[..2]
                    .iter()
                    .fold(0, |place, byte| place << 8 | u16::from(*byte))
            }
        }
    }
}

impl StateStore for Shared {
    type Key = u16;

    fn measure_and_replace<T, F, E>(&self, key: &u16, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let state = &self.0[usize::from(*key)];
        let mut known = state.load(Ordering::Relaxed);
        loop {
            let (decision, full_at) = decide((known > 0).then(|| Nanos::new(known)))?;
            match state.compare_exchange_weak(known, full_at.as_u64(), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(decision),
                Err(other) => known = other,
            }
        }
    }
}

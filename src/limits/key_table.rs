//! The states of all buckets, in a table of bounded size.
//!
//! A state is the moment, in nanoseconds, at which its bucket is full (GCRA's theoretical arrival time). From that
//! moment on it says no more than no state would, so it can be dropped; a state before it never is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts of the table, each with a lock of its own; a power of two.
const PARTS: usize = 64;
/// The time between two sweeps of a table that is full, in nanoseconds: a sweep of a million keys takes milliseconds.
const SWEEP_EVERY_NS: u64 = 1_000_000_000;
/// A part gives memory back when it could hold so many times what it does.
const ROOMY: usize = 4;

/// Keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only `write_u64` is called, for a key; others would be right, too.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

type Part = HashMap<u64, u64, BuildHasherDefault<AsItIs>>;

/// A part in cache lines of its own: another core's use of its neighbour does not slow it down.
#[derive(Default)]
#[repr(align(128))]
struct LockedPart(Mutex<Part>);

/// The states of buckets by the hashes of their keys.
pub(super) struct KeyTable {
    parts: Vec<LockedPart>,
    len: AtomicUsize,
    max: usize,
    /// When it was swept last because it was full.
    swept_at: AtomicU64,
}

impl KeyTable {
    /// Makes a table for `max` keys.
    pub(super) fn new(max: usize) -> Self {
        let parts = (0..PARTS).map(|_| LockedPart::default()).collect();
        Self { parts, len: AtomicUsize::new(0), max, swept_at: AtomicU64::new(0) }
    }

    /// Returns how many keys there are.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Returns how many keys there may be.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Returns whether the key is there, or may be added. Threads that ask at once may exceed the bound by one each.
    pub(super) fn has_room_for(&self, key: u64) -> bool {
        self.len() < self.max || self.part(key).contains_key(&key)
    }

    /// Sweeps a table that is full, but not again and again. Returns whether there is room now.
    pub(super) fn make_room(&self, now: u64) -> bool {
        let last = self.swept_at.load(Ordering::Relaxed);
        let is_due = last == 0 || now.saturating_sub(last) >= SWEEP_EVERY_NS;
        if is_due && self.swept_at.compare_exchange(last, now.max(1), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.sweep(now);
        }
        self.len() < self.max
    }

    /// Drops the states of full buckets; `now` is in nanoseconds.
    pub(super) fn sweep(&self, now: u64) {
        for part in &self.parts {
            let mut part = lock(part);
            let before = part.len();
            part.retain(|_, full_at| *full_at > now);
            self.len.fetch_sub(before - part.len(), Ordering::Relaxed);
            if part.capacity() > part.len().saturating_mul(ROOMY) {
                part.shrink_to_fit();
            }
        }
    }

    /// Returns the moment at which a bucket is full, in nanoseconds; 0 when it is.
    pub(super) fn full_at(&self, key: u64) -> u64 {
        self.part(key).get(&key).copied().unwrap_or_default()
    }

    /// Makes a bucket full `nanos` sooner.
    pub(super) fn give_back(&self, key: u64, nanos: u64) {
        if let Some(full_at) = self.part(key).get_mut(&key) {
            *full_at = full_at.saturating_sub(nanos);
        }
    }

    /// Makes a bucket full.
    pub(super) fn forget(&self, key: u64) {
        if self.part(key).remove(&key).is_some() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Replaces the moment at which a bucket is full (`None`: it is) by what `decide` makes of it, unless that fails.
    pub(super) fn replace<T, E>(
        &self,
        key: u64,
        decide: impl Fn(Option<u64>) -> Result<(T, u64), E>,
    ) -> Result<(T, u64), E> {
        match self.part(key).entry(key) {
            Entry::Occupied(mut known) => {
                let (decision, full_at) = decide(Some(*known.get()))?;
                known.insert(full_at);
                Ok((decision, full_at))
            }
            Entry::Vacant(place) => {
                let (decision, full_at) = decide(None)?;
                place.insert(full_at);
                self.len.fetch_add(1, Ordering::Relaxed);
                Ok((decision, full_at))
            }
        }
    }

    fn part(&self, key: u64) -> MutexGuard<'_, Part> {
        // The map itself uses the lowest and the highest bits.
        let index = (key >> 32) as usize % PARTS;
        lock(&self.parts[index])
    }
}

fn lock(part: &LockedPart) -> MutexGuard<'_, Part> {
    // Plain numbers are whole after any panic.
    part.0.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u64) -> u64 {
        number << 32 | number
    }

    /// Keys whose buckets are full at their own numbers.
    fn filled(keys: std::ops::Range<u64>) -> KeyTable {
        let table = KeyTable::new(usize::try_from(keys.end).unwrap());
        for key in keys {
            table.replace(slot(key), |_| Ok::<_, ()>(((), key))).unwrap();
        }
        table
    }

    #[test]
    fn only_full_buckets_are_dropped() {
        let table = filled(0..1000);
        table.sweep(600);
        assert_eq!(table.len(), 399);
        assert!(table.has_room_for(slot(601)));
        assert!(table.part(slot(600)).get(&slot(600)).is_none());
        table.sweep(2000);
        assert_eq!(table.len(), 0);
        assert!(table.parts.iter().all(|part| lock(part).capacity() == 0), "the memory is given back");
    }

    #[test]
    fn a_full_table_is_swept_once_a_second_for_all_who_ask() {
        let table = filled(0..1000);
        assert!(!table.has_room_for(slot(5000)) && table.has_room_for(slot(7)), "known keys have their room");
        assert!(table.make_room(1), "some were full already");
        let table = filled(SWEEP_EVERY_NS..SWEEP_EVERY_NS + 1000);
        let table = KeyTable { max: 1000, ..table };
        assert!(!table.make_room(5));
        assert!(!table.make_room(SWEEP_EVERY_NS + 4), "a moment ago nothing could be dropped");
        assert!(table.make_room(SWEEP_EVERY_NS + 5));
    }

    #[test]
    fn a_token_given_back_never_makes_more_than_a_full_bucket() {
        let table = filled(100..101);
        table.give_back(slot(100), 500);
        assert_eq!(*table.part(slot(100)).get(&slot(100)).unwrap(), 0);
        table.give_back(7, 1);
        assert_eq!(table.len(), 1, "of what is not there nothing is kept");
    }
}

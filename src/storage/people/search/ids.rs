//! Sets of user ids, block by block.

use crate::domain::UserId;
use crate::storage::StorageError;

/// Ids of a block, which are 15 bits.
const IDS: usize = 1 << BITS;
const BITS: usize = 15;
const WORDS: usize = IDS / 64;
/// Bytes of a bitmap.
const BYTES: usize = IDS / 8;

/// Sets with fewer ids are stored as lists of ids.
const LISTED: u32 = 2048;

/// Returns the block of an id, counted from 0.
pub(super) fn block_of(id: UserId) -> i32 {
    id.0 >> BITS
}

/// Some ids of one block.
///
/// The stored form is the list of the ids' places in the block, in order, 16 bits each with the lower byte first; or,
/// when that would not be smaller, a bitmap of 4096 bytes with a bit for each place, the lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdSet(Box<[u64; WORDS]>);

impl IdSet {
    pub(super) fn new() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// Reads the stored form.
    pub(super) fn from_stored(bytes: &[u8]) -> Result<Self, StorageError> {
        const CORRUPT: StorageError = StorageError::Corrupt("a set of user ids");
        let mut set = Self::new();
        if bytes.len() == BYTES {
            for (word, bytes) in set.0.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            return Ok(set);
        }
        let (places, rest) = bytes.as_chunks();
        let places = places.iter().map(|place| usize::from(u16::from_le_bytes(*place)));
        for place in places {
            *set.0.get_mut(place / 64).ok_or(CORRUPT)? |= 1 << (place % 64);
        }
        if rest.is_empty() { Ok(set) } else { Err(CORRUPT) }
    }

    /// Returns the stored form.
    pub(super) fn to_stored(&self) -> Vec<u8> {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        if count < LISTED {
            self.places().flat_map(u16::to_le_bytes).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn insert(&mut self, id: UserId) {
        let (word, bit) = Self::place(id);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, id: UserId) {
        let (word, bit) = Self::place(id);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Removes all ids that are not in `other`.
    pub(super) fn retain(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0.iter()) {
            *word &= other;
        }
    }

    /// Returns the ids in order; `block` is the block that this is the set of.
    pub(super) fn ids(&self, block: i32) -> impl Iterator<Item = UserId> {
        self.places().map(move |place| UserId(block << BITS | i32::from(place)))
    }

    fn places(&self) -> impl Iterator<Item = u16> {
        (0_u16..).step_by(64).zip(self.0.iter()).flat_map(|(first, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = u16::try_from(rest.trailing_zeros()).ok().filter(|_| rest != 0)?;
                rest &= rest - 1;
                Some(first + bit)
            })
        })
    }

    /// Returns the word and the bit of an id in its block.
    fn place(id: UserId) -> (usize, u64) {
        // Never fails: it is fifteen bits, not negative.
        let place = usize::try_from(id.0 & ((1 << BITS) - 1)).unwrap_or_default();
        (place / 64, 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
            #[test]
            fn sets_are_read_as_they_were_stored(
                block in 0..=i32::MAX >> BITS,
                ids in prop_oneof![
                prop::collection::vec(0..32_768_i32, 0..20),
                (2_040..2_060).prop_map(|count| (0..count).map(|i| i * 15).collect()),
                (1..20_usize).prop_map(|step| (0..32_768).step_by(step).collect()),
            ],
            gone in 0..32_768_i32,
            ) {
                let ids: BTreeSet<UserId> = Vec::into_iter(ids).map(|place| UserId(block << BITS | place)).collect();
                let mut set = IdSet::new();
                for id in &ids {
     set.insert(*id);
    }
                prop_assert_eq!(set.is_empty(), ids.is_empty());
                prop_assert!(ids.iter().all(|id| block_of(*id) == block));
                let stored = set.to_stored();
                prop_assert_eq!(stored.len(), BYTES.min(2 * ids.len()));
                let mut back = IdSet::from_stored(&stored).unwrap();
                prop_assert_eq!(&back, &set);
                prop_assert_eq!(back.ids(block).collect::<BTreeSet<_>>(), ids.clone());
                prop_assert!(back.ids(block).is_sorted());
                let gone = UserId(block << BITS | gone);
                back.remove(gone);
                let mut fewer = ids.clone();
                fewer.remove(&gone);
                prop_assert_eq!(back.ids(block).collect::<BTreeSet<_>>(), fewer);
                set.retain(&back);
                prop_assert_eq!(set, back);
            }

            #[test]
            fn any_bytes_are_a_set_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
                let _ = IdSet::from_stored(&bytes);
            }
        }

    #[test]
    fn what_is_no_set_is_refused() {
        for bad in [&[1][..], &[0, 0x80], &[0; 4_097], &[0xff; 4_098]] {
            assert!(IdSet::from_stored(bad).is_err(), "{bad:?}");
        }
    }
}

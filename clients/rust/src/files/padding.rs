//! Padding, so that the size of a ciphertext says little about the size of its file.

use super::key::{PLAIN_SEGMENT, SEGMENT, TAG};

/// Files are padded to so many bytes at least.
const SMALLEST: u64 = 4096;

/// Returns to how many bytes a file of `size` is padded before it is encrypted, where its ciphertext may have at most
/// `limit` bytes. `None` when that has no room for the file.
///
/// By Padmé (Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: "Reducing Metadata Leakage from Encrypted Files and
/// Communication with PURBs", `PoPETs` 2019, section 4): at most 12 % are added, and a size says no more than
/// O(log log size) bits.
#[must_use]
pub fn padded(size: u64, limit: u64) -> Option<u64> {
    let most = largest_within(limit);
    (size <= most).then(|| padme(size.max(SMALLEST)).min(most))
}

/// Returns how many bytes a ciphertext has for so many bytes.
#[must_use]
pub fn sealed_size(padded: u64) -> u64 {
    let segments = padded.div_ceil(PLAIN_SEGMENT as u64).max(1);
    padded.saturating_add(segments.saturating_mul(TAG as u64))
}

/// Returns the most bytes whose ciphertext has at most `limit` bytes.
#[must_use]
pub fn largest_within(limit: u64) -> u64 {
    let (whole, rest) = (limit / SEGMENT as u64, limit % SEGMENT as u64);
    whole * PLAIN_SEGMENT as u64 + rest.saturating_sub(TAG as u64)
}

/// Rounds up until the last bits of the number are zero, as many as leave about log2(log2(size)) of it.
fn padme(size: u64) -> u64 {
    let exponent = size.max(2).ilog2();
    let zeros = exponent - (exponent.ilog2() + 1);
    let mask = (1_u64 << zeros) - 1;
    size.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_of_the_document() {
        for (size, expected) in [
            (0, 4096),
            (4096, 4096),
            (4097, 4352),
            (65_520, 65_536),
            (100_000, 100_352),
            (1_000_000, 1_015_808),
            (104_857_600, 104_857_600),
        ] {
            assert_eq!(padded(size, u64::MAX), Some(expected), "{size}");
        }
        // No more than there is room for.
        assert_eq!(padded(1_000_000, sealed_size(1_000_001)), Some(1_000_001));
        assert_eq!(padded(1_000_000, 1_000_000), None);
    }

    proptest! {
        #[test]
        fn little_is_added_and_the_limit_is_kept(size in 0_u64..1 << 40, limit in 16_u64..1 << 41) {
            let most = largest_within(limit);
            prop_assert!(sealed_size(most) <= limit);
            prop_assert!(sealed_size(most + 1) > limit || limit % SEGMENT as u64 <= TAG as u64);
            if let Some(padded) = padded(size, limit) {
                prop_assert!(padded >= size && sealed_size(padded) <= limit);
                prop_assert!(padded <= (size + size / 8).max(SMALLEST));
            } else {
                prop_assert!(sealed_size(size) > limit);
            }
        }
    }
}

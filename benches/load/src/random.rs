//! Pseudo-random numbers, the same for the same seed on every machine.

use std::time::Duration;

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Makes the generator `number` of many that share a seed.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut random = Self(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self(random.next())
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `bound`, or 0 when `bound` is 0. All are equally likely, to within bound / 2⁶⁴.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Returns an index into a list of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Returns one of several items; `None` of an empty list.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.index(from.len()))
    }

    /// Returns the time until a random event that happens once in `mean` on average.
    #[expect(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
    pub(crate) fn wait(&mut self, mean: Duration) -> Duration {
        // Above 0, so that the logarithm is finite: at most 36.7.
        let uniform = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        mean.mul_f64(-uniform.min(1.0).ln())
    }

    /// Returns true in `permille` of 1000 cases.
    pub(crate) fn chance(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_seeds() {
        let mut random = Random::of(7, 0);
        let numbers: Vec<u64> = (0..1000).map(|_| random.below(10)).collect();
        assert!((0..10).all(|n| numbers.iter().filter(|&&found| found == n).count() > 60), "{numbers:?}");
        assert_eq!(Random::of(7, 1).next(), Random::of(7, 1).next());
        assert_ne!(Random::of(7, 1).next(), Random::of(7, 2).next());
        let waits: Duration = (0..10_000).map(|_| random.wait(Duration::from_secs(1))).sum();
        assert!((9_500..10_500).contains(&waits.as_secs()), "{waits:?}");
        assert_eq!((random.below(0), random.pick::<u8>(&[])), (0, None));
    }
}

//! Pseudo-random numbers for tests: the same seed gives the same run, everywhere.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A SplitMix64 generator. Good enough to shuffle a test, and nothing else.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, uniform over all 64 bits.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    ///
    /// If `bound` is zero.
    pub const fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below zero");
        ((self.number() as u128 * bound as u128) >> 64) as u64
    }

    /// True `per_mille` times in a thousand.
    pub const fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille as u64
    }

    /// A duration in a range, both ends included.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    pub fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let span = (*range.end())
            .checked_sub(*range.start())
            .expect("a range of durations ends after it starts");
        let nanos = u64::try_from(span.as_nanos()).expect("virtual delays fit 64 bits");
        *range.start() + Duration::from_nanos(self.below(nanos + 1))
    }
}

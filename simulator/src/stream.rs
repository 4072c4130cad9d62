//! Random numbers by name.

use quorate_core::testing::Random;
use std::time::Duration;

/// The random numbers of one kind of happening in a run. Each kind has numbers of its own, so
/// that switching one off, or adding one, does not move the others.
pub(crate) fn stream(seed: u64, name: &str) -> Random {
    // FNV-1a: the name only has to make a difference.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut mixer = Random::new(seed ^ hash.rotate_left(32));
    Random::new(mixer.number())
}

/// Bits after the point of a logarithm.
const FRACTION: u32 = 16;

/// A duration whose mean is about `mean`, with an exponential tail, and never more than 32 times
/// the mean.
///
/// In integers, because logarithms of floats differ between machines; a straight line stands for
/// the logarithm's fraction, which is off by a tenth at most.
pub(crate) fn exponential(random: &mut Random, mean: Duration) -> Duration {
    let number = random.number() | 1;
    let zeros = number.leading_zeros();
    let fraction = ((number << zeros) << 1) >> (64 - FRACTION);
    // -log2 of number / 2^64, in 65536ths; at most 64.
    let halvings = (u64::from(zeros + 1) << FRACTION) - fraction;
    // The natural logarithm of two, in 65536ths.
    let scaled = (u128::from(halvings) * 45_426 * mean.as_nanos()) >> (2 * FRACTION);
    let nanos = scaled.min(mean.as_nanos() * 32);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// One of these; none if there are none.
pub(crate) fn pick<T: Copy>(random: &mut Random, from: &[T]) -> Option<T> {
    let count = from.len() as u64;
    (count > 0).then(|| from[random.below(count) as usize])
}

/// Puts these in another order.
pub(crate) fn shuffle<T>(random: &mut Random, all: &mut [T]) {
    for last in (1..all.len()).rev() {
        all.swap(last, random.below(last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_durations_have_their_mean_and_a_tail() {
        let mean = Duration::from_millis(10);
        let mut random = stream(1, "test");
        let all: Vec<_> = (0..100_000)
            .map(|_| exponential(&mut random, mean))
            .collect();
        let found = all.iter().sum::<Duration>() / 100_000;
        assert!(found.abs_diff(mean) < mean / 10, "mean {found:?}");
        let long = all.iter().filter(|it| **it > mean * 3).count();
        assert!((3_000..7_000).contains(&long), "{long} of 5 % are long");
        let short = all.iter().filter(|it| **it < mean / 10).count();
        assert!(
            (7_000..12_000).contains(&short),
            "{short} of 9.5 % are short"
        );
    }

    #[test]
    fn names_and_seeds_give_different_numbers() {
        let first = |seed, name| stream(seed, name).number();
        assert_eq!(first(1, "loss"), first(1, "loss"));
        assert_ne!(first(1, "loss"), first(1, "delay"));
        assert_ne!(first(1, "loss"), first(2, "loss"));
    }

    #[test]
    fn a_shuffle_keeps_everything() {
        let mut all: Vec<_> = (0..20).collect();
        shuffle(&mut stream(3, "test"), &mut all);
        assert_ne!(all, (0..20).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
    }
}

//! Finding the culprits in a batch that failed.

use std::ops::Range;

/// Judges `count` items with a check that says whether all items of a range are good.
///
/// A range that fails is halved. Where the left half turns out good the right half is known to be
/// bad and is not checked as a whole, nor at all if it is one item. So k bad items among n cost
/// O(k log n) checks and never more than 2n − 1, and the recursion is ⌈log₂ n⌉ deep.
pub(crate) fn verdicts(count: usize, mut good: impl FnMut(Range<usize>) -> bool) -> Vec<bool> {
    let mut verdicts = vec![false; count];
    if count > 0 {
        judge(0..count, Known::Nothing, &mut good, &mut verdicts);
    }
    verdicts
}

/// What is known of a range before it is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    HasBad,
}

/// Fills in the verdicts of a range; what it has learnt of it.
fn judge(
    range: Range<usize>,
    known: Known,
    good: &mut impl FnMut(Range<usize>) -> bool,
    verdicts: &mut [bool],
) -> Known {
    if known == Known::Nothing && good(range.clone()) {
        verdicts[range].fill(true);
        return Known::Nothing;
    }
    if range.len() > 1 {
        let middle = range.start + range.len() / 2;
        let right = match judge(range.start..middle, Known::Nothing, good, verdicts) {
            Known::Nothing => Known::HasBad,
            Known::HasBad => Known::Nothing,
        };
        judge(middle..range.end, right, good, verdicts);
    }
    Known::HasBad
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(items: &[bool]) -> (Vec<bool>, usize) {
        let mut checks = 0;
        let found = verdicts(items.len(), |range| {
            checks += 1;
            items[range].iter().all(|good| *good)
        });
        (found, checks)
    }

    #[test]
    fn a_good_batch_costs_one_check_and_an_empty_one_none() {
        assert_eq!(run(&[true; 67]), (vec![true; 67], 1));
        assert_eq!(run(&[]), (vec![], 0));
    }

    proptest! {
        #[test]
        fn names_exactly_the_culprits_within_the_bound(
            items in prop::collection::vec(prop::bool::weighted(0.8), 1..300),
        ) {
            let (found, checks) = run(&items);
            prop_assert_eq!(&found, &items);
            let bad = items.iter().filter(|good| !**good).count();
            let depth = items.len().next_power_of_two().ilog2() as usize;
            prop_assert!(checks <= (1 + 2 * bad * depth).min(2 * items.len() - 1));
        }
    }
}

//! Quorum arithmetic, for every total and every split of it.

use proptest::prelude::*;
use quorate_core::testing::mock_validators;
use quorate_core::{QuorumPower, ReplicaId, SignerSet, Threshold, ValidatorSet};

/// Total, most that is faulty, quorum: worked out by hand.
const TABLE: [(u64, u64, u64); 21] = [
    (1, 0, 1),
    (2, 0, 2),
    (3, 0, 2),
    (4, 1, 3),
    (5, 1, 4),
    (6, 1, 4),
    (7, 2, 5),
    (8, 2, 6),
    (9, 2, 6),
    (10, 3, 7),
    (11, 3, 8),
    (12, 3, 8),
    (13, 4, 9),
    (14, 4, 10),
    (15, 4, 10),
    (16, 5, 11),
    (17, 5, 12),
    (18, 5, 12),
    (19, 6, 13),
    (20, 6, 14),
    (21, 6, 14),
];

#[test]
fn the_table_holds() {
    for (total, faulty, quorum) in TABLE {
        let power = QuorumPower::of(total).unwrap();
        assert_eq!(power.total(), total);
        assert_eq!((power.faulty(), power.quorum()), (faulty, quorum));
        assert_eq!(power.weak(), faulty + 1);
        assert_eq!(power.needed(Threshold::Quorum), quorum);
        assert_eq!(power.needed(Threshold::Weak), faulty + 1);
    }
    assert_eq!(QuorumPower::of(0), None);
}

fn holds(total: u64) {
    let power = QuorumPower::of(total).unwrap();
    let [n, f, q] = [power.total(), power.faulty(), power.quorum()].map(i128::from);
    assert!(n > 3 * f, "fewer than a third are faulty");
    assert!(n <= 3 * (f + 1), "one more would be too many");
    assert!(2 * q - n > f, "two quorums share a correct replica");
    assert!(q <= n - f, "the correct replicas are a quorum");
    assert!(2 * (q - 1) - n <= f, "a smaller quorum would not do");
    assert!(i128::from(power.weak()) > f && i128::from(power.weak()) <= q);
}

#[test]
fn it_holds_at_the_ends() {
    (1..2000).for_each(holds);
    (u64::MAX - 2000..=u64::MAX).for_each(holds);
    (i64::MAX as u64 - 2000..=i64::MAX as u64 + 2000).for_each(holds);
}

proptest! {
    #[test]
    fn it_holds_for_every_total(total in 1..=u64::MAX, shift in 0..63u32) {
        holds(total);
        holds((total >> shift).max(1));
    }
}

/// Every set of the validators.
fn subsets(validators: &ValidatorSet) -> Vec<SignerSet> {
    let subset = |bits: u32| {
        let mut set = SignerSet::empty(validators.len());
        for id in validators.ids().filter(|id| bits >> id.0 & 1 == 1) {
            set.insert(id);
        }
        set
    };
    (0..1 << validators.len()).map(subset).collect()
}

fn any_two_quorums_share_a_correct_replica(powers: &[u64]) {
    let validators = mock_validators(powers);
    let faulty = validators.quorum().faulty();
    let sets = subsets(&validators);
    let power = |set: &SignerSet| validators.power_of(set).unwrap();
    let quorums: Vec<_> = sets
        .iter()
        .filter(|set| validators.reaches(set, Threshold::Quorum))
        .collect();
    for first in &quorums {
        for second in &quorums {
            let mut shared = SignerSet::empty(validators.len());
            for id in first.iter().filter(|id| second.contains(*id)) {
                shared.insert(id);
            }
            assert!(power(&shared) > faulty, "{powers:?}: {first:?} {second:?}");
            assert!(validators.reaches(&shared, Threshold::Weak));
        }
    }
    for bad in sets.iter().filter(|set| power(set) <= faulty) {
        assert!(!validators.reaches(bad, Threshold::Weak));
        let mut good = SignerSet::empty(validators.len());
        for id in validators.ids().filter(|id| !bad.contains(*id)) {
            good.insert(id);
        }
        assert!(
            validators.reaches(&good, Threshold::Quorum),
            "{powers:?}: {good:?} alone decide"
        );
    }
}

#[test]
fn weighted_sets_by_enumeration() {
    for n in 1..=4u32 {
        for code in 0..5u64.pow(n) {
            let powers: Vec<_> = (0..n).map(|digit| 1 + code / 5u64.pow(digit) % 5).collect();
            any_two_quorums_share_a_correct_replica(&powers);
        }
    }
    for powers in [
        &[1, 1, 1, 1, 1, 1, 1][..],
        &[100, 1, 1, 1, 1, 1],
        &[7, 5, 3, 2, 2, 1, 1],
        &[10, 10, 10, 1, 1, 1],
    ] {
        any_two_quorums_share_a_correct_replica(powers);
    }
}

#[test]
fn a_set_out_of_other_validators_reaches_nothing() {
    let validators = mock_validators(&[1; 4]);
    for replicas in [0, 3, 5, 1024] {
        let mut set = SignerSet::empty(replicas);
        (0..replicas.min(4)).for_each(|id| {
            set.insert(ReplicaId(id as u16));
        });
        assert_eq!(validators.power_of(&set), None);
        assert!(!validators.reaches(&set, Threshold::Weak));
    }
}

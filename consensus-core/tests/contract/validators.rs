//! Validator sets and leaders.

use proptest::prelude::*;
use quorate_core::testing::mock_validators;
use quorate_core::{
    Height, LeaderSchedule, MAX_VALIDATORS, Place, ReplicaId, Rotation, Validator, ValidatorSet,
    ValidatorSetError, View, VotingKey,
};
use std::collections::BTreeMap;

fn validator(identity: u16, power: u64) -> Validator {
    let mut key = [0; 32];
    key[..2].copy_from_slice(&identity.to_le_bytes());
    Validator {
        identity: key,
        voting: None,
        power,
    }
}

fn voting(identity: u16, key: u8) -> Validator {
    Validator {
        voting: Some(VotingKey {
            key: vec![key],
            proof: vec![identity as u8],
        }),
        ..validator(identity, 1)
    }
}

#[test]
fn what_is_no_set_is_refused() {
    let many = (0..=MAX_VALIDATORS as u16).map(|id| validator(id, 1));
    let cases = [
        (vec![], ValidatorSetError::Empty),
        (many.collect(), ValidatorSetError::TooMany(1025)),
        (
            vec![validator(0, 1), validator(1, 0)],
            ValidatorSetError::NoPower(ReplicaId(1)),
        ),
        (
            vec![validator(0, i64::MAX as u64), validator(1, 1)],
            ValidatorSetError::PowerOverflow,
        ),
        (
            vec![validator(0, u64::MAX), validator(1, u64::MAX)],
            ValidatorSetError::PowerOverflow,
        ),
        (
            vec![validator(0, 1), validator(1, 1), validator(0, 2)],
            ValidatorSetError::DuplicateKey(ReplicaId(2)),
        ),
        (
            vec![voting(0, 5), voting(1, 5)],
            ValidatorSetError::DuplicateKey(ReplicaId(1)),
        ),
    ];
    for (list, error) in cases {
        assert_eq!(ValidatorSet::new(list), Err(error.clone()), "{error}");
    }
}

#[test]
fn the_largest_sets_are_accepted() {
    let many = (0..MAX_VALIDATORS as u16).map(|id| validator(id, 1));
    assert_eq!(ValidatorSet::new(many.collect()).unwrap().len(), 1024);
    let heavy = vec![validator(0, i64::MAX as u64 - 1), validator(1, 1)];
    let heavy = ValidatorSet::new(heavy).unwrap();
    assert_eq!(heavy.quorum().total(), i64::MAX as u64);
    assert!(ValidatorSet::new(vec![voting(0, 5), voting(1, 6)]).is_ok());
}

#[test]
fn members_are_found() {
    let set = mock_validators(&[4, 5, 6]);
    assert_eq!(set.power(ReplicaId(2)), 6);
    assert_eq!(set.power(ReplicaId(3)), 0);
    assert!(set.contains(ReplicaId(2)) && !set.contains(ReplicaId(3)));
    assert!(set.get(ReplicaId(3)).is_none());
    for (id, validator) in set.iter() {
        assert_eq!(set.find(&validator.identity), Some(id));
    }
    assert_eq!(set.find(&[9; 32]), None);
}

#[test]
fn the_digest_covers_every_field_and_the_order() {
    let base = vec![voting(0, 5), voting(1, 6)];
    let digest = |list: &[Validator]| ValidatorSet::new(list.to_vec()).unwrap().digest();
    let mut all = vec![digest(&base)];
    let changes: [fn(&mut Vec<Validator>); 6] = [
        |list| list.reverse(),
        |list| list[0].power = 2,
        |list| list[0].identity[31] = 1,
        |list| list[0].voting = None,
        |list| list[0].voting.as_mut().unwrap().key.push(0),
        |list| list[0].voting.as_mut().unwrap().proof.push(0),
    ];
    for change in changes {
        let mut list = base.clone();
        change(&mut list);
        all.push(digest(&list));
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

fn turns(rotation: &Rotation, first: u64, count: u64) -> BTreeMap<ReplicaId, u64> {
    let mut turns = BTreeMap::new();
    for view in first..first + count {
        let leader = rotation.leader(Place::new(Height(1), View(view)));
        *turns.entry(leader).or_default() += 1;
    }
    turns
}

#[test]
fn equals_take_turns() {
    for n in 1..=10u16 {
        let rotation = Rotation::by_view(&mock_validators(&vec![3; n.into()]));
        for view in 0..40u64 {
            let leader = rotation.leader(Place::new(Height(9), View(view)));
            assert_eq!(u64::from(leader.0), view % u64::from(n));
        }
    }
}

#[test]
fn turns_go_by_view_or_by_height_and_round() {
    for powers in [&[1, 1, 1, 1][..], &[1, 2, 3, 4]] {
        let validators = mock_validators(powers);
        let (view, height) = (
            Rotation::by_view(&validators),
            Rotation::by_height(&validators),
        );
        for turn in 0..20 {
            let leader = view.leader(Place::new(Height(0), View(turn)));
            assert_eq!(view.leader(Place::new(Height(77), View(turn))), leader);
            for round in 0..=turn {
                let place = Place::new(Height(turn - round), View(round));
                assert_eq!(height.leader(place), leader);
            }
        }
    }
}

proptest! {
    #[test]
    fn turns_are_in_proportion(
        powers in prop::collection::vec(1..100u64, 1..12),
        first in any::<u32>(),
        count in 1..500u64,
    ) {
        let validators = mock_validators(&powers);
        let rotation = Rotation::by_view(&validators);
        let turns = turns(&rotation, first.into(), count);
        let total = validators.quorum().total();
        for (id, validator) in validators.iter() {
            let had = turns.get(&id).copied().unwrap_or(0);
            // Four times the total: four turns more or less.
            let off = (had * total).abs_diff(count * validator.power);
            prop_assert!(off <= 4 * total, "{id:?} of {powers:?} had {had} of {count} turns");
        }
    }

    #[test]
    fn everyone_leads_in_time(
        powers in prop::collection::vec(1..50u64, 1..8),
        first in any::<u64>(),
    ) {
        let validators = mock_validators(&powers);
        let rotation = Rotation::by_view(&validators);
        let total = validators.quorum().total();
        for (id, validator) in validators.iter() {
            // Three times as long as in a perfect rotation.
            let within = 3 * total.div_ceil(validator.power);
            let leads = (0..within).any(|turn| {
                let view = View(first.wrapping_add(turn));
                rotation.leader(Place::new(Height(1), view)) == id
            });
            prop_assert!(leads, "{id:?} of {powers:?} does not lead within {within} turns");
        }
    }

    #[test]
    fn leaders_are_validators(
        powers in prop::collection::vec(1..=i64::MAX as u64 / 16, 1..16),
        height in any::<u64>(),
        view in any::<u64>(),
    ) {
        let validators = mock_validators(&powers);
        let place = Place::new(Height(height), View(view));
        for rotation in [Rotation::by_view(&validators), Rotation::by_height(&validators)] {
            prop_assert!(validators.contains(rotation.leader(place)));
        }
    }
}

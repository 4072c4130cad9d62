//! The plan of a new view, over every small set of view changes.

use super::{NewViewPlan, compute};
use crate::{PreparedCertificate, ViewChange};
use proptest::prelude::*;
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Checkpoint, CheckpointClaim, Digest, Height, Payload, QuorumCertificate, ReplicaId, Scheme,
    SignerSet, View,
};

fn certificate(signer: u16) -> QuorumCertificate<Mock> {
    let mut signers = SignerSet::empty(4);
    signers.insert(ReplicaId(signer));
    let scheme = Mock::new(mock_validators(&[1; 4]), [0; 32]);
    QuorumCertificate {
        signers,
        aggregate: scheme.aggregate(std::iter::empty()),
    }
}

fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

fn prepared(height: u64, view: u64, number: u8) -> PreparedCertificate<Mock> {
    PreparedCertificate {
        height: Height(height),
        view: View(view),
        digest: digest(number),
        certificate: certificate(u16::from(number) % 4),
    }
}

fn view_change(stable: u64, prepared: Vec<PreparedCertificate<Mock>>) -> ViewChange<Mock> {
    let claim = CheckpointClaim {
        height: Height(stable),
        payload: digest(0),
        state: digest(0),
    };
    ViewChange {
        view: View(9),
        stable: (stable > 0).then(|| Checkpoint {
            claim,
            certificate: certificate(0),
        }),
        prepared,
    }
}

fn plan(view_changes: &[ViewChange<Mock>]) -> NewViewPlan {
    compute(view_changes.iter())
}

fn digests(plan: &NewViewPlan) -> Vec<(u64, Digest)> {
    let slots = plan.slots.iter();
    slots.map(|slot| (slot.height.0, slot.digest)).collect()
}

#[test]
fn nothing_prepared_proposes_nothing_again() {
    let plan = plan(&[view_change(0, vec![]), view_change(8, vec![])]);
    assert_eq!((plan.min_s, plan.max_s), (Height(8), Height(8)));
    assert_eq!(plan.slots, vec![]);
}

#[test]
fn the_highest_checkpoint_is_the_low_mark_and_hides_what_is_below() {
    let plan = plan(&[
        view_change(
            0,
            vec![prepared(3, 1, 1), prepared(8, 1, 2), prepared(9, 1, 3)],
        ),
        view_change(8, vec![]),
    ]);
    assert_eq!((plan.min_s, plan.max_s), (Height(8), Height(9)));
    assert_eq!(digests(&plan), [(9, digest(3))]);
}

#[test]
fn the_highest_height_is_included_and_gaps_are_empty() {
    let plan = plan(&[
        view_change(0, vec![prepared(1, 0, 1)]),
        view_change(0, vec![prepared(4, 0, 4)]),
    ]);
    let empty = *Payload::empty().digest();
    let expected = [(1, digest(1)), (2, empty), (3, empty), (4, digest(4))];
    assert_eq!(digests(&plan), expected);
    assert_eq!(plan.slots[1].prepared_by, None);
    assert_eq!(plan.slots[3].prepared_by, Some(certificate(0).signers));
}

/// S10: two view changes in a row, with other quorums.
#[test]
fn the_certificate_of_the_highest_view_wins_in_either_order() {
    let (old, new) = (prepared(1, 0, 9), prepared(1, 3, 1));
    for (first, second) in [(old.clone(), new.clone()), (new, old)] {
        let plan = plan(&[view_change(0, vec![first]), view_change(0, vec![second])]);
        assert_eq!(digests(&plan), [(1, digest(1))]);
        assert_eq!(plan.slots[0].prepared_by, Some(certificate(1).signers));
    }
}

#[test]
fn more_than_f_faulty_replicas_cannot_make_replicas_disagree_on_the_plan() {
    let (one, two) = (prepared(1, 2, 1), prepared(1, 2, 2));
    let forth = plan(&[
        view_change(0, vec![one.clone()]),
        view_change(0, vec![two.clone()]),
    ]);
    let back = plan(&[view_change(0, vec![two]), view_change(0, vec![one])]);
    assert_eq!(forth, back);
}

#[test]
fn a_height_finds_its_slot() {
    let plan = plan(&[view_change(5, vec![prepared(7, 0, 7)])]);
    let at = |height| plan.at(Height(height)).map(|slot| slot.digest);
    assert_eq!(at(0), None);
    assert_eq!(at(5), None);
    assert_eq!(at(6), Some(*Payload::empty().digest()));
    assert_eq!(at(7), Some(digest(7)));
    assert_eq!(at(8), None);
    assert_eq!(NewViewPlan::nothing(Height(3)).at(Height(2)), None);
}

/// Every set of three view changes, each with one of 13 contents: against the paper's words,
/// written naively.
#[test]
fn every_small_set_gives_what_the_paper_says() {
    let mut contents = vec![view_change(0, vec![]), view_change(2, vec![])];
    for height in 1..=3 {
        for view in 0..=2 {
            // In one view and slot, one digest.
            let number = (height * 3 + view) as u8;
            contents.push(view_change(0, vec![prepared(height, view, number)]));
        }
    }
    contents.push(view_change(0, vec![prepared(1, 2, 5), prepared(3, 0, 9)]));
    contents.push(view_change(2, vec![prepared(3, 1, 10)]));
    for a in &contents {
        for b in &contents {
            for c in &contents {
                let all = [a.clone(), b.clone(), c.clone()];
                assert_paper(&all);
            }
        }
    }
}

fn assert_paper(all: &[ViewChange<Mock>]) {
    let plan = plan(all);
    let min_s = all.iter().map(|it| it.stable_height().0).max().unwrap_or(0);
    let entries = || all.iter().flat_map(|it| &it.prepared);
    let max_s = entries().map(|it| it.height.0).fold(min_s, u64::max);
    assert_eq!((plan.min_s.0, plan.max_s.0), (min_s, max_s));
    let mut heights = min_s + 1..=max_s;
    for slot in &plan.slots {
        assert_eq!(Some(slot.height.0), heights.next());
        let here = || entries().filter(|it| it.height == slot.height);
        match here().max_by_key(|it| it.view) {
            None => assert_eq!(slot.digest, *Payload::empty().digest()),
            Some(best) => assert_eq!(slot.digest, best.digest),
        }
    }
    assert_eq!(heights.next(), None);
}

fn any_view_change() -> impl Strategy<Value = ViewChange<Mock>> {
    let entries = proptest::collection::btree_map(1..40u64, 0..6u64, 0..12);
    (0..20u64, entries).prop_map(|(stable, entries)| {
        let above = entries.into_iter().filter(|(height, _)| *height > stable);
        let prepared =
            above.map(|(height, view)| prepared(height, view, (height * 7 + view) as u8));
        view_change(stable, prepared.collect())
    })
}

proptest! {
    #[test]
    fn every_set_gives_what_the_paper_says(all in proptest::collection::vec(any_view_change(), 1..8)) {
        assert_paper(&all);
    }

    #[test]
    fn the_order_of_view_changes_is_nothing(
        all in proptest::collection::vec(any_view_change(), 1..8),
        turn in 0..8usize,
    ) {
        let mut turned = all.clone();
        let by = turn % all.len();
        turned.rotate_left(by);
        prop_assert_eq!(digests(&plan(&all)), digests(&plan(&turned)));
    }
}

#[test]
fn a_view_change_must_be_sorted_unique_and_within_its_window_and_views() {
    let window = 8;
    let good = view_change(2, vec![prepared(3, 8, 1), prepared(10, 0, 1)]);
    assert_eq!(good.check(window), Ok(()));
    let bad = [
        vec![prepared(2, 0, 1)],
        vec![prepared(11, 0, 1)],
        vec![prepared(4, 0, 1), prepared(3, 0, 1)],
        vec![prepared(3, 0, 1), prepared(3, 1, 1)],
        vec![prepared(3, 9, 1)],
    ];
    for entries in bad {
        assert!(view_change(2, entries).check(window).is_err());
    }
    let first = ViewChange {
        view: View(0),
        ..view_change(0, vec![])
    };
    assert!(first.check(window).is_err());
}

use super::*;
use quorate_core::testing::{Mock, MockSignature, mock_validators};
use quorate_core::{Digest, Height, KeyRole, Statement};

fn scheme(powers: &[u64]) -> Mock {
    Mock::new(mock_validators(powers), [1; 32])
}

fn signature(scheme: &Mock, by: u16) -> MockSignature {
    scheme.sign(ReplicaId(by), KeyRole::Voting, Statement(Digest::ZERO))
}

fn vote(scheme: &Mock, by: u16, view: u64, block: u64) -> SignedVote<Mock> {
    SignedVote {
        by: ReplicaId(by),
        vote: Vote {
            view: View(view),
            height: Height(1),
            block: Digest::builder("test").number(block).finish(),
            commits: None,
        },
        signature: signature(scheme, by),
    }
}

#[test]
fn a_quorum_of_power_makes_a_certificate() {
    // A total of 10 tolerates 3, so a quorum is 7.
    let scheme = scheme(&[4, 3, 2, 1]);
    let mut tally = Tally::default();
    for (by, certified) in [(3, false), (2, false), (0, true)] {
        tally.add(&scheme, vote(&scheme, by, 1, 1));
        let certificate = tally.certificate(&scheme, View(1));
        assert_eq!(certificate.is_some(), certified, "after replica {by}");
    }
    let certificate = tally.certificate(&scheme, View(1)).and_then(|it| it.proof);
    let signers = certificate.expect("a quorum has voted").signers;
    assert_eq!(signers.iter().collect::<Vec<_>>(), [0, 2, 3].map(ReplicaId));
}

#[test]
fn votes_for_different_things_do_not_add_up() {
    let scheme = scheme(&[1; 4]);
    let mut tally = Tally::default();
    tally.add(&scheme, vote(&scheme, 0, 1, 1));
    tally.add(&scheme, vote(&scheme, 1, 1, 1));
    tally.add(&scheme, vote(&scheme, 2, 1, 2));
    tally.add(&scheme, vote(&scheme, 3, 2, 1));
    assert!(tally.certificate(&scheme, View(1)).is_none());
    let twice = tally.add(&scheme, vote(&scheme, 0, 1, 1));
    assert!(matches!(twice, Counted::Duplicate));
    let other = tally.add(&scheme, vote(&scheme, 2, 1, 1));
    assert!(matches!(other, Counted::Conflict(first) if first.vote != vote(&scheme, 2, 1, 1).vote));
    assert!(
        tally.certificate(&scheme, View(1)).is_none(),
        "the first vote stands"
    );
    tally.keep_from(View(2));
    assert_eq!(tally.0.keys().copied().collect::<Vec<_>>(), [View(2)]);
}

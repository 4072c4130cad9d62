use super::*;
use proptest::prelude::*;
use quorate_core::testing::{Mock, MockSignature, mock_validators};
use quorate_core::{ChainId, Claim, Claims, Digest, Domain, Epoch, KeyRole};

const DOMAIN: Domain = Domain {
    engine: 1,
    wire: 1,
    chain: ChainId(1),
    epoch: Epoch(1),
};

fn scheme(powers: &[u64]) -> Mock {
    Mock::new(mock_validators(powers), [7; 32])
}

fn claim(height: u64, state: u8) -> CheckpointClaim {
    CheckpointClaim {
        height: Height(height),
        payload: Digest([1; 32]),
        state: Digest([state; 32]),
    }
}

/// Checkpoints of replica 0, every ten heights.
struct Fixture {
    scheme: Mock,
    checkpoints: Checkpoints<Mock>,
}

impl Fixture {
    fn new(powers: &[u64]) -> Self {
        let scheme = scheme(powers);
        let checkpoints = Checkpoints::new(ReplicaId(0), scheme.clone(), 10);
        Self {
            scheme,
            checkpoints,
        }
    }

    fn sign(&self, by: u16, claim: CheckpointClaim) -> MockSignature {
        let statement = claim.statement(&DOMAIN);
        self.scheme.sign(ReplicaId(by), KeyRole::Voting, statement)
    }

    fn vote(&mut self, by: u16, claim: CheckpointClaim) -> Option<CheckpointEvent<Mock>> {
        let signature = self.sign(by, claim);
        self.checkpoints.vote(ReplicaId(by), claim, signature)
    }

    fn own(&mut self, claim: CheckpointClaim) -> Option<CheckpointEvent<Mock>> {
        let signature = self.sign(0, claim);
        self.checkpoints.own(claim, signature)
    }

    fn assert_holds(&self, checkpoint: &Checkpoint<Mock>) {
        let mut claims = Claims::default();
        let certified: Claim<'_, Mock> = checkpoint.certified(&DOMAIN);
        claims.push(certified);
        assert_eq!(self.scheme.verify(&[claims]), [true]);
    }
}

fn stable(event: Option<CheckpointEvent<Mock>>) -> Arc<Checkpoint<Mock>> {
    match event {
        Some(CheckpointEvent::Stable(checkpoint)) => checkpoint,
        other => panic!("not stable: {other:?}"),
    }
}

#[test]
fn a_quorum_that_agrees_with_us_is_stable_and_proves_it() {
    let mut fixture = Fixture::new(&[1; 4]);
    assert!(fixture.vote(2, claim(10, 5)).is_none());
    assert!(fixture.own(claim(10, 5)).is_none());
    assert_eq!(fixture.checkpoints.unstable().unwrap().0, claim(10, 5));
    // One that differs does not count, and neither does one that comes twice.
    assert!(fixture.vote(3, claim(10, 6)).is_none());
    assert!(fixture.vote(2, claim(10, 5)).is_none());
    let checkpoint = stable(fixture.vote(1, claim(10, 5)));
    fixture.assert_holds(&checkpoint);
    let signers: Vec<_> = checkpoint.certificate.signers.iter().collect();
    assert_eq!(signers, [0, 1, 2].map(ReplicaId));
    assert!(Arc::ptr_eq(
        fixture.checkpoints.stable().unwrap(),
        &checkpoint
    ));
    assert!(fixture.checkpoints.unstable().is_none());
    assert!(!fixture.checkpoints.wants(ReplicaId(3), &claim(10, 5)));
}

#[test]
fn nothing_is_stable_before_we_have_that_state_ourselves() {
    let mut fixture = Fixture::new(&[1; 4]);
    for by in 1..4 {
        assert!(fixture.vote(by, claim(20, 5)).is_none());
    }
    assert!(fixture.checkpoints.stable().is_none());
    let ahead = fixture.checkpoints.ahead().unwrap();
    fixture.assert_holds(&ahead);
    let checkpoint = stable(fixture.checkpoints.executed(claim(20, 5)));
    assert_eq!(checkpoint.claim, claim(20, 5));
    assert!(fixture.checkpoints.ahead().is_none());
}

#[test]
fn power_counts_and_not_heads() {
    let mut fixture = Fixture::new(&[1, 1, 1, 7]);
    fixture.own(claim(10, 5));
    assert!(fixture.vote(1, claim(10, 5)).is_none());
    assert!(fixture.vote(2, claim(10, 5)).is_none());
    assert_eq!(fixture.checkpoints.behind(Height::GENESIS), None);
    let checkpoint = stable(fixture.vote(3, claim(10, 5)));
    fixture.assert_holds(&checkpoint);
    // F = 3: the three light ones together are not enough, the heavy one alone is.
    for by in 0..3 {
        fixture.vote(by, claim(100, 1));
    }
    assert_eq!(fixture.checkpoints.behind(Height(10)), None);
    fixture.vote(3, claim(50, 1));
    assert_eq!(fixture.checkpoints.behind(Height(10)), Some(Height(50)));
    assert_eq!(fixture.checkpoints.behind(Height(40)), None);
}

#[test]
fn a_lone_validator_is_its_own_quorum() {
    let mut fixture = Fixture::new(&[3]);
    let checkpoint = stable(fixture.own(claim(10, 5)));
    fixture.assert_holds(&checkpoint);
}

#[test]
fn a_quorum_that_disagrees_with_us_is_told_once_and_ends_with_state_transfer() {
    let mut fixture = Fixture::new(&[1; 4]);
    fixture.own(claim(10, 6));
    fixture.vote(1, claim(10, 5));
    fixture.vote(2, claim(10, 5));
    let divergence = Divergence {
        own: claim(10, 6),
        quorum: claim(10, 5),
    };
    match fixture.vote(3, claim(10, 5)) {
        Some(CheckpointEvent::Diverged(found)) => assert_eq!(found, divergence),
        other => panic!("not diverged: {other:?}"),
    }
    assert_eq!(fixture.checkpoints.diverged(), Some(&divergence));
    fixture.own(claim(20, 5));
    for by in 1..4 {
        assert!(
            fixture.vote(by, claim(20, 5)).is_none(),
            "we cannot trust our state"
        );
    }
    let mut other = Fixture::new(&[1; 4]);
    other.own(claim(20, 5));
    other.vote(1, claim(20, 5));
    let checkpoint = stable(other.vote(2, claim(20, 5)));
    fixture.checkpoints.restored(checkpoint);
    assert!(fixture.checkpoints.diverged().is_none());
    fixture.own(claim(30, 8));
    fixture.vote(1, claim(30, 8));
    stable(fixture.vote(2, claim(30, 8)));
}

#[test]
fn a_replica_that_signs_two_states_is_told_once_and_its_first_vote_stands() {
    let mut fixture = Fixture::new(&[1; 4]);
    fixture.vote(1, claim(10, 5));
    let Some(CheckpointEvent::Conflict(conflict)) = fixture.vote(1, claim(10, 6)) else {
        panic!("no conflict");
    };
    assert_eq!(
        (conflict.first.0, conflict.second.0),
        (claim(10, 5), claim(10, 6))
    );
    assert_ne!(conflict.first.1, conflict.second.1);
    assert!(!fixture.checkpoints.wants(ReplicaId(1), &claim(10, 7)));
    assert!(fixture.vote(1, claim(10, 7)).is_none());
    fixture.own(claim(10, 6));
    assert!(
        fixture.vote(2, claim(10, 6)).is_none(),
        "1's second vote does not count"
    );
    stable(fixture.vote(3, claim(10, 6)));
}

#[test]
fn far_future_votes_cost_one_number_for_each_replica() {
    let mut fixture = Fixture::new(&[1; 4]);
    for height in (10..100_000).step_by(10) {
        fixture.vote(1, claim(height, 5));
        fixture.vote(2, claim(100_000 - height, 5));
    }
    assert_eq!(fixture.checkpoints.slots.len(), 16);
    assert_eq!(fixture.checkpoints.behind(Height(0)), Some(Height(99_990)));
    assert!(!fixture.checkpoints.wants(ReplicaId(1), &claim(99_990, 5)));
    fixture.vote(1, claim(u64::MAX / 10 * 10, 5));
    assert_eq!(fixture.checkpoints.behind(Height(u64::MAX)), None);
}

#[test]
fn heights_of_no_checkpoint_and_strangers_are_refused() {
    let mut fixture = Fixture::new(&[1; 4]);
    for height in [0, 1, 9, 11, u64::MAX] {
        assert!(!fixture.checkpoints.wants(ReplicaId(1), &claim(height, 5)));
        assert!(fixture.vote(1, claim(height, 5)).is_none());
    }
    assert!(!fixture.checkpoints.wants(ReplicaId(4), &claim(10, 5)));
    assert!(fixture.vote(4, claim(10, 5)).is_none());
    assert!(fixture.checkpoints.slots.is_empty());
}

#[test]
fn a_replica_that_hears_nobody_keeps_little_and_recovers() {
    let mut fixture = Fixture::new(&[1; 4]);
    for height in (10..=1000).step_by(10) {
        assert!(fixture.own(claim(height, 5)).is_none());
    }
    assert_eq!(fixture.checkpoints.slots.len(), 8);
    fixture.vote(1, claim(1000, 5));
    stable(fixture.vote(2, claim(1000, 5)));
    assert!(fixture.checkpoints.slots.is_empty());
}

proptest! {
    /// With any votes in any order, of which at most one replica's are lies: never diverged, and
    /// whatever is stable is certified and ours.
    #[test]
    fn one_liar_of_four_changes_nothing(
        votes in prop::collection::vec((0u16..4, 1u64..30, 0u8..4), 1..200)
    ) {
        let mut fixture = Fixture::new(&[1; 4]);
        let mut heard = std::collections::BTreeSet::new();
        for (by, height, lie) in votes {
            let truth = claim(height * 10, height as u8);
            let event = match by {
                0 => fixture.own(truth),
                3 => fixture.vote(by, claim(height * 10, lie)),
                _ => fixture.vote(by, truth),
            };
            if by != 3 {
                heard.insert((height, by));
            }
            match event {
                Some(CheckpointEvent::Stable(checkpoint)) => {
                    let height = checkpoint.claim.height.0 / 10;
                    prop_assert_eq!(checkpoint.claim, claim(height * 10, height as u8));
                    prop_assert!(heard.contains(&(height, 0)));
                    fixture.assert_holds(&checkpoint);
                }
                Some(CheckpointEvent::Conflict(conflict)) => prop_assert_eq!(conflict.by.0, 3),
                Some(CheckpointEvent::Diverged(_)) => prop_assert!(false, "diverged"),
                None => {}
            }
        }
    }
}

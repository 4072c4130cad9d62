//! Vote sets: power, duplicates, conflicts, certificates.

use crate::keys::Keys;
use crate::toy::{Say, Toy};
use quorate_core::{Added, Claims, Digest, Height, ReplicaId, Scheme, Verified, VoteSet};

fn digest(number: u64) -> Digest {
    Digest::builder("votes test").number(number).finish()
}

fn vote(keys: &Keys, by: u16, number: u64) -> Verified<Toy> {
    keys.verified(ReplicaId(by), Say::Vote(Height(1), digest(number)))
}

#[test]
fn power_adds_up() {
    let keys = Keys::new(&[1, 2, 3, 4]);
    let validators = keys.scheme.validators();
    let mut votes = VoteSet::default();
    assert_eq!(votes.leading(), None);
    for (by, number, power) in [(0, 1, 1), (1, 2, 2), (2, 1, 4), (3, 2, 6)] {
        match votes.add(validators, vote(&keys, by, number)) {
            Added::Counted(counted) => assert_eq!(counted, power),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(votes.total(), 10);
    assert_eq!(votes.power(&digest(1)), 4);
    assert_eq!(votes.power(&digest(3)), 0);
    assert_eq!(votes.leading(), Some((digest(2), 6)));
    let voters: Vec<_> = votes.iter().map(|vote| vote.by().0).collect();
    assert_eq!(voters, [0, 1, 2, 3]);
    assert!(votes.get(ReplicaId(2)).is_some());
}

#[test]
fn a_second_vote_counts_nothing() {
    let keys = Keys::new(&[1; 4]);
    let validators = keys.scheme.validators();
    let mut votes = VoteSet::default();
    let _ = votes.add(validators, vote(&keys, 1, 1));
    let again = votes.add(validators, vote(&keys, 1, 1));
    assert!(matches!(again, Added::Duplicate));
    let Added::Conflict(evidence) = votes.add(validators, vote(&keys, 1, 2)) else {
        panic!("two votes in one slot are a conflict");
    };
    assert_eq!(evidence.check(&keys.domain, &keys.scheme), Ok(ReplicaId(1)));
    assert_eq!((votes.total(), votes.power(&digest(2))), (1, 0));
}

#[test]
fn a_certificate_has_the_votes_for_its_digest_only() {
    let keys = Keys::new(&[1; 4]);
    let validators = keys.scheme.validators();
    let mut votes = VoteSet::default();
    for (by, number) in [(0, 1), (1, 1), (2, 2), (3, 1)] {
        let _ = votes.add(validators, vote(&keys, by, number));
    }
    let holds = |number| {
        let certificate = votes.certificate(&keys.scheme, &digest(number));
        let statement = vote(&keys, 0, number).signed().signing();
        let mut claims = Claims::default();
        claims.push(certificate.claim(statement.statement(&keys.domain)));
        keys.scheme.verify(&[claims])[0]
    };
    assert!(holds(1));
    assert!(!holds(2), "one vote is no quorum");
    assert!(!holds(3), "no votes are no quorum");
    let signers = votes.certificate(&keys.scheme, &digest(1)).signers;
    assert_eq!(signers.iter().map(|id| id.0).collect::<Vec<_>>(), [0, 1, 3]);
}

#[test]
fn strangers_count_nothing() {
    let large = Keys::new(&[1; 5]);
    let small = Keys::new(&[1; 4]);
    let mut votes = VoteSet::default();
    let stranger = large.verified(ReplicaId(4), Say::Vote(Height(1), digest(1)));
    let added = votes.add(small.scheme.validators(), stranger);
    assert!(matches!(added, Added::Counted(0)));
    assert_eq!(votes.total(), 0);
}

//! Evidence: it convicts who contradicts himself, and nobody else.

use crate::keys::Keys;
use crate::toy::{Say, Toy};
use proptest::prelude::*;
use quorate_core::testing::Mock;
use quorate_core::{
    ChainId, Digest, Domain, Epoch, Evidence, EvidenceError, Height, Payload, ReplicaId, Scheme,
    Signed,
};
use std::sync::Arc;

const A: ReplicaId = ReplicaId(0);
const B: ReplicaId = ReplicaId(1);

fn digest(number: u64) -> Digest {
    Digest::builder("evidence test").number(number).finish()
}

fn vote(height: u64, number: u64) -> Say {
    Say::Vote(Height(height), digest(number))
}

fn check(keys: &Keys, first: Signed<Toy>, second: Signed<Toy>) -> Result<ReplicaId, EvidenceError> {
    let both = Evidence {
        first: first.clone(),
        second: second.clone(),
    };
    let swapped = Evidence {
        first: second,
        second: first,
    };
    let verdict = both.check(&keys.domain, &keys.scheme);
    assert_eq!(swapped.check(&keys.domain, &keys.scheme), verdict);
    verdict
}

#[test]
fn a_contradiction_convicts() {
    let keys = Keys::new(&[1; 4]);
    let votes = [1, 2].map(|number| keys.sign(B, vote(5, number)));
    let [first, second] = votes;
    assert_eq!(check(&keys, first, second), Ok(B));
    let payloads = [vec![1], vec![2]].map(Payload::new);
    let [first, second] = payloads.map(|it| keys.sign(A, Say::Propose(Height(1), it)));
    assert_eq!(check(&keys, first, second), Ok(A));
}

#[test]
fn everything_else_does_not() {
    let keys = Keys::new(&[1; 4]);
    let say = |by, body| keys.sign(by, body);
    let cases = [
        (
            say(A, vote(1, 1)),
            say(B, vote(1, 2)),
            EvidenceError::DifferentSigners,
        ),
        (
            say(A, vote(1, 1)),
            say(A, vote(2, 2)),
            EvidenceError::DifferentSlots,
        ),
        (
            say(A, vote(1, 1)),
            say(A, Say::Propose(Height(1), Payload::empty())),
            EvidenceError::DifferentSlots,
        ),
        (
            say(A, Say::Ping(Height(1), 1)),
            say(A, Say::Ping(Height(1), 2)),
            EvidenceError::NotExclusive,
        ),
        (say(A, vote(1, 1)), say(A, vote(1, 1)), EvidenceError::Equal),
        // B signs in A's name.
        (
            say(A, vote(1, 1)),
            Signed {
                by: A,
                ..say(B, vote(1, 2))
            },
            EvidenceError::BadSignature,
        ),
        // A's signature under other words.
        (
            say(A, vote(1, 1)),
            Signed {
                body: vote(1, 2),
                ..say(A, vote(1, 1))
            },
            EvidenceError::BadSignature,
        ),
        (
            say(ReplicaId(7), vote(1, 1)),
            say(ReplicaId(7), vote(1, 2)),
            EvidenceError::BadSignature,
        ),
    ];
    for (first, second, error) in cases {
        assert_eq!(check(&keys, first, second), Err(error), "{error}");
    }
}

#[test]
fn what_was_said_elsewhere_does_not_convict_here() {
    let keys = Keys::new(&[1; 4]);
    let domain = keys.domain;
    let elsewhere = [
        Domain {
            engine: 1,
            ..domain
        },
        Domain { wire: 9, ..domain },
        Domain {
            chain: ChainId(9),
            ..domain
        },
        Domain {
            epoch: Epoch(9),
            ..domain
        },
    ];
    for domain in elsewhere {
        let other = Keys {
            domain,
            ..keys.clone()
        };
        let (first, second) = (keys.sign(A, vote(1, 1)), other.sign(A, vote(1, 2)));
        assert_eq!(
            check(&keys, first, second),
            Err(EvidenceError::BadSignature)
        );
    }
    let scheme = Mock::new(Arc::new(keys.scheme.validators().clone()), [8; 32]);
    let other = Keys {
        scheme,
        ..keys.clone()
    };
    let (first, second) = (keys.sign(A, vote(1, 1)), other.sign(A, vote(1, 2)));
    assert_eq!(
        check(&keys, first, second),
        Err(EvidenceError::BadSignature)
    );
}

/// A correct replica says one thing in each exclusive slot, and what it likes elsewhere.
fn honest(kind: u8, height: u64, number: u64) -> Say {
    match kind {
        0 => vote(height, height),
        1 => Say::Propose(Height(height), Payload::new(height.to_le_bytes().to_vec())),
        _ => Say::Ping(Height(height), number),
    }
}

/// An attacker says anything.
fn anything(kind: u8, height: u64, number: u64) -> Say {
    match kind {
        0 => vote(height, number),
        1 => Say::Propose(Height(height), Payload::new(number.to_le_bytes().to_vec())),
        _ => Say::Ping(Height(height), number),
    }
}

proptest! {
    #[test]
    fn the_honest_are_never_convicted(
        first in (0..3u8, 0..4u64, 0..4u64),
        second in (0..3u8, 0..4u64, 0..4u64),
        attack in 0..4u8,
    ) {
        let keys = Keys::new(&[1; 4]);
        let said = keys.sign(A, honest(first.0, first.1, first.2));
        let accused = match attack {
            // Both are A's own words.
            0 => keys.sign(A, honest(second.0, second.1, second.2)),
            // B's words in A's name, A's signature under B's words, B's words as they are.
            1 => Signed { by: A, ..keys.sign(B, anything(second.0, second.1, second.2)) },
            2 => {
                let body = anything(second.0, second.1, second.2);
                Signed { body, ..said.clone() }
            }
            _ => keys.sign(B, anything(second.0, second.1, second.2)),
        };
        prop_assert!(check(&keys, said, accused).is_err());
    }
}

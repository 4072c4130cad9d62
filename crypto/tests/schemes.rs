//! What must hold of both schemes.

mod shared;

use futures::FutureExt;
use proptest::prelude::*;
use quorate_core::{
    Claim, Claims, KeyRole, QuorumCertificate, ReplicaId, Scheme, SchemeCounters, Signer, Threshold,
};
use quorate_crypto::{Bls, Ed25519, KeyedScheme, NotAValidator};
use shared::{Cluster, claim, holds, keys, signers, statement, voted};

/// Runs the tests for each scheme.
macro_rules! for_both {
    ($($test:ident),* $(,)?) => {
        mod ed25519 { $(#[test] fn $test() { super::$test::<super::Ed25519>(); })* }
        mod bls { $(#[test] fn $test() { super::$test::<super::Bls>(); })* }
    };
}

for_both!(
    signs_and_verifies_with_both_keys,
    the_signer_port_signs_the_same,
    strangers_get_no_signer_and_no_hearing,
    a_certificate_holds_for_its_signers_and_statement_only,
    bad_signer_sets_are_refused_before_any_check,
    a_signer_counted_twice_certifies_nothing,
    thresholds_are_of_power,
    a_known_certificate_with_one_byte_changed_is_not_known,
    the_threshold_is_checked_of_known_certificates_too,
    what_fails_is_not_remembered,
    equal_claims_are_checked_once,
    one_bad_claim_fails_its_message_only,
    counters_count_what_was_done,
    encodings_are_bounded_and_canonical,
    culprits_are_named_exactly,
);

fn signs_and_verifies_with_both_keys<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    for role in [KeyRole::Identity, KeyRole::Voting] {
        let signature = cluster.signers[1].sign_now(role, statement(1));
        let signed = |by, key, about| {
            let signature = &signature;
            let statement = statement(about);
            let by = ReplicaId(by);
            holds(
                &cluster.scheme,
                Claim::Signed {
                    by,
                    key,
                    statement,
                    signature,
                },
            )
        };
        assert!(signed(1, role, 1));
        assert!(!signed(0, role, 1));
        assert!(!signed(1, role, 2));
    }
}

fn the_signer_port_signs_the_same<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let signer = &cluster.signers[3];
    assert_eq!(Signer::<S>::id(signer), ReplicaId(3));
    let signed = Signer::<S>::sign(signer, KeyRole::Voting, statement(1)).now_or_never();
    assert_eq!(signed, Some(Ok(cluster.vote(3, statement(1)))));
}

fn strangers_get_no_signer_and_no_hearing<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    assert_eq!(cluster.scheme.signer(keys(200)).unwrap_err(), NotAValidator);
    let signature = cluster.vote(0, statement(1));
    for stranger in [4, 1023, u16::MAX] {
        assert_eq!(
            cluster
                .scheme
                .verify(&[voted::<S>(stranger, statement(1), &signature)]),
            [false]
        );
    }
    assert_eq!(cluster.scheme.counters().signature_checks, 0);
}

fn a_certificate_holds_for_its_signers_and_statement_only<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 5]);
    let certificate = cluster.certificate(&[0, 1, 3, 4], &[0, 1, 3, 4], statement(1));
    assert!(!cluster.holds(&certificate, statement(2)));
    for swapped in [[0, 1, 2, 3], [0, 1, 2, 4], [1, 2, 3, 4]] {
        let swapped = QuorumCertificate {
            signers: signers(5, &swapped),
            ..certificate.clone()
        };
        assert!(!cluster.holds(&swapped, statement(1)));
    }
    assert!(cluster.holds(&certificate, statement(1)));
}

fn bad_signer_sets_are_refused_before_any_check<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let good = cluster.certificate(&[0, 1, 2], &[0, 1, 2], statement(1));
    let empty = cluster.certificate(&[], &[], statement(1));
    let bad = [
        signers(4, &[]),
        signers(4, &[0, 1]),
        signers(3, &[0, 1, 2]),
        signers(5, &[0, 1, 2]),
        signers(12, &[0, 1, 2]),
        signers(1024, &[0, 1, 2]),
        signers(0, &[]),
    ];
    let checks = cluster.aggregate_checks(|| {
        for signers in bad {
            for aggregate in [&good.aggregate, &empty.aggregate] {
                let certificate = QuorumCertificate {
                    signers,
                    aggregate: aggregate.clone(),
                };
                assert!(!cluster.holds(&certificate, statement(1)), "{signers:?}");
            }
        }
    });
    assert_eq!(checks, 0);
    let nothing = QuorumCertificate {
        signers: good.signers,
        ..empty
    };
    assert!(!cluster.holds(&nothing, statement(1)));
    assert!(cluster.holds(&good, statement(1)));
}

fn a_signer_counted_twice_certifies_nothing<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    for signed in [&[0, 1, 1][..], &[0, 0, 1, 2], &[0, 1, 2, 2], &[0, 1]] {
        let certificate = cluster.certificate(&[0, 1, 2], signed, statement(1));
        assert!(!cluster.holds(&certificate, statement(1)), "{signed:?}");
    }
}

fn thresholds_are_of_power<S: KeyedScheme>() {
    // In all 12, so at most 3 are faulty; a quorum has 8, a weak quorum 4.
    let cluster = Cluster::<S>::new(&[5, 3, 3, 1]);
    let reaches = |named: &[u16], threshold| {
        let signed: Vec<_> = named.iter().map(|id| usize::from(*id)).collect();
        let certificate = cluster.certificate(named, &signed, statement(1));
        holds(
            &cluster.scheme,
            certificate.claim_with(threshold, statement(1)),
        )
    };
    assert!(reaches(&[0, 1], Threshold::Quorum));
    assert!(!reaches(&[1, 2, 3], Threshold::Quorum));
    assert!(!reaches(&[0, 3], Threshold::Quorum));
    assert!(reaches(&[0], Threshold::Weak));
    assert!(!reaches(&[1], Threshold::Weak));
    assert!(reaches(&[2, 3], Threshold::Weak));
}

fn a_known_certificate_with_one_byte_changed_is_not_known<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let good = cluster.certificate(&[0, 1, 2], &[0, 1, 2], statement(1));
    assert!(cluster.holds(&good, statement(1)));
    let bytes = borsh::to_vec(&good).unwrap();
    for place in 0..bytes.len() {
        for flip in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            if let Ok(changed) = borsh::from_slice::<QuorumCertificate<S>>(&changed) {
                assert!(!cluster.holds(&changed, statement(1)), "byte {place}");
            }
        }
    }
    for place in 0..32 {
        let mut changed = statement(1);
        changed.0.0[place] ^= 1;
        assert!(
            !cluster.holds(&good, changed),
            "byte {place} of the statement"
        );
    }
    let again = cluster.aggregate_checks(|| assert!(cluster.holds(&good, statement(1))));
    assert_eq!(again, 0, "it was known all the time");
    let by_clone = cluster.aggregate_checks(|| {
        let claim = good.claim(statement(1));
        assert!(holds(&cluster.scheme.clone(), claim));
    });
    assert_eq!(by_clone, 0, "clones share what is known");
}

fn the_threshold_is_checked_of_known_certificates_too<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let weak = cluster.certificate(&[1, 3], &[1, 3], statement(1));
    let with = |threshold| holds(&cluster.scheme, weak.claim_with(threshold, statement(1)));
    assert!(with(Threshold::Weak));
    assert!(!with(Threshold::Quorum));
    assert!(with(Threshold::Weak));
}

fn what_fails_is_not_remembered<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let forged = cluster.certificate(&[0, 1, 2], &[0, 1, 3], statement(1));
    let checks = cluster.aggregate_checks(|| {
        for _ in 0..3 {
            assert!(!cluster.holds(&forged, statement(1)));
        }
    });
    assert_eq!(checks, 3);
}

fn equal_claims_are_checked_once<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let good = cluster.certificate(&[0, 1, 2], &[0, 1, 2], statement(1));
    let vote = cluster.vote(3, statement(1));
    let messages: Vec<_> = (0..10)
        .map(|_| {
            let mut claims = voted::<S>(3, statement(1), &vote);
            claims.push(good.claim(statement(1)));
            claims
        })
        .collect();
    assert_eq!(cluster.scheme.verify(&messages), [true; 10]);
    let counters = cluster.scheme.counters();
    assert_eq!(
        (counters.aggregate_checks, counters.signature_checks),
        (1, 1)
    );
}

fn one_bad_claim_fails_its_message_only<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let good = cluster.certificate(&[0, 1, 2], &[0, 1, 2], statement(1));
    let bad = cluster.certificate(&[0, 1, 2], &[0, 1, 3], statement(1));
    let vote = cluster.vote(3, statement(2));
    let with = |certificate: Option<_>| {
        let mut claims = voted::<S>(3, statement(2), &vote);
        if let Some(claim) = certificate {
            claims.push(claim);
        }
        claims
    };
    let messages = [
        with(Some(good.claim(statement(1)))),
        with(Some(bad.claim(statement(1)))),
        with(None),
        Claims::default(),
        voted::<S>(2, statement(2), &vote),
    ];
    assert_eq!(
        cluster.scheme.verify(&messages),
        [true, false, true, true, false]
    );
    assert!(cluster.scheme.verify(&[]).is_empty());
}

fn counters_count_what_was_done<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let votes: Vec<_> = (0..4).map(|by| cluster.vote(by, statement(1))).collect();
    let messages: Vec<_> = (0..)
        .zip(&votes)
        .map(|(by, vote)| voted::<S>(by, statement(1), vote))
        .collect();
    assert_eq!(cluster.scheme.verify(&messages), [true; 4]);
    assert_eq!(
        cluster.scheme.counters(),
        SchemeCounters {
            signature_checks: 4,
            aggregate_checks: 0,
            signatures_made: 4,
        }
    );
}

fn encodings_are_bounded_and_canonical<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 4]);
    let good = cluster.certificate(&[0, 1, 2], &[0, 1, 2], statement(1));
    for length in [0, 1, 2, 47, 48, 63, 64, 65, 66, 4096] {
        for fill in [0, 1, 0x7f, 0xff] {
            let bytes = vec![fill; length];
            if let Ok(signature) = borsh::from_slice::<S::Signature>(&bytes) {
                assert_eq!(borsh::to_vec(&signature).unwrap(), bytes);
                let verdict = cluster
                    .scheme
                    .verify(&[voted::<S>(0, statement(1), &signature)]);
                assert_eq!(verdict, [false]);
            }
            if let Ok(aggregate) = borsh::from_slice::<S::Aggregate>(&bytes) {
                assert_eq!(borsh::to_vec(&aggregate).unwrap(), bytes);
                let signers = good.signers;
                let certificate = QuorumCertificate { signers, aggregate };
                assert!(!cluster.holds(&certificate, statement(1)));
            }
        }
    }
}

fn culprits_are_named_exactly<S: KeyedScheme>() {
    let cluster = Cluster::<S>::new(&[1; 10]);
    let good: Vec<Vec<_>> = (0..3)
        .map(|about| {
            (0..10)
                .map(|by| cluster.vote(by, statement(about)))
                .collect()
        })
        .collect();
    let messages = prop::collection::vec((0u16..10, 0u8..3, prop::bool::weighted(0.15)), 1..40);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    let run = runner.run(&messages, |messages| {
        // A bad vote is that of another replica.
        let claims: Vec<Claims<'_, S>> = messages
            .iter()
            .map(|(by, about, bad)| {
                let signer = (usize::from(*by) + usize::from(*bad)) % 10;
                voted::<S>(*by, statement(*about), &good[usize::from(*about)][signer])
            })
            .collect();
        let expected: Vec<_> = messages.iter().map(|(_, _, bad)| !bad).collect();
        let alone: Vec<_> = claims
            .iter()
            .flat_map(|claims| cluster.scheme.verify(std::slice::from_ref(claims)))
            .collect();
        prop_assert_eq!(&cluster.scheme.verify(&claims), &expected);
        prop_assert_eq!(&alone, &expected);
        Ok(())
    });
    run.unwrap();
}

#[test]
fn a_bad_signature_in_an_ed25519_certificate_spoils_it_alone() {
    let cluster = Cluster::<Ed25519>::new(&[1; 7]);
    let all: Vec<QuorumCertificate<Ed25519>> = (0..6)
        .map(|about| {
            let signed = if about == 4 {
                [0, 1, 2, 3, 5]
            } else {
                [0, 1, 2, 3, 4]
            };
            cluster.certificate(&[0, 1, 2, 3, 4], &signed, statement(about))
        })
        .collect();
    let claims: Vec<_> = (0..)
        .zip(&all)
        .map(|(about, certificate)| claim(certificate.claim(statement(about))))
        .collect();
    assert_eq!(
        cluster.scheme.verify(&claims),
        [true, true, true, true, false, true]
    );
}

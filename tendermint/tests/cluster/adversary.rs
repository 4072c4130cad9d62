//! Proposers that lie, and messages that no correct replica sends.

use crate::{Body, cluster, expect_progress, others};
use quorate_core::{
    Body as _, Fault, Height, Payload, Place, QuorumCertificate, ReplicaId, Scheme, SignerSet, View,
};
use quorate_tendermint::{Phase, Polka, Proposal, Value, Vote};
use std::time::Duration;

const LIAR: ReplicaId = ReplicaId(3);

#[test]
fn an_equivocating_proposer_is_convicted_and_splits_nobody() {
    for seed in 40..60 {
        let mut cluster = cluster(seed, &[1; 4]);
        cluster.corrupt(LIAR, |to, body| {
            let Body::Proposal(proposal) = body else {
                return vec![(to, body.clone())];
            };
            let other = Body::Proposal(Proposal {
                payload: Payload::new(vec![7; 7]),
                ..proposal.clone()
            });
            match to.0 {
                // Both, in either order.
                0 => vec![(to, body.clone()), (to, other)],
                1 => vec![(to, other)],
                _ => vec![(to, body.clone())],
            }
        });
        let honest = others(&cluster, &[LIAR]);
        expect_progress(
            &mut cluster,
            "progress",
            &honest,
            8,
            Duration::from_secs(30),
        );
        assert!(!cluster.evidence().is_empty(), "seed {seed}");
    }
}

#[test]
fn a_double_voter_is_convicted_once_a_height() {
    let mut cluster = cluster(61, &[1; 4]);
    cluster.corrupt(LIAR, |to, body| match body {
        Body::Prevote(vote) => {
            let lie = |byte: u8| Vote {
                value: Value::of(quorate_core::Digest([byte; 32])),
                ..*vote
            };
            let lies = (1..20).map(|byte| (to, Body::Prevote(lie(byte))));
            lies.chain([(to, body.clone())]).collect()
        }
        _ => vec![(to, body.clone())],
    });
    let honest = others(&cluster, &[LIAR]);
    expect_progress(
        &mut cluster,
        "progress",
        &honest,
        10,
        Duration::from_secs(60),
    );
    let heights = cluster.heights().into_iter().max().expect("replicas").0;
    let found = cluster.evidence().len() as u64;
    assert!(found > 0 && found <= 3 * (heights + 2), "{found} proofs");
}

#[test]
fn an_invalid_payload_is_refused_and_its_proposer_blamed() {
    let mut cluster = cluster(62, &[1; 4]);
    cluster.accept(|payload| payload.bytes() != [9, 9]);
    cluster.corrupt(LIAR, |to, body| match body {
        Body::Proposal(proposal) => vec![(
            to,
            Body::Proposal(Proposal {
                payload: Payload::new(vec![9, 9]),
                ..proposal.clone()
            }),
        )],
        _ => vec![(to, body.clone())],
    });
    let honest = others(&cluster, &[LIAR]);
    expect_progress(
        &mut cluster,
        "progress",
        &honest,
        8,
        Duration::from_secs(30),
    );
    let blamed = cluster
        .blames()
        .iter()
        .any(|(_, peer, fault)| *peer == LIAR && *fault == Fault::InvalidPayload);
    assert!(blamed);
}

/// S12: validRound at or above the round, and a polka that never was.
#[test]
fn a_proposal_without_the_polka_that_it_claims_is_refused() {
    for (valid_round, fault) in [
        (0, Fault::BadSignature),
        (1, Fault::Inconsistent),
        (u64::MAX, Fault::Inconsistent),
    ] {
        let mut cluster = cluster(63, &[1; 4]);
        let scheme = cluster.scheme().clone();
        let domain = *cluster.domain();
        cluster.corrupt(LIAR, move |to, body| {
            let Body::Proposal(proposal) = body else {
                return vec![(to, body.clone())];
            };
            let payload = Payload::new(vec![5]);
            // The liar's own prevote, said to be three.
            let vote = Vote {
                height: proposal.height,
                round: View(valid_round),
                value: Value::of(*payload.digest()),
            };
            let statement = vote.statement(Phase::Prevote, &domain);
            let own = scheme.sign(LIAR, quorate_core::KeyRole::Voting, statement);
            let mut signers = SignerSet::empty(4);
            (1..4).for_each(|id| {
                signers.insert(ReplicaId(id));
            });
            let certificate = QuorumCertificate {
                signers,
                aggregate: scheme.aggregate([(LIAR, &own)].into_iter()),
            };
            let round = proposal.round.max(View(1));
            let body = Body::Proposal(Proposal {
                height: proposal.height,
                round,
                payload,
                polka: Some(Polka {
                    round: View(valid_round),
                    certificate,
                }),
            });
            vec![(to, body)]
        });
        // Round 1 of height 2 is the liar's, if round 0 fails.
        cluster.block(|_, _, body| {
            let place = Place::new(Height(2), View::ZERO);
            body.place() == place && matches!(body, Body::Proposal(_))
        });
        let honest = others(&cluster, &[LIAR]);
        expect_progress(
            &mut cluster,
            "progress",
            &honest,
            6,
            Duration::from_secs(30),
        );
        let blamed = cluster
            .blames()
            .iter()
            .any(|(_, peer, found)| *peer == LIAR && *found == fault);
        assert!(blamed, "{valid_round}: {:?}", cluster.blames());
    }
}

/// S27: no number makes a replica jump; only a weak quorum does.
#[test]
fn one_replica_in_a_far_round_takes_nobody_along() {
    let mut cluster = cluster(64, &[1; 4]);
    cluster.corrupt(LIAR, |to, body| {
        let far = |vote: &Vote| Vote {
            round: View(vote.round.0 + 1_000_000_000),
            ..*vote
        };
        match body {
            Body::Prevote(vote) => vec![(to, Body::Prevote(far(vote)))],
            Body::Precommit(vote) => vec![(to, Body::Precommit(far(vote)))],
            _ => vec![(to, body.clone())],
        }
    });
    let honest = others(&cluster, &[LIAR]);
    expect_progress(
        &mut cluster,
        "progress",
        &honest,
        20,
        Duration::from_secs(10),
    );
    let far = cluster.notes().iter().any(|(id, note)| {
        *id != LIAR && matches!(note, quorate_core::Note::Entered(_, round) if round.0 > 10)
    });
    assert!(!far);
}

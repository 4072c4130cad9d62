//! What is special to BLS, checked against a second implementation of the curve.

mod shared;

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G1Projective, G2Affine, G2Projective, Scalar, pairing};
use quorate_core::{
    Claim, KeyRole, QuorumCertificate, ReplicaId, Scheme, Validator, ValidatorSet, VotingKey,
};
use quorate_crypto::{Bls, BlsAggregate, BlsSignature, KeyFault, KeyedScheme, VoteSignature};
use shared::{Cluster, holds, keys, signers, statement, voted};
use std::sync::Arc;

// Written out again: a change of these is a change of the format.
const VOTE: &[u8] = b"QUORATE-V1-VOTE_BLS12381G1_XMD:SHA-256_SSWU_RO_";
const POSSESSION: &[u8] = b"QUORATE-V1-POSSESSION_BLS12381G1_XMD:SHA-256_SSWU_RO_";

/// Hashes to the curve with the second implementation.
fn hash(message: &[u8], domain: &[u8]) -> G1Projective {
    <G1Projective as HashToCurve<ExpandMsgXmd<sha2_previous::Sha256>>>::hash_to_curve(
        message, domain,
    )
}

fn g1(bytes: &[u8; 48]) -> G1Affine {
    G1Affine::from_compressed(bytes).unwrap()
}

fn g2(bytes: &[u8]) -> G2Affine {
    G2Affine::from_compressed(bytes.try_into().unwrap()).unwrap()
}

fn vote(point: G1Projective) -> BlsSignature {
    BlsSignature::Voting(VoteSignature::from_bytes(
        G1Affine::from(point).to_compressed(),
    ))
}

fn bytes(signature: &BlsSignature) -> [u8; 48] {
    match signature {
        BlsSignature::Voting(vote) => *vote.as_bytes(),
        BlsSignature::Identity(_) => panic!("not a vote"),
    }
}

fn fault(validators: Vec<Validator>) -> (u16, KeyFault) {
    let error = Bls::new(Arc::new(ValidatorSet::new(validators).unwrap())).unwrap_err();
    (error.validator.0, error.fault)
}

/// Two validators, the second with another voting key.
fn with_voting(voting: Option<VotingKey>) -> Vec<Validator> {
    let mut validators = vec![Bls::validator(&keys(0), 1), Bls::validator(&keys(1), 1)];
    validators[1].voting = voting;
    validators
}

/// A point of the curve outside the subgroup: the first that is found.
fn outside_g1() -> [u8; 48] {
    (1u8..)
        .map(|x| {
            let mut bytes = [0; 48];
            bytes[0] = 0x80;
            bytes[47] = x;
            bytes
        })
        .find(|bytes| {
            let point: Option<G1Affine> = G1Affine::from_compressed_unchecked(bytes).into();
            point.is_some_and(|point| !bool::from(point.is_torsion_free()))
        })
        .unwrap()
}

fn outside_g2() -> [u8; 96] {
    (1u8..)
        .map(|x| {
            let mut bytes = [0; 96];
            bytes[0] = 0x80;
            bytes[95] = x;
            bytes
        })
        .find(|bytes| {
            let point: Option<G2Affine> = G2Affine::from_compressed_unchecked(bytes).into();
            point.is_some_and(|point| !bool::from(point.is_torsion_free()))
        })
        .unwrap()
}

#[test]
fn votes_aggregates_and_proofs_hold_for_the_second_implementation() {
    let cluster = Cluster::<Bls>::new(&[1; 4]);
    let about = statement(9);
    let key = |index: u16| {
        let validator = cluster.scheme.validators().get(ReplicaId(index)).unwrap();
        (
            validator.clone(),
            g2(&validator.voting.as_ref().unwrap().key),
        )
    };
    let hashed = G1Affine::from(hash(&about.0.0, VOTE));
    let generator = G2Affine::generator();
    for index in 0..4 {
        let (validator, public) = key(index);
        let signature = g1(&bytes(&cluster.vote(index.into(), about)));
        assert_eq!(pairing(&signature, &generator), pairing(&hashed, &public));
        let voting = validator.voting.unwrap();
        let message = [&voting.key[..], &validator.identity].concat();
        let proof = g1(voting.proof[..].try_into().unwrap());
        let hashed = G1Affine::from(hash(&message, POSSESSION));
        assert_eq!(pairing(&proof, &generator), pairing(&hashed, &public));
    }
    let certificate = cluster.certificate(&[0, 2, 3], &[0, 2, 3], about);
    let sum = [0, 2, 3].map(|index| G2Projective::from(key(index).1));
    let sum = G2Affine::from(sum[0] + sum[1] + sum[2]);
    let aggregate = g1(&certificate.aggregate.0);
    assert_eq!(pairing(&aggregate, &generator), pairing(&hashed, &sum));
}

/// The random beacon "quicknet" of the League of Entropy: BLS with signatures in G1, round 1000.
/// It shows that the library under this crate computes what the rest of the world does.
#[test]
fn a_published_signature_verifies() {
    const KEY: &str = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a\
        6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76\
        a4bc09e76eae8991ef5ece45a";
    const ROUND_1000: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b\
        73a8dd2bacbe47e4b6b63ed5e39";
    use sha2_previous::{Digest, Sha256};
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let key = blst::min_sig::PublicKey::key_validate(&unhex(KEY)).unwrap();
    let signature = blst::min_sig::Signature::sig_validate(&unhex(ROUND_1000), true).unwrap();
    let verify = |round: u64| {
        let message = Sha256::digest(&round.to_be_bytes());
        let domain = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
        signature.verify(false, &message, domain, &[], &key, false)
    };
    assert_eq!(verify(1000), blst::BLST_ERROR::BLST_SUCCESS);
    assert_eq!(verify(1001), blst::BLST_ERROR::BLST_VERIFY_FAIL);
}

#[test]
fn a_rogue_key_is_refused_for_want_of_a_proof() {
    // The attacker's key is x·g₂ minus the victim's, so x signs for both together.
    let victim = g2(&Bls::validator(&keys(0), 1).voting.unwrap().key);
    let secret = Scalar::from(12345u64);
    let rogue = G2Affine::from(G2Projective::generator() * secret - G2Projective::from(victim));
    let key = rogue.to_compressed().to_vec();
    let identity = keys(1).identity_public();
    let message = [&key[..], &identity].concat();
    // The best it can do without the private key of the difference.
    let proof = G1Affine::from(hash(&message, POSSESSION) * secret);
    let proof = proof.to_compressed().to_vec();
    let voting = VotingKey { key, proof };
    assert_eq!(fault(with_voting(Some(voting))), (1, KeyFault::VotingProof));
    // What would be lost: one vote by the attacker's secret passes for both.
    let about = statement(1);
    let forged = G1Affine::from(hash(&about.0.0, VOTE) * secret);
    let both = G2Affine::from(G2Projective::from(victim) + G2Projective::from(rogue));
    let hashed = G1Affine::from(hash(&about.0.0, VOTE));
    assert_eq!(
        pairing(&forged, &G2Affine::generator()),
        pairing(&hashed, &both)
    );
}

#[test]
fn keys_and_proofs_are_refused_with_the_fault_named() {
    let good = keys(1).voting_key();
    assert!(
        Bls::new(Arc::new(
            ValidatorSet::new(with_voting(Some(good.clone()))).unwrap()
        ))
        .is_ok()
    );
    assert_eq!(fault(with_voting(None)), (1, KeyFault::VotingMissing));
    let key = |key: &[u8]| {
        let proof = good.proof.clone();
        let key = key.to_vec();
        fault(with_voting(Some(VotingKey { key, proof })))
    };
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    assert_eq!(key(&infinity), (1, KeyFault::VotingInfinity));
    infinity[95] = 1;
    assert_eq!(key(&infinity), (1, KeyFault::VotingEncoding));
    assert_eq!(key(&outside_g2()), (1, KeyFault::VotingSubgroup));
    for bytes in [
        &[][..],
        &good.key[..95],
        &[0; 96],
        &[0xff; 96],
        &[0x80; 192],
    ] {
        assert_eq!(key(bytes), (1, KeyFault::VotingEncoding));
    }
    let proof = |proof: &[u8]| {
        let (key, proof) = (good.key.clone(), proof.to_vec());
        fault(with_voting(Some(VotingKey { key, proof })))
    };
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    // A vote on the same bytes is no proof either, because the domains differ.
    let voted = bytes(&Bls::sign_with(&keys(1), KeyRole::Voting, statement(0)));
    for bytes in [
        &[][..],
        &infinity,
        &outside_g1(),
        &voted,
        &good.proof[..47],
        &[0; 48],
    ] {
        assert_eq!(proof(bytes), (1, KeyFault::VotingProof));
    }
}

#[test]
fn a_proof_cannot_be_replayed_for_another_identity() {
    let mut thief = Bls::validator(&keys(5), 1);
    thief.voting = Some(keys(1).voting_key());
    let validators = vec![Bls::validator(&keys(0), 1), thief];
    assert_eq!(fault(validators), (1, KeyFault::VotingProof));
}

#[test]
fn forged_votes_that_cancel_are_refused() {
    let cluster = Cluster::<Bls>::new(&[1; 4]);
    let about = statement(1);
    let votes: Vec<_> = (0..4).map(|by| cluster.vote(by, about)).collect();
    let offset = G1Projective::generator() * Scalar::from(99u64);
    let plus = vote(G1Projective::from(g1(&bytes(&votes[0]))) + offset);
    let minus = vote(G1Projective::from(g1(&bytes(&votes[1]))) - offset);
    let forged = [&plus, &minus, &votes[2], &votes[3]];
    let messages: Vec<_> = (0..)
        .zip(forged)
        .map(|(by, signature)| voted::<Bls>(by, about, signature))
        .collect();
    assert_eq!(cluster.scheme.verify(&messages), [false, false, true, true]);
    // Their plain sum is that of the real ones: a multi-signature is what it is.
    let parts = [&plus, &minus, &votes[2]];
    let parts = (0..).map(ReplicaId).zip(parts);
    let aggregate = cluster.scheme.aggregate(parts);
    assert_eq!(
        aggregate,
        cluster.certificate(&[], &[0, 1, 2], about).aggregate
    );
}

#[test]
fn points_outside_the_subgroup_infinity_and_bad_encodings_are_no_signatures() {
    let cluster = Cluster::<Bls>::new(&[1; 4]);
    let about = statement(1);
    let good = bytes(&cluster.vote(0, about));
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    let mut uncompressed = good;
    uncompressed[0] &= 0x7f;
    // A signature plus a point of another order is on the curve, and satisfies some pairings.
    let stray = G1Affine::from_compressed_unchecked(&outside_g1()).unwrap();
    let shifted = G1Projective::from(g1(&good)) + G1Projective::from(stray);
    let shifted = G1Affine::from(shifted).to_compressed();
    // A coordinate that is not reduced: above the field's modulus.
    let mut large = [0xff; 48];
    large[0] = 0x9a;
    for bytes in [
        infinity,
        uncompressed,
        shifted,
        outside_g1(),
        large,
        [0; 48],
    ] {
        let signature = BlsSignature::Voting(VoteSignature::from_bytes(bytes));
        let verdict = cluster.scheme.verify(&[voted::<Bls>(0, about, &signature)]);
        assert_eq!(verdict, [false]);
        let certificate = QuorumCertificate {
            signers: signers(4, &[0, 1, 2]),
            aggregate: BlsAggregate(bytes),
        };
        assert!(!cluster.holds(&certificate, about));
    }
}

#[test]
fn each_key_has_its_own_kind_of_signature() {
    let cluster = Cluster::<Bls>::new(&[1; 4]);
    let about = statement(1);
    for (signed, claimed) in [
        (KeyRole::Identity, KeyRole::Voting),
        (KeyRole::Voting, KeyRole::Identity),
    ] {
        let signature = &cluster.signers[0].sign_now(signed, about);
        let claim = Claim::Signed {
            by: ReplicaId(0),
            key: claimed,
            statement: about,
            signature,
        };
        assert!(!holds(&cluster.scheme, claim));
    }
}

//! The mock scheme cannot be forged, and decisions need real proofs.

use crate::keys::Keys;
use crate::toy::{Say, Toy, Votes};
use quorate_core::testing::Mock;
use quorate_core::{
    Body, Claim, Claims, Decision, Fault, Height, KeyRole, Payload, QuorumCertificate, ReplicaId,
    Scheme, SignerSet, Statement, Verified,
};
use std::sync::Arc;

fn statement(keys: &Keys, height: u64, payload: &Payload) -> Statement {
    let vote = Say::Vote(Height(height), *payload.digest());
    vote.signing().statement(&keys.domain)
}

fn certificate(keys: &Keys, by: &[u16], statement: Statement) -> QuorumCertificate<Mock> {
    let mut signers = SignerSet::empty(keys.scheme.validators().len());
    let sign = |id: &u16| {
        let id = ReplicaId(*id);
        (id, keys.scheme.sign(id, KeyRole::Voting, statement))
    };
    let parts: Vec<_> = by.iter().map(sign).collect();
    for (id, _) in &parts {
        signers.insert(*id);
    }
    let parts = parts.iter().map(|(id, signature)| (*id, signature));
    let aggregate = keys.scheme.aggregate(parts);
    QuorumCertificate { signers, aggregate }
}

fn holds(scheme: &Mock, claim: Claim<'_, Mock>) -> bool {
    let mut claims = Claims::default();
    claims.push(claim);
    assert_eq!((claims.len(), claims.is_empty()), (1, false));
    scheme.verify(&[claims])[0]
}

#[test]
fn signatures_hold_for_their_signer_key_statement_and_secret_only() {
    let keys = Keys::new(&[1; 4]);
    let (mine, other) = (
        statement(&keys, 1, &Payload::empty()),
        statement(&keys, 2, &Payload::empty()),
    );
    let signature = keys.scheme.sign(ReplicaId(1), KeyRole::Voting, mine);
    let claim = |by, key, statement| Claim::Signed {
        by: ReplicaId(by),
        key,
        statement,
        signature: &signature,
    };
    assert!(holds(&keys.scheme, claim(1, KeyRole::Voting, mine)));
    assert!(!holds(&keys.scheme, claim(2, KeyRole::Voting, mine)));
    assert!(!holds(&keys.scheme, claim(1, KeyRole::Identity, mine)));
    assert!(!holds(&keys.scheme, claim(1, KeyRole::Voting, other)));
    let stranger = Mock::new(Arc::new(keys.scheme.validators().clone()), [8; 32]);
    assert!(!holds(&stranger, claim(1, KeyRole::Voting, mine)));
    let outside = keys.scheme.sign(ReplicaId(9), KeyRole::Voting, mine);
    let outside = Claim::Signed {
        by: ReplicaId(9),
        key: KeyRole::Voting,
        statement: mine,
        signature: &outside,
    };
    assert!(!holds(&keys.scheme, outside), "a stranger has no say");
}

#[test]
fn certificates_hold_for_exactly_their_signers() {
    let keys = Keys::new(&[1; 4]);
    let mine = statement(&keys, 1, &Payload::empty());
    let good = certificate(&keys, &[0, 1, 3], mine);
    assert!(holds(&keys.scheme, good.claim(mine)));
    let other = statement(&keys, 2, &Payload::empty());
    assert!(!holds(&keys.scheme, good.claim(other)));
    for signers in [&[0, 1, 2][..], &[0, 1, 2, 3], &[0, 1]] {
        let altered = QuorumCertificate {
            signers: certificate(&keys, signers, mine).signers,
            ..good.clone()
        };
        assert!(!holds(&keys.scheme, altered.claim(mine)), "{signers:?}");
    }
    let mut wide = SignerSet::empty(5);
    for id in [0, 1, 3] {
        wide.insert(ReplicaId(id));
    }
    let wide = QuorumCertificate {
        signers: wide,
        ..good
    };
    assert!(!holds(&keys.scheme, wide.claim(mine)));
    let few = certificate(&keys, &[0, 1], mine);
    assert!(!holds(&keys.scheme, few.claim(mine)));
    let weak = few.claim_with(quorate_core::Threshold::Weak, mine);
    assert!(holds(&keys.scheme, weak));
    let nobody = certificate(&keys, &[], mine);
    let weak = nobody.claim_with(quorate_core::Threshold::Weak, mine);
    assert!(!holds(&keys.scheme, weak));
}

#[test]
fn one_bad_message_spoils_no_other() {
    let keys = Keys::new(&[1; 4]);
    let batch: Vec<_> = (0..6u16)
        .map(|number| {
            let body = Say::Ping(Height(1), number.into());
            let mut signed = keys.sign(ReplicaId(number % 4), body);
            if number.is_multiple_of(2) {
                signed.by = ReplicaId((number + 1) % 4);
            }
            signed
        })
        .collect();
    let verdicts = Verified::<Toy>::check(&keys.domain, &keys.scheme, batch.clone());
    for (number, (verdict, signed)) in verdicts.into_iter().zip(batch).enumerate() {
        match verdict {
            Ok(verified) => assert_eq!((number % 2, verified.by()), (1, signed.by)),
            Err(returned) => assert_eq!((number % 2, returned), (0, signed)),
        }
    }
}

#[test]
fn decisions_need_a_quorum_on_their_height_and_payload() {
    let keys = Keys::new(&[1; 4]);
    let payload = Payload::new(vec![1]);
    let votes = certificate(&keys, &[0, 1, 2], statement(&keys, 3, &payload));
    let decision = |height, payload: &Payload, proof| Decision::<Toy> {
        height: Height(height),
        payload: payload.clone(),
        proof: Arc::new(proof),
    };
    let verify = |it: Decision<Toy>| it.verify(&keys.domain, &keys.scheme);
    let good = decision(3, &payload, Votes::Certificate(votes.clone()));
    assert_eq!(verify(good.clone()), Ok(()));
    let bytes = borsh::to_vec(&good).unwrap();
    assert_eq!(verify(borsh::from_slice(&bytes).unwrap()), Ok(()));

    let bad = Err(Fault::BadCertificate);
    let certificate_of = || Votes::Certificate(votes.clone());
    assert_eq!(verify(decision(4, &payload, certificate_of())), bad);
    assert_eq!(
        verify(decision(3, &Payload::empty(), certificate_of())),
        bad
    );
    let few = certificate(&keys, &[0, 1], statement(&keys, 3, &payload));
    assert_eq!(verify(decision(3, &payload, Votes::Certificate(few))), bad);
    // A proof that claims nothing proves nothing.
    assert_eq!(verify(decision(3, &payload, Votes::Nothing)), bad);
}

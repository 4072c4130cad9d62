//! What is refused on receipt, though every signature in it holds.

use crate::builder::{Builder, Driven};
use quorate_core::testing::Mock;
use quorate_core::{
    Claims, Digest, Fault, Height, Proof as _, Scheme, SignerSet, Threshold, Triage, View,
};
use quorate_core::{Protocol, ReplicaId};
use quorate_hotstuff::{
    Body, Certificate, Commits, FullBlock, Header, Proof, Proposal, TwoChain, Vote,
};

type Rule = TwoChain;

#[test]
fn certificates_of_timeouts_are_checked_as_a_whole() {
    let builder = Builder::<Rule>::new(0);
    let validators = &builder.setup.validators;
    let genesis = builder.genesis();
    let one = builder.certify(&builder.block(&genesis, 1).block, None);
    let check =
        |groups: &[(Certificate<Mock>, &[u16])]| builder.given_up(5, groups).check(validators);
    let bad = Err(Fault::BadCertificate);
    assert_eq!(check(&[(genesis.clone(), &[0, 1, 2])]), Ok(()));
    assert_eq!(
        check(&[(genesis.clone(), &[0]), (one.clone(), &[3, 2])]),
        Ok(())
    );
    assert_eq!(check(&[(genesis.clone(), &[0, 1])]), bad, "no quorum");
    assert_eq!(
        check(&[(genesis.clone(), &[0, 1]), (one.clone(), &[0, 1])]),
        bad,
        "twice the same"
    );
    assert_eq!(
        check(&[(one.clone(), &[0, 1]), (genesis.clone(), &[2])]),
        bad,
        "not ascending"
    );
    assert_eq!(
        check(&[(one.clone(), &[0, 1]), (one.clone(), &[2])]),
        bad,
        "two groups of a view"
    );
    assert_eq!(check(&[]), bad, "nobody");
    assert_eq!(
        check(&[(genesis.clone(), &[]), (one.clone(), &[0, 1, 2])]),
        bad,
        "an empty group"
    );
    let late = builder.certify(&builder.block(&genesis, 5).block, None);
    assert_eq!(
        check(&[(late, &[0, 1, 2])]),
        bad,
        "a certificate of the view itself"
    );
    let mut stretched = builder.given_up(5, &[(genesis, &[0, 1, 2])]);
    let mut signers = SignerSet::empty(5);
    (0..4).for_each(|id| {
        signers.insert(ReplicaId(id));
    });
    stretched.groups[0].certificate.signers = signers;
    assert_eq!(stretched.check(validators), bad, "another set");
}

#[test]
fn any_power_is_less_than_weak() {
    let builder = Builder::<Rule>::new(0);
    assert_eq!(builder.setup.validators.quorum().needed(Threshold::Any), 1);
}

#[test]
fn the_genesis_certificate_is_one_constant() {
    let builder = Builder::<Rule>::new(0);
    let genesis = builder.setup.genesis();
    assert_eq!(builder.genesis().check(&genesis), Ok(()));
    let changes: [fn(&mut Vote); 4] = [
        |vote| vote.view = View(1),
        |vote| vote.height = Height(1),
        |vote| vote.block = Digest::ZERO,
        |vote| {
            vote.commits = Some(Commits {
                height: Height(0),
                block: Digest::ZERO,
            });
        },
    ];
    for change in changes {
        let mut forged = builder.genesis();
        change(&mut forged.vote);
        assert_eq!(
            forged.check(&genesis),
            Err(Fault::BadCertificate),
            "{forged:?}"
        );
    }
    // And nobody signs for it.
    let mut signed = builder.certify(&builder.block(&builder.genesis(), 1).block, None);
    signed.vote = builder.genesis().vote;
    assert_eq!(signed.check(&genesis), Err(Fault::BadCertificate));
}

#[test]
fn blocks_say_what_their_certificates_say() {
    let builder = Builder::<Rule>::new(0);
    let genesis = builder.setup.genesis();
    let parent = builder.block(&builder.genesis(), 1);
    let good = builder.block(&builder.certify(&parent.block, None), 2);
    assert_eq!(good.check(&genesis), Ok(()));
    let changes: [fn(&mut Header); 6] = [
        |header| header.view = View(1),
        |header| header.view = View(u64::MAX),
        |header| header.height = Height(3),
        |header| header.parent = Digest::ZERO,
        |header| header.parent_view = View(0),
        |header| header.payload = Digest::ZERO,
    ];
    for change in changes {
        let mut forged = good.clone();
        change(&mut forged.block.header);
        assert_eq!(
            forged.check(&genesis),
            Err(Fault::Inconsistent),
            "{forged:?}"
        );
    }
}

fn proved(
    builder: &Builder<Rule>,
    proof: &Proof<Mock>,
    full: &FullBlock<Mock>,
    height: u64,
) -> bool {
    let mut claims = Claims::default();
    let digest = full.payload.digest();
    let structure = proof.claims(&builder.setup.domain(), Height(height), digest, &mut claims);
    structure.is_ok() && !claims.is_empty() && builder.setup.scheme.verify(&[claims])[0]
}

#[test]
fn proofs_prove_one_thing_only() {
    let builder = Builder::<Rule>::new(0);
    let one = builder.block(&builder.genesis(), 1);
    let two = builder.block(&builder.certify(&one.block, None), 3);
    let three = builder.block(&builder.certify(&two.block, None), 4);
    let commits = Commits {
        height: Height(2),
        block: two.block.header.id(),
    };
    let certificate = builder.certify(&three.block, Some(commits));
    let path = vec![two.block.header, one.block.header];
    let proof = Proof {
        certificate: certificate.clone(),
        path,
    };
    assert!(proved(&builder, &proof, &one, 1), "an ancestor");
    assert!(!proved(&builder, &proof, &one, 2), "another height");
    assert!(!proved(&builder, &proof, &two, 1), "another payload");
    let direct = Proof {
        certificate: certificate.clone(),
        path: vec![two.block.header],
    };
    assert!(proved(&builder, &direct, &two, 2), "the block itself");
    let empty = Proof {
        certificate: certificate.clone(),
        path: vec![],
    };
    assert!(!proved(&builder, &empty, &two, 2), "no header");
    let short = Proof {
        certificate: certificate.clone(),
        path: vec![one.block.header],
    };
    assert!(!proved(&builder, &short, &one, 1), "a missing step");
    let mut other = proof.clone();
    other.path[1].payload = *three.payload.digest();
    assert!(!proved(&builder, &other, &three, 1), "a forged header");
    let silent = builder.certify(&three.block, None);
    let nothing = Proof {
        certificate: silent,
        path: vec![two.block.header],
    };
    assert!(
        !proved(&builder, &nothing, &two, 2),
        "a certificate that commits nothing"
    );
    let mut claimed = proof.clone();
    claimed.certificate.vote.view = View(9);
    assert!(
        !proved(&builder, &claimed, &one, 1),
        "a certificate for another view"
    );
    let unsigned = Proof {
        certificate: Certificate {
            proof: None,
            ..certificate
        },
        ..proof
    };
    assert!(!proved(&builder, &unsigned, &one, 1), "no certificate");
}

#[test]
fn cheap_checks_come_first() {
    let builder = Builder::<Rule>::new(2);
    let mut driven = Driven::start(&builder, Vec::new());
    let full = builder.block(&builder.genesis(), 1);
    let proposal = Body::Proposal(Proposal {
        full: full.clone(),
        timeout: None,
    });
    let judge = |driven: &Driven<Rule>, by: u16, body: &Body<Mock>| {
        driven.engine.triage(ReplicaId(by), body)
    };
    assert_eq!(
        judge(&driven, 0, &proposal),
        Triage::Fault(Fault::NotLeader)
    );
    assert_eq!(judge(&driven, 1, &proposal), Triage::Check);
    let vote = |view: u64| {
        Body::Vote(Vote {
            view: View(view),
            height: Height(1),
            block: full.block.header.id(),
            commits: None,
        })
    };
    assert_eq!(
        judge(&driven, 0, &vote(1)),
        Triage::Check,
        "replica 2 leads view 2"
    );
    assert_eq!(
        judge(&driven, 0, &vote(2)),
        Triage::Stale,
        "it does not lead view 3"
    );
    assert_eq!(
        judge(&driven, 0, &vote(65)),
        Triage::Check,
        "64 views ahead"
    );
    assert_eq!(judge(&driven, 0, &vote(69)), Triage::TooFar);
    // With a quorum of votes, the slowest is not checked any more.
    for by in [0, 1, 3] {
        driven.hear(builder.verified(by, vote(1)));
    }
    assert_eq!(driven.engine.view(), View(2));
    assert_eq!(judge(&driven, 2, &vote(1)), Triage::Stale);
}

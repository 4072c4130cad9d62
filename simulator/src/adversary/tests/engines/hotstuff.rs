//! Contradictions and lies of a HotStuff replica.

use super::*;
use quorate_hotstuff::{
    Advance, Block, Body, Certificate, FullBlock, HotStuff, Proposal, Timeout, TwoChain, Vote,
};

type P = HotStuff<Mock, TwoChain>;

const GENESIS: Digest = Digest([4; 32]);

/// The certificate of a block in this view, at the height of the same number.
fn certificate(bench: &Bench<P>, view: u64) -> Certificate<Mock> {
    let block = Digest::builder("block").number(view).finish();
    let vote = Vote {
        view: View(view),
        height: Height(view),
        block,
        commits: None,
    };
    Certificate {
        vote,
        proof: Some(bench.certify(vote.signing())),
    }
}

fn proposal(justify: Certificate<Mock>, view: u64) -> Proposal<Mock> {
    let payload = payload(view);
    Proposal {
        full: FullBlock {
            block: Block::extending(justify, View(view), *payload.digest()),
            payload,
        },
        timeout: None,
    }
}

fn timeout(bench: &Bench<P>, high_qc: u64) -> Body<Mock> {
    Body::Timeout(Timeout {
        view: View(6),
        high_qc: certificate(bench, high_qc),
        vote: None,
    })
}

#[test]
fn contradictions_convict() {
    let mut bench = Bench::<P>::new();
    let proposal = proposal(certificate(&bench, 5), 6);
    bench.contradicts(&Body::Proposal(proposal));
    let vote = certificate(&bench, 5).vote;
    bench.contradicts(&Body::Vote(vote));
}

#[test]
fn stale_proposals_have_timeouts_that_justify_them() {
    let mut bench = Bench::<P>::new();
    // Only one has the certificate of view 5, and is left out.
    for (by, high_qc) in [(0, 5), (1, 4), (2, 4), (3, 3)] {
        let timeout = timeout(&bench, high_qc);
        bench.learn(by, timeout);
    }
    let validators = bench.scheme.validators().clone();
    let honest = proposal(certificate(&bench, 5), 7);
    let lies = bench.lies(&Body::Proposal(honest));
    assert!(!lies.is_empty());
    for lie in lies {
        let Body::Proposal(lie) = lie else {
            panic!("another kind");
        };
        assert_eq!(lie.full.check(&GENESIS), Ok(()));
        let given_up = lie.timeout.expect("it shows how the view began");
        assert_eq!(given_up.check(&validators), Ok(()));
        assert_eq!((given_up.view, given_up.highest()), (View(6), View(4)));
        assert_eq!(lie.full.block.header.parent_view, View(4));
    }
}

#[test]
fn timeouts_and_advances_name_old_certificates() {
    let mut bench = Bench::<P>::new();
    for view in 1..6 {
        let high_qc = certificate(&bench, view);
        let timeout = None;
        bench.learn(0, Body::Advance(Advance { high_qc, timeout }));
    }
    let honest = timeout(&bench, 5);
    for lie in bench.lies(&honest) {
        let Body::Timeout(lie) = lie else {
            panic!("another kind");
        };
        assert_eq!(lie.check(ME, &GENESIS), Ok(()));
        assert!(lie.high_qc.view() < View(5));
    }
    let high_qc = certificate(&bench, 5);
    let timeout = None;
    let lies = bench.lies(&Body::Advance(Advance { high_qc, timeout }));
    let old = |lie: &Body<Mock>| matches!(lie, Body::Advance(it) if it.high_qc.view() < View(5));
    assert!(!lies.is_empty() && lies.iter().all(old));
}

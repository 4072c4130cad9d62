//! Schedules that have broken HotStuff implementations.

use crate::builder::{Builder, Driven, decided, sent, vote};
use quorate_core::{Fault, Height, Output, Recipients, ReplicaId};
use quorate_hotstuff::{Body, CommitRule, ThreeChain, TwoChain};

/// Blocks linked parent to child over gaps of views: b1, b5, b6. Three-chain by links, but not by
/// views. (c3 and c8 are the fork that a replica which had decided b1 would contradict.)
#[test]
fn a_gap_in_the_views_decides_nothing() {
    let builder = Builder::<ThreeChain>::new(3);
    let mut driven = Driven::start(&builder, Vec::new());
    let b1 = builder.block(&builder.genesis(), 1);
    let first = vote(&driven.hear(builder.proposal(b1.clone(), None)));
    assert_eq!(first.expect("b1 is fine").commits, None);
    let qc1 = builder.certify(&b1.block, None);
    let b5 = builder.block(&qc1, 5);
    let tc4 = builder.given_up(4, &[(qc1, &[0, 1, 2])]);
    let second = vote(&driven.hear(builder.proposal(b5.clone(), Some(tc4))));
    assert_eq!(second.expect("b5 is fine").commits, None);
    let qc5 = builder.certify(&b5.block, None);
    let b6 = builder.block(&qc5, 6);
    let third = vote(&driven.hear(builder.proposal(b6.clone(), None)));
    assert_eq!(
        third.expect("b6 is fine").commits,
        None,
        "1, 5, 6 decide nothing"
    );
    let qc6 = builder.certify(&b6.block, None);

    // The fork: c3 and then c8 upon it, below the lock on b5, refused.
    assert_eq!(
        driven.engine.locked().0,
        1,
        "the certificate of b5 locks b1"
    );
    driven.hear(builder.proposal(builder.block(&qc6, 7), None));
    assert_eq!(
        driven.engine.locked().0,
        5,
        "the certificate of b6 locks b5"
    );
    let c3 = builder.block(&builder.genesis(), 3);
    let tc2 = builder.given_up(2, &[(builder.genesis(), &[0, 1, 2])]);
    assert!(vote(&driven.hear(builder.proposal(c3.clone(), Some(tc2)))).is_none());
    let qc3 = builder.certify(&c3.block, None);
    let c8 = builder.block(&qc3, 8);
    let tc7 = builder.given_up(7, &[(qc3, &[0, 1, 2])]);
    let outputs = driven.hear(builder.proposal(c8, Some(tc7)));
    assert!(vote(&outputs).is_none(), "c8 is against the lock");
    assert!(decided(&outputs).is_empty());
}

/// The liveness clause: a certificate above the lock overrides it, on another branch too.
#[test]
fn a_higher_certificate_overrides_the_lock() {
    let builder = Builder::<ThreeChain>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let b1 = builder.block(&builder.genesis(), 1);
    let qc1 = builder.certify(&b1.block, None);
    let b2 = builder.block(&qc1, 2);
    let qc2 = builder.certify(&b2.block, None);
    for full in [b1, b2] {
        driven.hear(builder.proposal(full, None));
    }
    let b3 = builder.block(&qc2, 3);
    driven.hear(builder.proposal(b3, None));
    assert_eq!(driven.engine.locked().0, 1);
    // Another branch from the genesis, certified in view 5, above the lock.
    let tc4 = builder.given_up(4, &[(builder.genesis(), &[0, 1, 2])]);
    let c5 = builder.block(&builder.genesis(), 5);
    let outputs = driven.hear(builder.proposal(c5.clone(), Some(tc4)));
    assert!(vote(&outputs).is_none(), "it is against the lock");
    let qc5 = builder.certify(&c5.block, None);
    let c6 = builder.block(&qc5, 6);
    let outputs = driven.hear(builder.proposal(c6, None));
    assert!(
        vote(&outputs).is_some(),
        "its certificate is above the lock"
    );
}

/// One gap under the two-chain rule.
#[test]
fn two_chain_wants_consecutive_views() {
    let builder = Builder::<TwoChain>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let b1 = builder.block(&builder.genesis(), 1);
    driven.hear(builder.proposal(b1.clone(), None));
    let qc1 = builder.certify(&b1.block, None);
    let b3 = builder.block(&qc1, 3);
    let tc2 = builder.given_up(2, &[(qc1, &[0, 1, 2])]);
    let own = vote(&driven.hear(builder.proposal(b3.clone(), Some(tc2))));
    let own = own.expect("b3 is fine");
    assert_eq!((own.height, own.commits), (Height(2), None));
    let qc3 = builder.certify(&b3.block, None);
    let b5 = builder.block(&qc3, 5);
    let tc4 = builder.given_up(4, &[(qc3, &[0, 1, 2])]);
    let outputs = driven.hear(builder.proposal(b5.clone(), Some(tc4)));
    assert!(decided(&outputs).is_empty());
    // The block that carries the certificate need not follow: 5, 6, and then 9.
    let qc5 = builder.certify(&b5.block, None);
    let b6 = builder.block(&qc5, 6);
    let own = vote(&driven.hear(builder.proposal(b6.clone(), None))).expect("b6 is fine");
    let commits = own.commits.expect("5 and 6 decide b5");
    assert_eq!(
        (commits.height, commits.block),
        (Height(3), b5.block.header.id())
    );
    let qc6 = builder.certify(&b6.block, own.commits);
    let b9 = builder.block(&qc6, 9);
    let tc8 = builder.given_up(8, &[(qc6, &[0, 1, 2])]);
    let outputs = driven.hear(builder.proposal(b9, Some(tc8)));
    let expected: Vec<_> = [&b1, &b3, &b5].map(|full| *full.payload.digest()).into();
    assert_eq!(
        decided(&outputs),
        expected,
        "with all its ancestors, oldest first"
    );
}

/// Timeouts that show a higher certificate than the leader's forbid the vote, and blame it.
fn a_leader_that_heard_more_than_it_shows<R: CommitRule>() {
    let builder = Builder::<R>::new(1);
    let mut driven = Driven::start(&builder, Vec::new());
    let b1 = builder.block(&builder.genesis(), 1);
    let qc1 = builder.certify(&b1.block, None);
    let stale = builder.block(&builder.genesis(), 3);
    let tc2 = builder.given_up(2, &[(builder.genesis(), &[0, 1]), (qc1, &[2])]);
    let outputs = driven.hear(builder.proposal(stale, Some(tc2)));
    assert!(vote(&outputs).is_none());
    let blamed =
        |output: &Output<_>| matches!(output, Output::Blame(ReplicaId(3), Fault::Unjustified));
    assert!(outputs.iter().any(blamed));
}

#[test]
fn a_leader_that_heard_more_than_it_shows_is_refused() {
    a_leader_that_heard_more_than_it_shows::<TwoChain>();
    a_leader_that_heard_more_than_it_shows::<ThreeChain>();
}

/// A view that has been given up gets no vote, even if its proposal comes a moment later.
fn no_vote_after_a_timeout<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let outputs = driven.pass_deadline();
    let timeout = |(to, body): &(Recipients, _)| {
        *to == Recipients::All && matches!(body, Body::Timeout(timeout) if timeout.view.0 == 1)
    };
    assert!(sent(&outputs).iter().any(timeout));
    let b1 = builder.block(&builder.genesis(), 1);
    let outputs = driven.hear(builder.proposal(b1.clone(), None));
    assert!(vote(&outputs).is_none(), "view 1 is given up");
    let qc1 = builder.certify(&b1.block, None);
    let outputs = driven.hear(builder.proposal(builder.block(&qc1, 2), None));
    assert!(vote(&outputs).is_some(), "view 2 is not");
}

#[test]
fn no_vote_after_a_timeout_under_either_rule() {
    no_vote_after_a_timeout::<TwoChain>();
    no_vote_after_a_timeout::<ThreeChain>();
}

/// A second proposal of a view gets no vote; both are evidence.
#[test]
fn one_vote_a_view() {
    let builder = Builder::<TwoChain>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let b1 = builder.block(&builder.genesis(), 1);
    let mut other = b1.clone();
    other.payload = quorate_core::Payload::new(vec![1]);
    other.block.header.payload = *other.payload.digest();
    assert!(vote(&driven.hear(builder.proposal(b1.clone(), None))).is_some());
    assert!(vote(&driven.hear(builder.proposal(b1, None))).is_none());
    let outputs = driven.hear(builder.proposal(other, None));
    assert!(vote(&outputs).is_none());
    let evidence = outputs.iter().find_map(|output| match output {
        Output::Evidence(evidence) => Some(evidence),
        _ => None,
    });
    let evidence = evidence.expect("two proposals in one view are evidence");
    let guilty = evidence.check(&builder.setup.domain(), &builder.setup.scheme);
    assert_eq!(guilty, Ok(ReplicaId(1)));
}

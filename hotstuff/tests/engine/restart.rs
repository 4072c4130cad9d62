//! What survives a restart, and what is said again.

use crate::builder::{Builder, Driven, records, sent, vote};
use quorate_core::{Input, Output, Payload, Recipients, ReplicaId};
use quorate_hotstuff::{Advance, Body, CommitRule, ThreeChain, TwoChain};

fn under_both(test: fn(), same: fn()) {
    test();
    same();
}

/// The vote is repeated as it was, and no other is cast in its view.
fn a_vote_binds_after_a_restart<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let b1 = builder.block(&builder.genesis(), 1);
    let outputs = driven.hear(builder.proposal(b1, None));
    let first = vote(&outputs).expect("b1 is fine");
    let mut again = Driven::start(&builder, records(&outputs));
    let repeated = sent(&again.pending());
    let is_first = |(to, body): &(Recipients, _)| {
        *to == Recipients::One(ReplicaId(2)) && matches!(body, Body::Vote(vote) if *vote == first)
    };
    assert!(repeated.iter().any(is_first), "{repeated:?}");
    let payload = Payload::new(vec![1]);
    let block = quorate_hotstuff::Block::extending(
        builder.genesis(),
        quorate_core::View(1),
        *payload.digest(),
    );
    let other = quorate_hotstuff::FullBlock { block, payload };
    assert!(vote(&again.hear(builder.proposal(other, None))).is_none());
}

#[test]
fn votes_bind() {
    under_both(
        a_vote_binds_after_a_restart::<TwoChain>,
        a_vote_binds_after_a_restart::<ThreeChain>,
    );
}

/// The timeout is repeated as it was, and its view gets no vote.
fn a_timeout_binds_after_a_restart<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let outputs = driven.pass_deadline();
    let mut again = Driven::start(&builder, records(&outputs));
    let repeats = sent(&again.pending());
    let timeout = |body: &_| matches!(body, Body::Timeout(timeout) if timeout.view.0 == 1);
    assert!(repeats.iter().any(|(_, body)| timeout(body)), "{repeats:?}");
    let b1 = builder.block(&builder.genesis(), 1);
    assert!(vote(&again.hear(builder.proposal(b1, None))).is_none());
}

#[test]
fn timeouts_bind() {
    under_both(
        a_timeout_binds_after_a_restart::<TwoChain>,
        a_timeout_binds_after_a_restart::<ThreeChain>,
    );
}

/// The newest record alone restores view, lock and highest certificate.
fn the_newest_record_is_enough<R: CommitRule>(timed_out: u64) {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let mut justify = builder.genesis();
    let mut written = Vec::new();
    for view in 1..=3 {
        let full = builder.block(&justify, view);
        justify = builder.certify(&full.block, None);
        written.extend(records(&driven.hear(builder.proposal(full, None))));
    }
    for _ in 0..timed_out {
        written.extend(records(&driven.pass_deadline()));
    }
    let newest = written.pop().expect("something was promised");
    let again = Driven::start(&builder, vec![newest]);
    assert_eq!(again.engine.view(), driven.engine.view());
    assert_eq!(again.engine.locked(), driven.engine.locked());
    assert_eq!(again.engine.certified(), driven.engine.certified());
    assert!(again.engine.certified().0 == 2);
}

#[test]
fn one_record_is_enough() {
    for timed_out in 0..2 {
        the_newest_record_is_enough::<TwoChain>(timed_out);
        the_newest_record_is_enough::<ThreeChain>(timed_out);
    }
}

/// A leader stops when its proposal is written and its vote is not. Back in its view, it shows the
/// others how that began: they may have no other way there (simulator, two-chain, seed 3836).
fn a_leader_shows_why_it_proposed<R: CommitRule>() {
    let builder = Builder::<R>::new(2);
    let mut driven = Driven::start(&builder, Vec::new());
    let advance = Advance {
        high_qc: builder.genesis(),
        timeout: Some(builder.given_up(1, &[(builder.genesis(), &[0, 1, 3])])),
    };
    let outputs = driven.hear(builder.verified(0, Body::Advance(advance)));
    assert_eq!(driven.engine.view().0, 2);
    let ticket = outputs.iter().find_map(|output| match output {
        Output::Build { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.expect("the leader of view 2 builds a payload");
    let outputs = driven.step(Input::Built(ticket, Payload::new(vec![1])));
    let mut written = records(&outputs);
    assert_eq!(written.len(), 2, "a proposal and a vote: {written:?}");
    written.pop();
    let mut again = Driven::start(&builder, written);
    assert_eq!(again.engine.view().0, 2);
    let mut repeated = sent(&again.pass_deadline());
    repeated.extend(sent(&again.pass_deadline()));
    let shows = |body: &_| match body {
        Body::Advance(advance) => advance.timeout.as_ref().is_some_and(|it| it.view.0 == 1),
        _ => false,
    };
    assert!(repeated.iter().any(|(_, body)| shows(body)), "{repeated:?}");
}

#[test]
fn leaders_show_the_way() {
    under_both(
        a_leader_shows_why_it_proposed::<TwoChain>,
        a_leader_shows_why_it_proposed::<ThreeChain>,
    );
}

//! A leader that has swallowed the votes sent to it gets a quarter of its time.
//!
//! View v's votes go to the leader of v + 1. If that is silent, nobody sees the certificate of v before
//! v has timed out, and the timeouts bring the votes. Then its own view begins, and would time out
//! after its full time as well.

use crate::builder::{Builder, Driven, Engine, Message, sent, vote};
use quorate_core::testing::Mock;
use quorate_core::{KeyRole, Output, ReplicaId, View};
use quorate_hotstuff::{
    Body, CommitRule, FullBlock, SignedVote, ThreeChain, Timeout, TwoChain, Vote,
};
use std::time::Duration;

/// What the first view takes, and the one after a view that was given up.
const FULL: Duration = Duration::from_secs(1);
const LONGER: Duration = Duration::from_millis(1500);

/// A timeout of view 1 that carries its sender's vote.
fn timeout<R: CommitRule>(builder: &Builder<R>, by: u16, vote: Vote) -> Message {
    let statement = vote.signing().statement(&builder.setup.domain());
    let by = ReplicaId(by);
    Body::Timeout(Timeout {
        view: View(1),
        high_qc: builder.genesis(),
        vote: Some(SignedVote {
            by,
            vote,
            signature: builder.setup.scheme.sign(by, KeyRole::Voting, statement),
        }),
    })
}

/// The own timeout of a view among these outputs.
fn given_up<R: CommitRule>(outputs: &[Output<Engine<R>>], view: u64) -> Option<Message> {
    let mut bodies = sent(outputs).into_iter().map(|(_, body)| body);
    bodies.find(|body| matches!(body, Body::Timeout(own) if own.view == View(view)))
}

/// A replica that has voted for the block of view 1, and what it voted.
fn voted<R: CommitRule>(builder: &Builder<R>) -> (Driven<R>, FullBlock<Mock>, Vote) {
    let mut driven = Driven::start(builder, Vec::new());
    let block = builder.block(&builder.genesis(), 1);
    let outputs = driven.hear(builder.proposal(block.clone(), None));
    let vote = vote(&outputs).expect("it votes for the first block");
    // What binds a replica comes back to it.
    let me = builder.setup.me.0;
    driven.hear(builder.verified(me, Body::Vote(vote)));
    (driven, block, vote)
}

/// The replica gives up view 1, and the timeouts bring the certificate that leader 2 swallowed.
fn swallowed<R: CommitRule>(builder: &Builder<R>) -> Driven<R> {
    let (mut driven, _, vote) = voted(builder);
    let mut outputs = driven.pass_deadline();
    while given_up::<R>(&outputs, 1).is_none() {
        outputs = driven.pass_deadline();
    }
    // The leader has its own vote already.
    let leads = builder.setup.me == ReplicaId(2);
    for by in [0, 1, 3].into_iter().take(if leads { 2 } else { 3 }) {
        assert_eq!(driven.engine.view(), View(1));
        driven.hear(builder.verified(by, timeout(builder, by, vote)));
    }
    assert_eq!(
        driven.engine.view(),
        View(2),
        "three votes are a certificate"
    );
    driven
}

fn the_next_view_is_short<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = swallowed(&builder);
    assert_eq!(driven.patience(), LONGER / 4);
    let outputs = driven.pass_deadline();
    assert!(given_up::<R>(&outputs, 2).is_some());
}

/// The leader itself may be correct, and have its votes only now: its own clock hurries nobody.
fn its_leader_has_its_full_time<R: CommitRule>() {
    let builder = Builder::<R>::new(2);
    let mut driven = swallowed(&builder);
    let mut waited = Duration::ZERO;
    loop {
        waited += driven.patience();
        if given_up::<R>(&driven.pass_deadline(), 2).is_some() {
            break;
        }
    }
    assert_eq!(waited, LONGER);
}

/// Whoever gets the certificate in time, or goes on without one, waits as long as ever.
fn other_views_have_their_full_time<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let (mut driven, one, _) = voted(&builder);
    let certificate = builder.certify(&one.block, None);
    driven.hear(builder.proposal(builder.block(&certificate, 2), None));
    assert_eq!((driven.engine.view(), driven.patience()), (View(2), FULL));

    // A quorum has given up, and nobody has voted.
    let mut driven = Driven::start(&builder, Vec::new());
    driven.pass_deadline();
    for by in [1, 2, 3] {
        let nothing = Timeout {
            view: View(1),
            high_qc: builder.genesis(),
            vote: None,
        };
        driven.hear(builder.verified(by, Body::Timeout(nothing)));
    }
    assert_eq!((driven.engine.view(), driven.patience()), (View(2), LONGER));
}

#[test]
fn a_leader_that_swallowed_the_votes_has_a_quarter_of_its_time() {
    the_next_view_is_short::<TwoChain>();
    the_next_view_is_short::<ThreeChain>();
}

#[test]
fn a_late_leader_has_its_full_time() {
    its_leader_has_its_full_time::<TwoChain>();
    its_leader_has_its_full_time::<ThreeChain>();
}

#[test]
fn other_views_are_not_hurried() {
    other_views_have_their_full_time::<TwoChain>();
    other_views_have_their_full_time::<ThreeChain>();
}

//! How views end and begin, without waiting for one's own clock.

use crate::builder::{Builder, Driven, Message, sent};
use quorate_core::{Fault, Output, Recipients, ReplicaId, View};
use quorate_hotstuff::{Advance, Body, CommitRule, ThreeChain, Timeout, TwoChain};

fn timeout<R: CommitRule>(builder: &Builder<R>, view: u64) -> Message {
    Body::Timeout(Timeout {
        view: View(view),
        high_qc: builder.genesis(),
        vote: None,
    })
}

fn gives_up<R: CommitRule>(outputs: &[Output<crate::builder::Engine<R>>], view: u64) -> bool {
    sent(outputs).iter().any(|(to, body)| {
        *to == Recipients::All && matches!(body, Body::Timeout(own) if own.view == View(view))
    })
}

/// One may lie about having given up a view; of two, one is correct.
fn a_weak_quorum_is_joined<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let outputs = driven.hear(builder.verified(1, timeout(&builder, 40)));
    assert!(!gives_up::<R>(&outputs, 40) && driven.engine.view() == View(1));
    let outputs = driven.hear(builder.verified(1, timeout(&builder, 40)));
    assert!(!gives_up::<R>(&outputs, 40), "the same one again");
    // They need not be in the same view: one correct replica has reached the lower one.
    let outputs = driven.hear(builder.verified(2, timeout(&builder, 39)));
    assert!(gives_up::<R>(&outputs, 39));
    assert_eq!(driven.engine.view(), View(39));
    let outputs = driven.hear(builder.verified(3, timeout(&builder, 40)));
    assert!(gives_up::<R>(&outputs, 40));
}

/// Whoever repeats a timeout says how it came to its view, and whoever hears that comes along.
fn a_repeated_timeout_brings_others_along<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    for by in 1..4 {
        driven.hear(builder.verified(by, timeout(&builder, 1)));
    }
    assert_eq!(driven.engine.view(), View(2), "three have given up view 1");
    let first = driven.pass_deadline();
    assert!(gives_up::<R>(&first, 2));
    let again = driven.pass_deadline();
    assert!(gives_up::<R>(&again, 2), "it is said again");
    let advance = sent(&again).into_iter().find_map(|(to, body)| match body {
        Body::Advance(advance) if to == Recipients::All => Some(advance),
        _ => None,
    });
    let advance = advance.expect("beside it goes what led to view 2");
    let other = Builder::<R>::new(3);
    let mut behind = Driven::start(&other, Vec::new());
    behind.hear(other.verified(0, Body::Advance(advance)));
    assert_eq!(behind.engine.view(), View(2));
}

/// Certificates of timeouts without the certificate that their signers had are no honest advance.
fn an_advance_shows_what_was_heard<R: CommitRule>() {
    let builder = Builder::<R>::new(0);
    let mut driven = Driven::start(&builder, Vec::new());
    let one = builder.block(&builder.genesis(), 1);
    let qc_one = builder.certify(&one.block, None);
    let advance = Advance {
        high_qc: builder.genesis(),
        timeout: Some(builder.given_up(4, &[(qc_one, &[0, 1, 2])])),
    };
    let outputs = driven.hear(builder.verified(2, Body::Advance(advance)));
    let blamed =
        |output: &Output<_>| matches!(output, Output::Blame(ReplicaId(2), Fault::Inconsistent));
    assert!(outputs.iter().any(blamed));
    assert_eq!(driven.engine.view(), View(1));
}

#[test]
fn weak_quorums_are_joined() {
    a_weak_quorum_is_joined::<TwoChain>();
    a_weak_quorum_is_joined::<ThreeChain>();
}

#[test]
fn repeated_timeouts_bring_others_along() {
    a_repeated_timeout_brings_others_along::<TwoChain>();
    a_repeated_timeout_brings_others_along::<ThreeChain>();
}

#[test]
fn advances_show_what_was_heard() {
    an_advance_shows_what_was_heard::<TwoChain>();
    an_advance_shows_what_was_heard::<ThreeChain>();
}

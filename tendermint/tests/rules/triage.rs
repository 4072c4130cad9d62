//! What is not worth checking, what is kept, and what convicts.

use crate::hand::{Body, Hand, nil, payload, proposal, vote};
use quorate_core::{Fault, Height, Triage, View};
use quorate_tendermint::{Phase, Value};

fn at_height(height: u64, round: u64) -> Body {
    let mut vote = nil(round);
    vote.height = Height(height);
    Body::Prevote(vote)
}

#[test]
fn what_no_correct_replica_says_is_a_fault() {
    let hand = Hand::new();
    let a = payload("a");
    let fault = |by, body: &Body| match hand.triage(by, body) {
        Triage::Fault(fault) => Some(fault),
        _ => None,
    };
    assert_eq!(fault(2, &proposal(0, &a)), Some(Fault::NotLeader));
    assert_eq!(fault(1, &proposal(0, &a)), None);
    assert_eq!(fault(4, &Body::Prevote(nil(0))), Some(Fault::Stranger));
    for valid_round in [1, 2, u64::MAX] {
        let again = hand.again(1, &a, valid_round, &[1, 2, 3]);
        assert_eq!(fault(2, &again), Some(Fault::Inconsistent));
    }
    let again = hand.again(1, &a, 0, &[1, 2, 3]);
    assert_eq!(fault(2, &again), None);
    let Body::Certificate(mut shown) = hand.shown(Phase::Precommit, 0, &a, &[1, 2, 3]) else {
        unreachable!("it is a certificate")
    };
    shown.vote.value = Value::NIL;
    assert_eq!(
        fault(1, &Body::Certificate(shown)),
        Some(Fault::Inconsistent)
    );
}

#[test]
fn the_same_faults_are_blamed_in_a_step() {
    let mut hand = Hand::new();
    hand.hear(2, proposal(0, &payload("a")));
    assert_eq!(
        hand.blames,
        [(quorate_core::ReplicaId(2), Fault::NotLeader)]
    );
    assert_eq!(hand.prevoted(0), None);
}

#[test]
fn what_cannot_matter_any_more_is_stale() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    assert_eq!(hand.triage(1, &proposal(0, &a)), Triage::Stale);
    hand.hear(1, Body::Prevote(vote(0, &a)));
    assert_eq!(hand.triage(1, &Body::Prevote(vote(0, &a))), Triage::Stale);
    assert_eq!(hand.triage(3, &Body::Prevote(vote(0, &a))), Triage::Check);
    hand.hear(2, Body::Prevote(vote(0, &a)));
    assert_eq!(hand.triage(3, &Body::Prevote(vote(0, &a))), Triage::Stale);
    assert_eq!(hand.triage(3, &Body::Precommit(vote(0, &a))), Triage::Check);
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(hand.triage(3, &Body::Precommit(vote(0, &a))), Triage::Stale);
    assert_eq!(hand.triage(3, &at_height(2, 0)), Triage::Check);
}

#[test]
fn a_contradiction_is_worth_checking_once() {
    let mut hand = Hand::new();
    let (a, b) = (payload("a"), payload("b"));
    hand.hear(3, Body::Prevote(vote(0, &a)));
    assert_eq!(hand.triage(3, &Body::Prevote(vote(0, &b))), Triage::Check);
    hand.hear(3, Body::Prevote(vote(0, &b)));
    assert_eq!(hand.evidence.len(), 1);
    assert_eq!(hand.triage(3, &Body::Prevote(nil(0))), Triage::Stale);
    hand.hear(3, Body::Prevote(nil(0)));
    assert_eq!(hand.evidence.len(), 1);
}

#[test]
fn early_rounds_are_kept_two_for_each_sender() {
    let mut hand = Hand::new();
    hand.hear(3, Body::Prevote(nil(10)));
    hand.hear(3, Body::Prevote(nil(11)));
    assert_eq!(hand.triage(3, &Body::Prevote(nil(9))), Triage::Stale);
    assert_eq!(hand.triage(3, &Body::Prevote(nil(12))), Triage::Check);
    for round in 12..2000 {
        hand.hear(3, Body::Prevote(nil(round)));
    }
    // What the flood displaced is gone; another's word in the newest round counts.
    hand.hear(2, Body::Prevote(nil(50)));
    assert_eq!(hand.round(), View(0));
    hand.hear(2, Body::Prevote(nil(1999)));
    assert_eq!(hand.round(), View(1999));
}

#[test]
fn heights_above_are_kept_by_the_driver_after_one_word_of_each_sender() {
    let mut hand = Hand::new();
    assert_eq!(hand.triage(1, &at_height(2, 0)), Triage::Check);
    assert_eq!(hand.triage(1, &at_height(3, 0)), Triage::Check);
    hand.hear(1, at_height(3, 0));
    assert_eq!(hand.triage(1, &at_height(3, 1)), Triage::Later);
    assert_eq!(hand.triage(1, &at_height(65, 0)), Triage::Later);
    assert_eq!(hand.triage(1, &at_height(66, 0)), Triage::TooFar);
    assert_eq!(hand.triage(2, &at_height(66, 0)), Triage::Check);
    assert_eq!(hand.triage(2, &at_height(u64::MAX, 0)), Triage::Check);
    let Body::Proposal(mut far) = proposal(0, &payload("a")) else {
        unreachable!("it is a proposal")
    };
    far.height = Height(5);
    assert_eq!(hand.triage(1, &Body::Proposal(far)), Triage::Later);
}

#[test]
fn the_last_height_and_round_overflow_nothing() {
    let mut hand = Hand::new();
    let mut last = nil(u64::MAX);
    hand.hear_all(&[1, 2], &Body::Prevote(last));
    assert_eq!(hand.round(), View(u64::MAX));
    hand.time_out();
    hand.hear_all(&[1, 2, 3], &Body::Precommit(last));
    for _ in 0..4 {
        hand.time_out();
    }
    last.height = Height(u64::MAX);
    hand.hear_all(&[1, 2], &Body::Prevote(last));
    hand.time_out();
}

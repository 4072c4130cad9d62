//! Each planted bug does what it says where it is chosen, and the same engine is right without it.
//!
//! That an outside observer catches them is the simulator's to show.

use crate::hand::{Body, Hand, nil, payload, proposal, value, vote};
use quorate_core::View;
use quorate_tendermint::{Config, PlantedBug, Value};
use std::collections::BTreeSet;

fn hand(planted: Option<PlantedBug>) -> Hand {
    Hand::with(Config {
        planted,
        ..Config::default()
    })
}

/// What the replica prevotes in round 2, locked on `a` in round 1, when the proposer shows what
/// `proposes` makes.
fn prevotes(
    planted: Option<PlantedBug>,
    proposes: impl Fn(&Hand) -> Body,
    locked: impl Fn(Hand) -> Hand,
) -> Option<Value> {
    let mut hand = hand(planted);
    let a = payload("a");
    hand.hear(2, proposal(1, &a));
    hand.hear_all(&[2, 3], &Body::Prevote(vote(1, &a)));
    assert_eq!(hand.precommitted(1), value(&a));
    let mut hand = locked(hand);
    let proposal = proposes(&hand);
    hand.hear(3, proposal);
    hand.hear(1, Body::Prevote(nil(2)));
    assert_eq!(hand.round(), View(2));
    hand.prevoted(2)
}

fn new_value(_: &Hand) -> Body {
    proposal(2, &payload("w"))
}

fn old_polka(hand: &Hand) -> Body {
    hand.again(2, &payload("w"), 0, &[1, 2, 3])
}

#[test]
fn prevotes_against_lock() {
    let bug = Some(PlantedBug::PrevotesAgainstLock);
    let w = value(&payload("w"));
    for proposes in [new_value, old_polka] {
        assert_eq!(prevotes(None, proposes, |hand| hand), Some(Value::NIL));
        assert_eq!(prevotes(bug, proposes, |hand| hand), w);
    }
}

#[test]
fn restart_forgets_lock() {
    let bug = Some(PlantedBug::RestartForgetsLock);
    let w = value(&payload("w"));
    let restarted = |hand: Hand| {
        let again = hand.restarted();
        let votes = [again.prevoted(1), again.precommitted(1)];
        assert_eq!(votes, [value(&payload("a")); 2], "repeated as they were");
        again
    };
    for proposes in [new_value, old_polka] {
        assert_eq!(prevotes(None, proposes, restarted), Some(Value::NIL));
        assert_eq!(prevotes(bug, proposes, |hand| hand), Some(Value::NIL));
        assert_eq!(prevotes(bug, proposes, restarted), w);
    }
}

#[test]
fn precommits_on_weak_polka() {
    let bug = Some(PlantedBug::PrecommitsOnWeakPolka);
    let a = payload("a");
    for (planted, expected) in [(None, None), (bug, value(&a))] {
        let mut hand = hand(planted);
        hand.hear(1, proposal(0, &a));
        assert_eq!(hand.precommitted(0), None, "its own prevote is not enough");
        hand.hear(1, Body::Prevote(vote(0, &a)));
        assert_eq!(hand.precommitted(0), expected);
    }
}

#[test]
fn restart_forgets_votes() {
    let bug = Some(PlantedBug::RestartForgetsVotes);
    let (a, b) = (payload("a"), payload("b"));
    for (planted, expected) in [(None, value(&a)), (bug, value(&b))] {
        let mut hand = hand(planted);
        hand.hear(1, proposal(0, &a));
        assert_eq!(hand.prevoted(0), value(&a));
        let mut again = hand.restarted();
        again.hear(1, proposal(0, &b));
        assert_eq!(again.prevoted(0), expected);
    }
}

/// Without anybody's lie: the proposal is not heard again.
#[test]
fn restart_forgets_votes_and_says_nil() {
    let mut hand = hand(Some(PlantedBug::RestartForgetsVotes));
    hand.hear(1, proposal(0, &payload("a")));
    let mut again = hand.restarted();
    assert_eq!(again.prevoted(0), None);
    again.time_out();
    assert_eq!(again.prevoted(0), Some(Value::NIL));
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = PlantedBug::ALL.iter().map(|bug| bug.name()).collect();
    assert_eq!(names.len(), PlantedBug::ALL.len());
}

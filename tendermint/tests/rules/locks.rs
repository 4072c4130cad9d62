//! When a lock holds, and when it gives way.

use crate::hand::{Body, Hand, nil, payload, proposal, value, vote};
use quorate_core::View;
use quorate_tendermint::{Phase, Record, Value};

/// Locked on `a` in round 1, after a first round in which `v` was prevoted.
fn locked_in_round_one() -> Hand {
    let mut hand = Hand::new();
    let (v, a) = (payload("v"), payload("a"));
    hand.hear(1, proposal(0, &v));
    assert_eq!(hand.prevoted(0), value(&v));
    hand.hear(2, proposal(1, &a));
    hand.hear_all(&[2, 3], &Body::Prevote(vote(1, &a)));
    assert_eq!(hand.round(), View(1));
    assert_eq!(hand.precommitted(1), value(&a));
    hand
}

#[test]
fn l22_locked_on_another_value_prevotes_nil() {
    let mut hand = locked_in_round_one();
    hand.hear(3, proposal(2, &payload("w")));
    hand.hear(1, Body::Prevote(nil(2)));
    assert_eq!(hand.round(), View(2));
    assert_eq!(hand.prevoted(2), Some(Value::NIL));
}

#[test]
fn l22_locked_on_the_same_value_prevotes_it() {
    let mut hand = locked_in_round_one();
    hand.hear(3, proposal(2, &payload("a")));
    hand.hear(1, Body::Prevote(nil(2)));
    assert_eq!(hand.prevoted(2), value(&payload("a")));
}

/// S11: round 2 proposes `v` again with the polka of round 0, older than the lock.
#[test]
fn l28_an_older_polka_does_not_unlock() {
    let mut hand = locked_in_round_one();
    let again = hand.again(2, &payload("v"), 0, &[0, 1, 3]);
    hand.hear(3, again);
    hand.hear(1, Body::Prevote(nil(2)));
    assert_eq!(hand.prevoted(2), Some(Value::NIL));
    // And the newer valid value is what we propose when it is our turn.
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    assert_eq!(hand.proposed(), [(payload("a"), Some(View(1)))]);
}

#[test]
fn l28_a_polka_of_the_lock_s_round_or_later_unlocks() {
    for valid_round in [1, 2] {
        let mut hand = locked_in_round_one();
        let w = payload("w");
        // Of the lock's own round it would take more faulty power than is assumed; the paper
        // says `<=` all the same.
        hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
        hand.time_out_until_said(3);
        let again = hand.again(4, &w, valid_round, &[1, 2, 3]);
        hand.hear(1, again);
        hand.hear(2, Body::Prevote(vote(4, &w)));
        assert_eq!(hand.round(), View(4));
        assert_eq!(hand.prevoted(4), value(&w), "validRound {valid_round}");
    }
}

#[test]
fn l36_a_polka_for_another_value_moves_the_lock() {
    let mut hand = locked_in_round_one();
    let w = payload("w");
    hand.hear(3, proposal(2, &w));
    hand.hear(1, Body::Prevote(vote(2, &w)));
    assert_eq!(hand.prevoted(2), Some(Value::NIL));
    hand.hear_all(&[2, 3], &Body::Prevote(vote(2, &w)));
    assert_eq!(hand.precommitted(2), value(&w));
    let lock = hand
        .records
        .iter()
        .rev()
        .find_map(|(_, record)| match record {
            Record::Precommitted { vote, polka } => Some((*vote, polka.clone()?.round)),
            _ => None,
        });
    assert_eq!(lock, Some((vote(2, &w), View(2))));
}

#[test]
fn l44_a_nil_polka_does_not_unlock() {
    let mut hand = locked_in_round_one();
    hand.hear_all(&[1, 2, 3], &Body::Prevote(nil(2)));
    hand.time_out_until_said(2);
    hand.hear(1, proposal(4, &payload("w")));
    hand.hear_all(&[2, 3], &Body::Prevote(nil(4)));
    hand.hear(1, proposal(4, &payload("w")));
    assert_eq!(hand.prevoted(4), Some(Value::NIL));
}

#[test]
fn a_polka_certificate_locks_like_its_votes() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    // The liar, 3, told us nil and others `a`.
    hand.hear(3, Body::Prevote(nil(0)));
    let shown = hand.shown(Phase::Prevote, 0, &a, &[1, 2, 3]);
    hand.hear(1, shown);
    assert_eq!(hand.precommitted(0), value(&a));
}

/// S13: the polka of a round that is over for us is what we propose next, with its payload.
#[test]
fn a_late_polka_makes_its_value_valid_and_locks_nothing() {
    let mut hand = Hand::new();
    let (a, w) = (payload("a"), payload("w"));
    hand.hear_all(&[1, 2], &Body::Prevote(nil(2)));
    let shown = hand.shown(Phase::Prevote, 1, &a, &[1, 2, 3]);
    hand.hear(2, shown);
    assert_eq!(hand.wanted, [*a.digest()]);
    hand.give(quorate_core::Input::Payload(a.clone()));
    assert_eq!(hand.precommitted(1), None);
    hand.hear(3, proposal(2, &w));
    assert_eq!(hand.prevoted(2), value(&w), "not locked");
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    assert_eq!(hand.proposed(), [(a, Some(View(1)))]);
}

#[test]
fn a_lock_is_shown_when_its_round_fails_and_before_the_precommit_in_later_rounds() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    let certificates = |hand: &Hand| {
        let shown = hand.said.iter().filter_map(|body| match body {
            Body::Certificate(shown) => Some(shown.vote),
            _ => None,
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(certificates(&hand), []);
    hand.hear_all(&[1, 2], &Body::Precommit(nil(0)));
    hand.hear_all(&[1, 2], &Body::Prevote(nil(1)));
    assert_eq!(certificates(&hand), [vote(0, &a)]);
    let again = hand.again(1, &a, 0, &[0, 1, 2]);
    hand.hear(2, again);
    hand.hear(3, Body::Prevote(vote(1, &a)));
    let polka = hand.shown(Phase::Prevote, 1, &a, &[0, 2, 3]);
    hand.hear(3, polka);
    assert_eq!(hand.precommitted(1), value(&a));
    let order = hand.said.iter().rev().take(2).collect::<Vec<_>>();
    assert!(
        matches!(order[..], [Body::Precommit(_), Body::Certificate(shown)] if shown.vote == vote(1, &a)),
        "{order:?}"
    );
}

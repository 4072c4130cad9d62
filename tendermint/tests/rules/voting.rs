//! The rules of a round.

use crate::hand::{Body, Hand, nil, payload, proposal, value, vote};
use quorate_core::{Fault, Input, Payload, ReplicaId, View};
use quorate_tendermint::{Phase, Value};

#[test]
fn l22_to_l49_decide_a_valid_proposal() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    assert_eq!(hand.prevoted(0), value(&a));
    hand.hear(1, Body::Prevote(vote(0, &a)));
    assert_eq!(hand.precommitted(0), None);
    hand.hear(2, Body::Prevote(vote(0, &a)));
    assert_eq!(hand.precommitted(0), value(&a));
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(hand.decided.len(), 1);
    assert_eq!(hand.decided[0].payload, a);
    assert_eq!(hand.engine_height(), 2);
}

#[test]
fn l22_waits_for_the_application_and_prevotes_nil_if_it_refuses() {
    let mut hand = Hand::new();
    hand.verdict = None;
    hand.hear(1, proposal(0, &payload("a")));
    assert_eq!((hand.checks.len(), hand.prevoted(0)), (1, None));
    let ticket = hand.checks[0];
    hand.give(Input::Checked(ticket, false));
    assert_eq!(hand.prevoted(0), Some(Value::NIL));
    assert_eq!(hand.blames, [(ReplicaId(1), Fault::InvalidPayload)]);
}

#[test]
fn l57_prevotes_nil_if_the_application_is_too_slow() {
    let mut hand = Hand::new();
    hand.verdict = None;
    hand.hear(1, proposal(0, &payload("a")));
    hand.time_out();
    assert_eq!(hand.prevoted(0), Some(Value::NIL));
    let ticket = hand.checks[0];
    hand.give(Input::Checked(ticket, true));
    let prevotes = hand
        .said
        .iter()
        .filter(|body| matches!(body, Body::Prevote(_)));
    assert_eq!(prevotes.count(), 1, "a late answer changes no vote");
}

#[test]
fn l14_proposes_what_is_built_and_only_in_its_round() {
    // Round 3 of height 1 is ours.
    let mut hand = Hand::new();
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    assert_eq!(hand.round(), View(3));
    let ticket = hand.build.expect("a payload is asked for");
    hand.give(Input::Built(
        quorate_core::Ticket(ticket.0 + 1),
        payload("x"),
    ));
    assert!(hand.proposed().is_empty(), "another ticket");
    hand.give(Input::Built(ticket, payload("mine")));
    assert_eq!(hand.proposed(), [(payload("mine"), None)]);
    assert_eq!(hand.prevoted(3), value(&payload("mine")));
    assert!(hand.checks.is_empty(), "our own payload needs no check");
    hand.give(Input::Built(ticket, payload("again")));
    assert_eq!(hand.proposed().len(), 1);
}

#[test]
fn l14_ignores_a_payload_that_comes_after_the_round() {
    let mut hand = Hand::new();
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    let ticket = hand.build.expect("a payload is asked for");
    hand.time_out();
    assert_eq!(hand.prevoted(3), Some(Value::NIL));
    hand.give(Input::Built(ticket, payload("late")));
    assert!(hand.proposed().is_empty());
}

#[test]
fn l15_a_proposer_with_a_valid_value_proposes_it_with_its_polka() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    assert_eq!(hand.round(), View(3));
    assert_eq!(hand.proposed(), [(a, Some(View(0)))]);
    assert_eq!(hand.build, None);
}

#[test]
fn l34_and_l61_precommit_nil_when_prevotes_are_split() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear(1, Body::Prevote(vote(0, &a)));
    hand.hear(2, Body::Prevote(nil(0)));
    assert_eq!(hand.precommitted(0), None);
    hand.time_out();
    assert_eq!(hand.precommitted(0), Some(Value::NIL));
}

/// Seed 102 of the simulator: two of eight replicas left a round by votes that the adversaries
/// showed to them alone, and the others waited in it for ever.
#[test]
fn l34_and_l47_count_who_has_gone_past_the_round() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear(1, Body::Prevote(vote(0, &a)));
    hand.time_out();
    assert_eq!(hand.precommitted(0), None, "only two have prevoted");
    hand.hear(2, Body::Prevote(nil(1)));
    assert_eq!(
        hand.round(),
        View(0),
        "one of four does not make a weak quorum"
    );
    hand.time_out();
    assert_eq!(hand.precommitted(0), Some(Value::NIL));
    hand.time_out();
    assert_eq!(
        hand.round(),
        View(0),
        "only two have precommitted or gone past"
    );
    hand.hear(1, Body::Precommit(nil(0)));
    hand.time_out();
    assert_eq!(hand.round(), View(1));
}

#[test]
fn l36_in_step_precommit_only_makes_the_value_valid() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear(1, Body::Prevote(vote(0, &a)));
    hand.hear(2, Body::Prevote(nil(0)));
    hand.time_out();
    hand.hear(3, Body::Prevote(vote(0, &a)));
    let precommits = hand
        .said
        .iter()
        .filter(|body| matches!(body, Body::Precommit(_)));
    assert_eq!(precommits.count(), 1);
    // Not locked, so another value can be prevoted; but it is what we would propose.
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    assert_eq!(hand.proposed(), [(a, Some(View(0)))]);
}

#[test]
fn l36_waits_for_step_prevote() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.verdict = None;
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2, 3], &Body::Prevote(vote(0, &a)));
    assert_eq!(hand.precommitted(0), None);
    let ticket = hand.checks[0];
    hand.give(Input::Checked(ticket, true));
    assert_eq!(hand.prevoted(0), value(&a));
    assert_eq!(hand.precommitted(0), value(&a));
}

#[test]
fn l44_a_nil_polka_is_not_shadowed_by_a_quorum_of_precommits() {
    let mut hand = Hand::new();
    hand.hear_all(&[1, 2, 3], &Body::Precommit(nil(0)));
    hand.hear_all(&[1, 2, 3], &Body::Prevote(nil(0)));
    hand.time_out();
    assert_eq!(hand.prevoted(0).or(hand.prevoted(1)), hand.prevoted(0));
    // Whichever timer came first, nil was precommitted if it was prevoted.
    assert_eq!(hand.prevoted(0).is_some(), hand.precommitted(0).is_some());
}

#[test]
fn l47_and_l65_go_to_the_next_round_after_precommits_without_a_decision() {
    let mut hand = Hand::new();
    hand.hear_all(&[1, 2, 3], &Body::Prevote(nil(0)));
    hand.time_out_until_said(0);
    hand.hear_all(&[1, 2], &Body::Precommit(nil(0)));
    assert_eq!(hand.round(), View(0));
    hand.time_out_until(1);
}

#[test]
fn l49_decides_from_a_past_round() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear_all(&[1, 2], &Body::Prevote(nil(1)));
    assert_eq!(hand.round(), View(1));
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(hand.decided.len(), 1);
    assert_eq!(hand.decided[0].proof.round, View(0));
}

#[test]
fn l49_decides_from_a_future_round_and_fetches_what_it_has_not_seen() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear_all(&[1, 2, 3], &Body::Precommit(vote(2, &a)));
    assert_eq!(hand.wanted, [*a.digest()]);
    assert!(hand.decided.is_empty());
    hand.give(Input::Payload(payload("something else")));
    hand.give(Input::Payload(a));
    assert_eq!(hand.decided.len(), 1);
    assert_eq!(hand.decided[0].proof.round, View(2));
}

#[test]
fn l49_decides_by_a_certificate_although_an_equivocated_vote_is_held() {
    // S14: the liar, 3, told us nil.
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear(3, Body::Precommit(nil(0)));
    let shown = hand.shown(Phase::Precommit, 0, &a, &[0, 1, 3]);
    hand.hear(1, shown);
    assert_eq!(hand.decided.len(), 1);
}

#[test]
fn l55_skips_only_for_a_weak_quorum_in_one_round() {
    let mut hand = Hand::new();
    hand.hear(1, Body::Prevote(nil(5)));
    hand.hear(1, Body::Precommit(nil(5)));
    hand.hear(2, Body::Prevote(nil(6)));
    assert_eq!(hand.round(), View(0), "one in each of two rounds");
    hand.hear(2, Body::Prevote(nil(5)));
    assert_eq!(hand.round(), View(5));
}

#[test]
fn l55_applies_what_waited_for_the_round() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(2, proposal(1, &a));
    assert_eq!(hand.prevoted(1), None);
    hand.hear(3, Body::Prevote(vote(1, &a)));
    // 2 and 3 are in round 1: its proposal and our prevote follow, and with 3's and 1's a polka.
    assert_eq!(hand.round(), View(1));
    assert_eq!(hand.prevoted(1), value(&a));
    hand.hear(1, Body::Prevote(vote(1, &a)));
    assert_eq!(hand.precommitted(1), value(&a));
}

#[test]
fn messages_of_the_next_height_wait_for_it() {
    let mut hand = Hand::new();
    let (a, b) = (payload("a"), payload("b"));
    let above = |body: Body| match body {
        Body::Proposal(mut proposal) => {
            proposal.height = proposal.height.next();
            Body::Proposal(proposal)
        }
        Body::Prevote(mut vote) => {
            vote.height = vote.height.next();
            Body::Prevote(vote)
        }
        other => other,
    };
    hand.hear(2, above(proposal(0, &b)));
    hand.hear_all(&[1, 2], &above(Body::Prevote(vote(0, &b))));
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(hand.decided.len(), 1);
    let precommitted = hand
        .said
        .iter()
        .any(|body| matches!(body, Body::Precommit(vote) if vote.value == Value::of(*b.digest())));
    assert!(precommitted, "the next height went on with what was there");
}

#[test]
fn a_second_proposal_convicts_and_its_payload_is_at_hand() {
    let mut hand = Hand::new();
    let (a, b) = (payload("a"), payload("b"));
    hand.hear(1, proposal(0, &a));
    hand.hear(1, proposal(0, &b));
    hand.hear(1, proposal(0, &payload("c")));
    assert_eq!(hand.evidence.len(), 1);
    hand.hear_all(&[1, 2, 3], &Body::Prevote(vote(0, &b)));
    assert_eq!(hand.prevoted(0), value(&a));
    assert_eq!(
        hand.precommitted(0),
        value(&b),
        "others prevoted the second"
    );
    assert_eq!(hand.wanted, []);
}

#[test]
fn a_stuck_replica_repeats_itself() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    let said = hand.said.len();
    hand.time_out();
    assert!(matches!(&hand.said[said..], [Body::Prevote(again)] if *again == vote(0, &a)));
    let records = hand.records.len();
    hand.time_out();
    assert_eq!(hand.records.len(), records, "a repetition costs no record");
}

#[test]
fn a_weak_quorum_at_higher_heights_makes_a_replica_fetch() {
    let mut hand = Hand::new();
    let far = |by: u16, hand: &mut Hand| {
        let mut vote = nil(0);
        vote.height = quorate_core::Height(500);
        hand.hear(by, Body::Prevote(vote));
    };
    far(1, &mut hand);
    far(1, &mut hand);
    hand.now = hand.now.after(std::time::Duration::from_millis(600));
    hand.give(Input::Tick);
    assert_eq!(hand.fetched, [], "one may lie");
    far(2, &mut hand);
    hand.now = hand.now.after(std::time::Duration::from_millis(600));
    hand.give(Input::Tick);
    assert_eq!(hand.fetched.first(), Some(&quorate_core::Height(1)));
}

#[test]
fn an_empty_payload_is_a_value_like_any_other() {
    let mut hand = Hand::new();
    let empty = Payload::empty();
    hand.hear(1, proposal(0, &empty));
    assert_eq!(hand.prevoted(0), value(&empty));
    assert_ne!(hand.prevoted(0), Some(Value::NIL));
}

#[test]
fn a_replica_that_waits_shows_the_last_decision() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(hand.engine_height(), 2);
    let shown = |hand: &Hand| {
        hand.said.iter().any(|body| {
            matches!(body, Body::Certificate(shown)
                if shown.phase == Phase::Precommit && shown.vote == vote(0, &a))
        })
    };
    // No proposal comes, and then no other prevote.
    hand.time_out();
    assert!(!shown(&hand));
    hand.time_out();
    assert!(shown(&hand), "the others may have missed it");
}

#[test]
fn a_replica_that_waits_while_anyone_is_ahead_asks() {
    let mut hand = Hand::new();
    let mut above = nil(0);
    above.height = above.height.next();
    hand.hear(1, Body::Prevote(above));
    hand.time_out();
    assert_eq!(hand.fetched, []);
    hand.time_out();
    assert_eq!(hand.fetched, [quorate_core::Height(1)]);
}

#[test]
fn l34_waits_for_step_prevote() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear_all(&[1, 2], &Body::Prevote(nil(0)));
    hand.hear(3, Body::Prevote(vote(0, &a)));
    // The first thing that passes is the proposer's time, not the prevotes'.
    hand.time_out();
    assert_eq!(hand.prevoted(0), Some(Value::NIL));
    assert_eq!(hand.precommitted(0), Some(Value::NIL), "L44, with ours");
}

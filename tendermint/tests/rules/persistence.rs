//! What survives a crash, and that nothing is said twice differently.

use crate::hand::{Body, Hand, nil, payload, proposal, value, vote};
use quorate_core::{Entry, Height, Input, Output, Seq, View};
use quorate_tendermint::{Record, Value};

#[test]
fn payloads_are_logged_once_and_before_the_records_that_accept_them() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    assert_eq!(hand.payloads, [a]);
    let places: Vec<_> = hand.records.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(places, [Seq(2), Seq(3)], "the payload has place 1");
}

#[test]
fn a_payload_that_was_not_prevoted_is_logged_before_the_lock() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.time_out();
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2, 3], &Body::Prevote(vote(0, &a)));
    assert_eq!(hand.precommitted(0), value(&a));
    assert_eq!(hand.payloads, [a]);
    let places: Vec<_> = hand.records.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(
        places,
        [Seq(1), Seq(3)],
        "nil, then the payload, then the lock"
    );
}

#[test]
fn a_restarted_replica_repeats_its_votes_and_contradicts_none() {
    let mut hand = Hand::new();
    let (a, b) = (payload("a"), payload("b"));
    hand.hear(1, proposal(0, &a));
    let mut again = hand.restarted();
    assert!(matches!(again.said[..], [Body::Prevote(repeated)] if repeated == vote(0, &a)));
    // Another proposal now, as an equivocating proposer would try.
    again.hear(1, proposal(0, &b));
    again.time_out();
    again.time_out();
    assert!(
        again
            .said
            .iter()
            .all(|body| { !matches!(body, Body::Prevote(other) if *other != vote(0, &a)) })
    );
    let prevotes = |record: &&(Seq, Record<_>)| matches!(record.1, Record::Prevoted(_));
    assert_eq!(again.records.iter().filter(prevotes).count(), 1);
}

#[test]
fn a_lock_survives() {
    let mut hand = Hand::new();
    let (a, w) = (payload("a"), payload("w"));
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    let mut again = hand.restarted();
    assert_eq!(again.wanted, [*a.digest()], "the value is asked for, once");
    again.hear(2, proposal(1, &w));
    again.hear(3, Body::Prevote(vote(1, &w)));
    assert_eq!(again.prevoted(1), Some(Value::NIL));
    again.give(Input::Payload(a.clone()));
    again.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    assert_eq!(again.proposed(), [(a, Some(View(0)))]);
}

#[test]
fn a_proposal_survives_and_is_repeated_as_it_was() {
    let mut hand = Hand::new();
    hand.hear_all(&[1, 2], &Body::Prevote(nil(3)));
    let ticket = hand.build.expect("it is our turn");
    hand.give(Input::Built(ticket, payload("mine")));
    // The prevote was not durable.
    hand.records.truncate(1);
    let mut again = hand.restarted();
    assert_eq!(again.round(), View(3));
    assert_eq!((again.build, again.proposed().len()), (None, 0));
    again.give(Input::Payload(payload("mine")));
    assert_eq!(again.proposed(), [(payload("mine"), None)]);
    assert_eq!(again.records.len(), 2, "no second record of the proposal");
    assert_eq!(again.prevoted(3), value(&payload("mine")));
}

#[test]
fn a_replica_that_had_moved_on_keeps_the_promises_of_both_heights() {
    let mut hand = Hand::new();
    let (a, b) = (payload("a"), payload("b"));
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    let Body::Proposal(mut next) = proposal(0, &b) else {
        unreachable!("it is a proposal")
    };
    next.height = Height(2);
    hand.hear(2, Body::Proposal(next.clone()));
    // The decision was not stored when the power failed.
    let mut again = hand.restarted();
    assert_eq!(again.engine_height(), 1);
    again.give(Input::Payload(a.clone()));
    again.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(again.engine_height(), 2);
    let prevotes: Vec<_> = again
        .said
        .iter()
        .filter_map(|body| match body {
            Body::Prevote(vote) if vote.height == Height(2) => Some(vote.value),
            _ => None,
        })
        .collect();
    assert_eq!(
        prevotes,
        [Value::of(*b.digest())],
        "repeated, from its record"
    );
    next.payload = payload("c");
    again.hear(2, Body::Proposal(next));
    again.time_out();
    let votes = again
        .records
        .iter()
        .filter(|(_, record)| matches!(record, Record::Prevoted(vote) if vote.height == Height(2)));
    assert_eq!(votes.count(), 1);
    // The payload that the kept prevote accepts is at 4, between the heights' records.
    again.give(Input::Executed(Height(1)));
    assert_eq!(again.pruned, [Seq(4)]);
}

#[test]
fn the_log_is_pruned_only_when_a_height_is_executed() {
    let mut hand = Hand::new();
    let a = payload("a");
    hand.hear(1, proposal(0, &a));
    hand.hear_all(&[1, 2], &Body::Prevote(vote(0, &a)));
    hand.hear_all(&[1, 2], &Body::Precommit(vote(0, &a)));
    assert_eq!(hand.pruned, []);
    hand.give(Input::Executed(Height(1)));
    // The payload, a prevote and a precommit are at 1, 2 and 3.
    assert_eq!(hand.pruned, [Seq(4)]);
    hand.give(Input::Executed(Height(1)));
    assert_eq!(hand.pruned, [Seq(4)], "once");
}

#[test]
fn promises_name_their_records() {
    use quorate_core::testing::{Mock, mock_validators};
    use quorate_core::{ChainId, Epoch, Outbox, Protocol, Recovered, Rotation, Setup, Time};
    use std::sync::Arc;
    let validators = mock_validators(&[1]);
    let setup = Setup {
        me: quorate_core::ReplicaId(0),
        chain: ChainId(1),
        epoch: Epoch(0),
        leaders: Arc::new(Rotation::by_height(&validators)),
        scheme: Mock::new(Arc::clone(&validators), [1; 32]),
        validators,
        config: quorate_tendermint::Config::default(),
    };
    let mut out: Outbox<crate::hand::Engine> = Outbox::new(Seq::NONE);
    let mut engine = crate::hand::Engine::start(setup, Recovered::default(), Time(0), &mut out);
    let outputs: Vec<_> = out.drain().collect();
    let Some(Output::Build { ticket, .. }) = outputs
        .iter()
        .find(|output| matches!(output, Output::Build { .. }))
    else {
        panic!("a replica alone builds at once: {outputs:?}");
    };
    engine.step(Time(1), Input::Built(*ticket, payload("a")), &mut out);
    let outputs: Vec<_> = out.drain().collect();
    let [
        Output::Persist(first),
        Output::Persist(second),
        Output::Send(send),
    ] = &outputs[..]
    else {
        panic!("payload, record, message: {outputs:?}");
    };
    assert!(matches!(first.entry(), Entry::Payload(_)));
    assert!(matches!(
        second.entry(),
        Entry::Record(Record::Proposed { .. })
    ));
    assert_eq!(send.after(), second.seq());
}

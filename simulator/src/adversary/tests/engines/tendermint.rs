//! Contradictions and lies of a Tendermint replica.

use super::*;
use quorate_tendermint::{Body, Proposal, Tendermint, Value, Vote};

type P = Tendermint<Mock>;

fn vote(round: u64, sequence: u64) -> Vote {
    Vote {
        height: Height(4),
        round: View(round),
        value: Value::of(*payload(sequence).digest()),
    }
}

fn proposal(round: u64, sequence: u64) -> Proposal<Mock> {
    Proposal {
        height: Height(4),
        round: View(round),
        payload: payload(sequence),
        polka: None,
    }
}

#[test]
fn contradictions_convict() {
    let mut bench = Bench::<P>::new();
    bench.contradicts(&Body::Proposal(proposal(0, 1)));
    bench.contradicts(&Body::Prevote(vote(0, 1)));
    bench.contradicts(&Body::Precommit(vote(0, 1)));
    let nil = Vote {
        value: Value::NIL,
        ..vote(0, 1)
    };
    bench.contradicts(&Body::Precommit(nil));
}

#[test]
fn old_values_are_proposed_with_their_old_polkas() {
    let mut bench = Bench::<P>::new();
    for (round, sequence) in [(0, 1), (2, 2)] {
        bench.learn(0, Body::Proposal(proposal(round, sequence)));
        (0..3).for_each(|by| bench.learn(by, Body::Prevote(vote(round, sequence))));
    }
    let lies = bench.lies(&Body::Proposal(proposal(3, 9)));
    let rounds = lies.iter().map(|lie| match lie {
        Body::Proposal(lie) => {
            let sequence = lie
                .valid_round()
                .map(|round| if round == View(0) { 1 } else { 2 });
            sequence.inspect(|it| assert_eq!(lie.payload, payload(*it)));
            lie.valid_round()
        }
        other => panic!("another kind: {other:?}"),
    });
    let rounds: std::collections::BTreeSet<_> = rounds.collect();
    assert!(rounds.contains(&Some(View(0))) && rounds.contains(&Some(View(2))));
}

#[test]
fn the_valid_value_gives_way_to_a_new_one() {
    let mut bench = Bench::<P>::new();
    bench.learn(0, Body::Proposal(proposal(0, 1)));
    (0..3).for_each(|by| bench.learn(by, Body::Prevote(vote(0, 1))));
    let lies = bench.lies(&Body::Proposal(proposal(1, 8)));
    let Some(Body::Proposal(honest)) = lies.into_iter().next() else {
        panic!("the polka of round 0 is known");
    };
    assert_eq!(honest.valid_round(), Some(View(0)));
    let lies = bench.lies(&Body::Proposal(honest));
    let new = |lie: &Body<Mock>| matches!(lie, Body::Proposal(it) if it.polka.is_none() && it.payload != payload(1));
    assert!(!lies.is_empty() && lies.iter().all(new));
}

#[test]
fn precommits_hide_the_polka() {
    let mut bench = Bench::<P>::new();
    let lies = bench.lies(&Body::Precommit(vote(0, 1)));
    let nil = |lie: &Body<Mock>| matches!(lie, Body::Precommit(it) if it.value == Value::NIL);
    assert!(lies.iter().any(nil));
}

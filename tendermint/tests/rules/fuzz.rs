//! Everyone else lies, at random: the engine must not panic, and its promises must not contradict
//! each other, whatever it is told and whenever it stops. (Applying a record that contradicts an
//! earlier one panics.)

use crate::hand::{Body, Hand, nil, payload, proposal, vote};
use quorate_core::testing::Random;
use quorate_core::{Height, Input};
use quorate_tendermint::Phase;
use std::collections::BTreeMap;

const ROUNDS: u64 = 6;

/// Something truly signed, by whoever may sign it.
fn random_message(hand: &Hand, random: &mut Random) -> (u16, Body) {
    let names = ["a", "b", "c"];
    let payload = payload(names[random.below(3) as usize]);
    let (round, by) = (random.below(ROUNDS), 1 + random.below(3) as u16);
    let proposer = ((1 + round) % 4) as u16;
    let ballot = if random.chance(300) {
        nil(round)
    } else {
        vote(round, &payload)
    };
    match random.below(8) {
        0..3 => (by, Body::Prevote(ballot)),
        3..5 => (by, Body::Precommit(ballot)),
        5 => (proposer, proposal(round, &payload)),
        6 => {
            let valid_round = random.below(ROUNDS);
            let again = hand.again(round, &payload, valid_round, &[1, 2, 3]);
            (proposer, again)
        }
        _ => {
            let is_commit = random.chance(100);
            let phase = if is_commit {
                Phase::Precommit
            } else {
                Phase::Prevote
            };
            (by, hand.shown(phase, round, &payload, &[1, 2, 3]))
        }
    }
}

fn raise(body: Body, by: u64) -> Body {
    let raised = |height: Height| Height(height.0 + by);
    match body {
        Body::Prevote(mut vote) => {
            vote.height = raised(vote.height);
            Body::Prevote(vote)
        }
        Body::Precommit(mut vote) => {
            vote.height = raised(vote.height);
            Body::Precommit(vote)
        }
        other => other,
    }
}

#[test]
fn nothing_that_the_others_say_breaks_the_engine_or_its_word() {
    let mut decided = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut hand = Hand::new();
        let mut word: BTreeMap<_, _> = BTreeMap::new();
        for _ in 0..120 {
            hand.verdict = [Some(true), Some(true), Some(false), None][random.below(4) as usize];
            match random.below(20) {
                0 => hand.time_out(),
                1 => hand.give(Input::Payload(payload("a"))),
                2 => {
                    if let Some(ticket) = hand.build {
                        hand.give(Input::Built(ticket, payload("mine")));
                    }
                }
                3 if random.chance(300) && hand.decided.is_empty() => hand = hand.restarted(),
                _ => {
                    let (by, body) = random_message(&hand, &mut random);
                    // Replica 0 leads too: nobody else signs for it.
                    if by != 0 {
                        let above = u64::from(random.chance(100));
                        hand.hear(by, raise(body, above));
                    }
                }
            }
            for body in hand.said.drain(..) {
                use quorate_core::Body as _;
                let signing = body.signing();
                if signing.exclusive {
                    let first = word.entry(signing.slot).or_insert(signing.digest);
                    assert_eq!(*first, signing.digest, "seed {seed}: {body:?}");
                }
            }
        }
        decided += hand.decided.len();
    }
    assert!(
        decided > 100,
        "only {decided} decisions: the runs show little"
    );
}

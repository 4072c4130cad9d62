//! What one decision costs a validator in its engine's steps: triage, votes, rules, outputs. No
//! signature is checked in the measured part, and certificates are the mock's.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Epoch, Height, Input, Outbox, Output, Payload, Protocol, Recovered,
    ReplicaId, Rotation, Seq, Setup, Signed, Time, Triage, Verified, View,
};
use quorate_tendermint::{Body, Config, Proposal, Tendermint, Value, Vote};
use std::hint::black_box;
use std::sync::Arc;

type Engine = Tendermint<Mock>;

/// The setup of replica 0, which does not propose at height 1.
fn setup(replicas: usize) -> Setup<Engine> {
    let validators = mock_validators(&vec![1; replicas]);
    Setup {
        me: ReplicaId(0),
        chain: ChainId(1),
        epoch: Epoch(0),
        leaders: Arc::new(Rotation::by_height(&validators)),
        scheme: Mock::new(Arc::clone(&validators), [1; 32]),
        validators,
        config: Config::default(),
    }
}

fn verified(setup: &Setup<Engine>, by: ReplicaId, body: Body<Mock>) -> Verified<Engine> {
    let signing = body.signing();
    let statement = signing.statement(&setup.domain());
    let signature = setup.scheme.sign(by, signing.key, statement);
    let signed = Signed {
        by,
        body,
        signature,
    };
    let mut checked = Verified::check(&setup.domain(), &setup.scheme, vec![signed]);
    checked.remove(0).expect("the signature was just made")
}

/// Everything that decides height 1, in the order of its phases, own votes included.
fn messages(setup: &Setup<Engine>) -> Vec<Verified<Engine>> {
    let payload = Payload::new(vec![7; 512]);
    let vote = Vote {
        height: Height(1),
        round: View::ZERO,
        value: Value::of(*payload.digest()),
    };
    let proposal = Body::Proposal(Proposal {
        height: vote.height,
        round: vote.round,
        payload,
        polka: None,
    });
    let mut messages = vec![verified(setup, ReplicaId(1), proposal)];
    for body in [Body::Prevote(vote), Body::Precommit(vote)] {
        let votes = setup.validators.ids();
        messages.extend(votes.map(|by| verified(setup, by, body.clone())));
    }
    messages
}

/// Steps through all messages, as a driver would; returns how many decisions came out.
fn decide(engine: &mut Engine, messages: Vec<Verified<Engine>>, out: &mut Outbox<Engine>) -> u32 {
    let (now, mut decided) = (Time::from_millis(1), 0);
    for message in messages {
        if engine.triage(message.by(), message.body()) != Triage::Check {
            continue;
        }
        engine.step(now, Input::Message(message), out);
        let mut tickets = Vec::new();
        for output in out.drain() {
            match output {
                Output::Check { ticket, .. } => tickets.push(ticket),
                Output::Commit(_) => decided += 1,
                other => drop(black_box(other)),
            }
        }
        for ticket in tickets {
            engine.step(now, Input::Checked(ticket, true), out);
        }
    }
    decided
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tendermint/decision");
    for replicas in [4, 16, 100] {
        let setup = setup(replicas);
        let messages = messages(&setup);
        let started = || {
            let mut out = Outbox::new(Seq::NONE);
            let engine = Engine::start(setup.clone(), Recovered::default(), Time::ZERO, &mut out);
            drop(out.drain());
            (engine, messages.clone(), out)
        };
        group.bench_function(BenchmarkId::from_parameter(replicas), |bencher| {
            bencher.iter_batched(
                started,
                |(mut engine, messages, mut out)| {
                    let decided = decide(&mut engine, messages, &mut out);
                    assert_eq!(decided, 1, "the messages decide one height");
                    (engine, out)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);

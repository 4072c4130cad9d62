//! What one whole decision costs at a backup: everything that `step` and `triage` do from the
//! pre-prepare to the commit, without checking signatures.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Domain, Epoch, Height, Input, Outbox, Output, Payload, Protocol, Recovered,
    ReplicaId, Rotation, Seq, Setup, Signed, Time, Triage, Verified, View,
};
use quorate_pbft::{Body, Config, Pbft, PrePrepare, Vote};
use std::sync::Arc;

type Engine = Pbft<Mock>;

struct Bench {
    scheme: Mock,
    domain: Domain,
    engine: Engine,
    outbox: Outbox<Engine>,
}

impl Bench {
    fn new(replicas: usize) -> Self {
        let validators = mock_validators(&vec![1; replicas]);
        let scheme = Mock::new(Arc::clone(&validators), [7; 32]);
        let setup = Setup {
            me: ReplicaId(1),
            chain: ChainId(1),
            epoch: Epoch(0),
            leaders: Arc::new(Rotation::by_view(&validators)),
            validators,
            scheme: scheme.clone(),
            config: Config::default(),
        };
        let domain = setup.domain();
        let mut outbox = Outbox::new(Seq::NONE);
        let engine = Engine::start(setup, Recovered::default(), Time::ZERO, &mut outbox);
        Self {
            scheme,
            domain,
            engine,
            outbox,
        }
    }

    fn signed(&self, by: u16, body: Body<Mock>) -> Verified<Engine> {
        let signing = body.signing();
        let by = ReplicaId(by);
        let signature = self
            .scheme
            .sign(by, signing.key, signing.statement(&self.domain));
        let signed = Signed {
            by,
            body,
            signature,
        };
        let mut checked = Verified::check(&self.domain, &self.scheme, vec![signed]);
        checked.remove(0).expect("it was signed just now")
    }

    /// Every message of one decision, as they would come.
    fn messages(&self, height: u64, replicas: u16) -> Vec<Verified<Engine>> {
        let payload = Payload::new(vec![0; 1024]);
        let vote = Vote {
            view: View(0),
            height: Height(height),
            digest: *payload.digest(),
        };
        let proposal = PrePrepare {
            view: View(0),
            height: Height(height),
            payload,
        };
        let mut messages = vec![self.signed(0, Body::PrePrepare(proposal))];
        messages.extend((1..replicas).map(|by| self.signed(by, Body::Prepare(vote))));
        messages.extend((0..replicas).map(|by| self.signed(by, Body::Commit(vote))));
        messages
    }

    /// Delivers them; returns how many outputs came out.
    fn decide(&mut self, messages: Vec<Verified<Engine>>) -> usize {
        let mut outputs = 0;
        for message in messages {
            if self.engine.triage(message.by(), message.body()) == Triage::Check {
                self.engine
                    .step(Time::ZERO, Input::Message(message), &mut self.outbox);
            }
            let drained: Vec<_> = self.outbox.drain().collect();
            outputs += drained.len();
            for output in drained {
                if let Output::Check { ticket, .. } = output {
                    let input = Input::Checked(ticket, true);
                    self.engine.step(Time::ZERO, input, &mut self.outbox);
                }
            }
        }
        outputs
    }
}

fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pbft/decision at a backup");
    for replicas in [4u16, 16, 100] {
        group.throughput(Throughput::Elements(1));
        let id = BenchmarkId::from_parameter(replicas);
        group.bench_function(id, |bencher| {
            let setup = || {
                let bench = Bench::new(replicas.into());
                let messages = bench.messages(1, replicas);
                (bench, messages)
            };
            bencher.iter_batched(
                setup,
                |(mut bench, messages)| {
                    let outputs = bench.decide(messages);
                    assert_eq!(bench.engine.status().decided, Height(1));
                    (bench, outputs)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);

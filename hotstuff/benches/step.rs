//! What the steps of one decision cost, without cryptography: at a backup, and at the replica that
//! leads the next view and collects the votes.
//!
//! A mock scheme signs, so aggregation is a hash a vote. Messages are made and checked beforehand.

use criterion::{BatchSize, BenchmarkId, Criterion};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Epoch, Input, KeyRole, Outbox, Output, Payload, Protocol,
    QuorumCertificate, Recovered, ReplicaId, Rotation, Scheme, Seq, Setup, Signed, SignerSet, Time,
    Verified, View,
};
use quorate_hotstuff::{
    Block, Body, Certificate, CommitRule, FullBlock, Header, HotStuff, Proposal, ThreeChain,
    TwoChain, Vote,
};
use std::hint::black_box;
use std::sync::Arc;

type Engine<R> = HotStuff<Mock, R>;

/// Views before the measured one: by then every step decides a block.
const WARM: u64 = 8;

struct World<R: CommitRule> {
    setup: Setup<Engine<R>>,
    justify: Certificate<Mock>,
    parent: Header,
}

impl<R: CommitRule> World<R> {
    fn new(replicas: usize, me: u16) -> Self {
        let validators = mock_validators(&vec![1; replicas]);
        let setup = Setup {
            me: ReplicaId(me),
            chain: ChainId(1),
            epoch: Epoch(0),
            scheme: Mock::new(Arc::clone(&validators), [1; 32]),
            leaders: Arc::new(Rotation::by_view(&validators)),
            validators,
            config: Default::default(),
        };
        let justify: Certificate<Mock> = Certificate::genesis(setup.genesis());
        let parent = Block::extending(justify.clone(), View(0), setup.genesis()).header;
        Self {
            setup,
            justify,
            parent,
        }
    }

    fn verified(&self, by: ReplicaId, body: Body<Mock>) -> Verified<Engine<R>> {
        let signing = body.signing();
        let statement = signing.statement(&self.setup.domain());
        let signature = self.setup.scheme.sign(by, signing.key, statement);
        let signed = Signed {
            by,
            body,
            signature,
        };
        let mut checked = Verified::check(&self.setup.domain(), &self.setup.scheme, vec![signed]);
        checked
            .pop()
            .expect("one verdict")
            .expect("the bench signs truly")
    }

    /// The proposal of the next view, and everyone's votes for it.
    fn next_view(&mut self) -> (Verified<Engine<R>>, Vec<Verified<Engine<R>>>) {
        let view = self.justify.view().next();
        let payload = Payload::new(vec![7; 512]);
        let block = Block::extending(self.justify.clone(), view, *payload.digest());
        let header = block.header;
        let vote = Vote {
            view,
            height: header.height,
            block: header.id(),
            commits: R::commits(&header, &self.parent),
        };
        let replicas = self.setup.validators.len();
        let leader = ReplicaId((view.0 % replicas as u64) as u16);
        let full = FullBlock { block, payload };
        let proposal = Body::Proposal(Proposal {
            full,
            timeout: None,
        });
        let proposal = self.verified(leader, proposal);
        let votes: Vec<_> = self
            .setup
            .validators
            .ids()
            .map(|by| self.verified(by, Body::Vote(vote)))
            .collect();
        self.justify = self.certify(vote);
        self.parent = header;
        (proposal, votes)
    }

    fn certify(&self, vote: Vote) -> Certificate<Mock> {
        let scheme = &self.setup.scheme;
        let statement = vote.signing().statement(&self.setup.domain());
        let quorum = self.setup.validators.quorum().quorum() as usize;
        let signers: Vec<_> = self.setup.validators.ids().take(quorum).collect();
        let sign = |by: &ReplicaId| (*by, scheme.sign(*by, KeyRole::Voting, statement));
        let parts: Vec<_> = signers.iter().map(sign).collect();
        let mut set = SignerSet::empty(self.setup.validators.len());
        signers.iter().for_each(|by| {
            set.insert(*by);
        });
        let aggregate = scheme.aggregate(parts.iter().map(|(by, signature)| (*by, signature)));
        Certificate {
            vote,
            proof: Some(QuorumCertificate {
                signers: set,
                aggregate,
            }),
        }
    }
}

/// An engine, and what its driver would answer at once.
struct Driven<R: CommitRule> {
    engine: Engine<R>,
    outbox: Outbox<Engine<R>>,
}

impl<R: CommitRule> Driven<R> {
    fn step(&mut self, input: Input<Engine<R>>) {
        let now = Time::from_millis(1);
        self.engine.step(now, input, &mut self.outbox);
        let mut ask = true;
        while ask {
            ask = false;
            let outputs: Vec<_> = self.outbox.drain().collect();
            for output in black_box(outputs) {
                if let Output::Check { ticket, .. } = output {
                    let answer = Input::Checked(ticket, true);
                    self.engine.step(now, answer, &mut self.outbox);
                    ask = true;
                }
            }
        }
    }
}

/// A replica just before a view, that view's proposal, and the votes for it.
type Ready<R> = (Driven<R>, Verified<Engine<R>>, Vec<Verified<Engine<R>>>);

fn ready<R: CommitRule>(replicas: usize, me: u16) -> Ready<R> {
    let mut world = World::<R>::new(replicas, me);
    let mut outbox = Outbox::new(Seq::NONE);
    let engine = Engine::start(
        world.setup.clone(),
        Recovered::default(),
        Time::ZERO,
        &mut outbox,
    );
    let mut driven = Driven { engine, outbox };
    for _ in 0..WARM {
        let (proposal, _) = world.next_view();
        driven.step(Input::Message(proposal));
    }
    let (proposal, votes) = world.next_view();
    (driven, proposal, votes)
}

fn decision<R: CommitRule>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(<Engine<R> as Protocol>::NAME);
    for replicas in [4, 16, 100] {
        let view = WARM + 1;
        let leads = |ahead: u64| ((view + ahead) % replicas as u64) as u16;
        group.bench_function(BenchmarkId::new("backup", replicas), |bencher| {
            bencher.iter_batched(
                || ready::<R>(replicas, leads(2)),
                |(mut driven, proposal, _)| {
                    driven.step(Input::Message(proposal));
                    driven
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("next_leader", replicas), |bencher| {
            bencher.iter_batched(
                || ready::<R>(replicas, leads(1)),
                |(mut driven, proposal, votes)| {
                    driven.step(Input::Message(proposal));
                    for vote in votes {
                        driven.step(Input::Message(vote));
                    }
                    driven
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    decision::<TwoChain>(&mut criterion);
    decision::<ThreeChain>(&mut criterion);
    criterion.final_summary();
}

//! An engine of four, with a hand on every input.

use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Decision, Digest, Domain, Entry, Epoch, Evidence, Fault, Height, Input,
    KeyRole, Outbox, Output, Payload, Protocol, QuorumCertificate, Recovered, ReplicaId, Rotation,
    Scheme, Seq, Setup, Signed, SignerSet, Ticket, Time, Triage, Verified, View,
};
use quorate_tendermint::{
    Certificate, Config, Phase, Polka, Proposal, Record, Tendermint, Value, Vote,
};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) type Engine = Tendermint<Mock>;
pub(crate) type Body = quorate_tendermint::Body<Mock>;

/// Replica 0 of four. At height 1, round r is proposed by (1 + r) mod 4.
pub(crate) struct Hand {
    pub(crate) engine: Engine,
    config: Config,
    pub(crate) now: Time,
    outbox: Outbox<Engine>,
    scheme: Mock,
    domain: Domain,
    /// What the application says of payloads, `None` for nothing yet.
    pub(crate) verdict: Option<bool>,
    pub(crate) records: Vec<(Seq, Record<Mock>)>,
    pub(crate) payloads: Vec<Payload>,
    pub(crate) said: Vec<Body>,
    pub(crate) decided: Vec<Decision<Engine>>,
    pub(crate) evidence: Vec<Evidence<Engine>>,
    pub(crate) blames: Vec<(ReplicaId, Fault)>,
    pub(crate) wanted: Vec<Digest>,
    pub(crate) fetched: Vec<Height>,
    pub(crate) pruned: Vec<Seq>,
    pub(crate) build: Option<Ticket>,
    pub(crate) checks: Vec<Ticket>,
}

const ME: ReplicaId = ReplicaId(0);

impl Hand {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::started(config, Recovered::default(), Seq::NONE)
    }

    fn started(config: Config, recovered: Recovered<Engine>, last: Seq) -> Self {
        let validators = mock_validators(&[1; 4]);
        let scheme = Mock::new(Arc::clone(&validators), [7; 32]);
        let setup = Setup {
            me: ME,
            chain: ChainId(9),
            epoch: Epoch(0),
            leaders: Arc::new(Rotation::by_height(&validators)),
            validators,
            scheme: scheme.clone(),
            config,
        };
        let domain = setup.domain();
        let mut outbox = Outbox::new(last);
        let now = Time::from_millis(1);
        let engine = Engine::start(setup, recovered, now, &mut outbox);
        let mut hand = Self {
            engine,
            config,
            now,
            outbox,
            scheme,
            domain,
            verdict: Some(true),
            records: Vec::new(),
            payloads: Vec::new(),
            said: Vec::new(),
            decided: Vec::new(),
            evidence: Vec::new(),
            blames: Vec::new(),
            wanted: Vec::new(),
            fetched: Vec::new(),
            pruned: Vec::new(),
            build: None,
            checks: Vec::new(),
        };
        hand.settle();
        hand
    }

    /// The same replica after a crash, with everything that it logged.
    pub(crate) fn restarted(&self) -> Self {
        let recovered = Recovered {
            records: self.records.clone(),
            decided: None,
            stable: None,
        };
        let mut hand = Self::started(self.config, recovered, self.outbox.last());
        hand.records.splice(0..0, self.records.iter().cloned());
        hand
    }

    pub(crate) fn sign(&self, by: u16, body: Body) -> Signed<Engine> {
        let by = ReplicaId(by);
        let signing = body.signing();
        let signature = self
            .scheme
            .sign(by, signing.key, signing.statement(&self.domain));
        Signed {
            by,
            body,
            signature,
        }
    }

    pub(crate) fn verified(&self, by: u16, body: Body) -> Verified<Engine> {
        let signed = self.sign(by, body);
        let mut checked = Verified::check(&self.domain, &self.scheme, vec![signed]);
        checked.remove(0).expect("the test signs what holds")
    }

    pub(crate) fn triage(&self, by: u16, body: &Body) -> Triage {
        self.engine.triage(ReplicaId(by), body)
    }

    /// A message arrives, and everything that follows at once.
    pub(crate) fn hear(&mut self, by: u16, body: Body) {
        let message = self.verified(by, body);
        self.give(Input::Message(message));
    }

    pub(crate) fn hear_all(&mut self, by: &[u16], body: &Body) {
        for by in by {
            self.hear(*by, body.clone());
        }
    }

    pub(crate) fn give(&mut self, input: Input<Engine>) {
        self.engine.step(self.now, input, &mut self.outbox);
        self.settle();
    }

    /// The next deadline passes.
    pub(crate) fn time_out(&mut self) {
        self.now = self.engine.deadline().expect("a deadline is set");
        self.give(Input::Tick);
    }

    /// Deadlines pass until the replica is in a round.
    pub(crate) fn time_out_until(&mut self, round: u64) {
        for _ in 0..8 {
            if self.round() == View(round) {
                return;
            }
            self.time_out();
        }
        panic!("round {round} is not reached: {:?}", self.engine.status());
    }

    /// Deadlines pass until the replica has precommitted in a round.
    pub(crate) fn time_out_until_said(&mut self, round: u64) {
        for _ in 0..4 {
            if self.precommitted(round).is_some() {
                return;
            }
            self.time_out();
        }
        panic!("nothing precommitted: {:?}", self.engine.status());
    }

    pub(crate) fn engine_height(&self) -> u64 {
        self.engine.status().place.height.0
    }

    pub(crate) fn round(&self) -> View {
        self.engine.status().place.view
    }

    /// Carries out what the engine wants, and gives it its own messages and its application's
    /// answers.
    fn settle(&mut self) {
        let mut inputs = VecDeque::new();
        loop {
            let outputs: Vec<_> = self.outbox.drain().collect();
            for output in outputs {
                if let Some(input) = self.carry_out(output) {
                    inputs.push_back(input);
                }
            }
            let Some(input) = inputs.pop_front() else {
                return;
            };
            self.engine.step(self.now, input, &mut self.outbox);
        }
    }

    fn carry_out(&mut self, output: Output<Engine>) -> Option<Input<Engine>> {
        match output {
            Output::Persist(persist) => match persist.entry() {
                Entry::Record(record) => self.records.push((persist.seq(), record.clone())),
                Entry::Payload(payload) => self.payloads.push(payload.clone()),
            },
            Output::Send(send) => {
                let body = send.into_body();
                self.said.push(body.clone());
                return Some(Input::Message(self.verified(ME.0, body)));
            }
            Output::Check { ticket, .. } => {
                self.checks.push(ticket);
                return self.verdict.map(|valid| Input::Checked(ticket, valid));
            }
            Output::Build { ticket, .. } => self.build = Some(ticket),
            Output::Commit(decision) => {
                assert_eq!(decision.verify(&self.domain, &self.scheme), Ok(()));
                self.decided.push(decision);
            }
            Output::FetchPayload { digest, .. } => self.wanted.push(digest),
            Output::Fetch(height) => self.fetched.push(height),
            Output::Evidence(evidence) => {
                evidence
                    .check(&self.domain, &self.scheme)
                    .expect("evidence convicts");
                self.evidence.push(*evidence);
            }
            Output::Blame(peer, fault) => self.blames.push((peer, fault)),
            Output::Prune(seq) => self.pruned.push(seq),
            _ => {}
        }
        None
    }

    /// What was prevoted in a round.
    pub(crate) fn prevoted(&self, round: u64) -> Option<Value> {
        self.said.iter().find_map(|body| match body {
            Body::Prevote(vote) if vote.round == View(round) => Some(vote.value),
            _ => None,
        })
    }

    /// What was precommitted in a round.
    pub(crate) fn precommitted(&self, round: u64) -> Option<Value> {
        self.said.iter().find_map(|body| match body {
            Body::Precommit(vote) if vote.round == View(round) => Some(vote.value),
            _ => None,
        })
    }

    /// The proposals made, as payload and validRound.
    pub(crate) fn proposed(&self) -> Vec<(Payload, Option<View>)> {
        let proposals = self.said.iter().filter_map(|body| match body {
            Body::Proposal(proposal) => Some((proposal.payload.clone(), proposal.valid_round())),
            _ => None,
        });
        proposals.collect()
    }

    /// A quorum of votes, truly signed by these replicas.
    pub(crate) fn certificate(
        &self,
        phase: Phase,
        vote: Vote,
        by: &[u16],
    ) -> QuorumCertificate<Mock> {
        let statement = vote.statement(phase, &self.domain);
        let mut signers = SignerSet::empty(4);
        let mut parts = Vec::new();
        for by in by.iter().copied().map(ReplicaId) {
            signers.insert(by);
            parts.push((by, self.scheme.sign(by, KeyRole::Voting, statement)));
        }
        let parts = parts.iter().map(|(by, signature)| (*by, signature));
        QuorumCertificate {
            signers,
            aggregate: self.scheme.aggregate(parts),
        }
    }

    /// A certificate as a message.
    pub(crate) fn shown(&self, phase: Phase, round: u64, payload: &Payload, by: &[u16]) -> Body {
        let vote = vote(round, payload);
        Body::Certificate(Certificate {
            phase,
            vote,
            certificate: self.certificate(phase, vote, by),
        })
    }

    /// A re-proposal at height 1 with a polka by these replicas.
    pub(crate) fn again(
        &self,
        round: u64,
        payload: &Payload,
        valid_round: u64,
        by: &[u16],
    ) -> Body {
        let certificate = self.certificate(Phase::Prevote, vote(valid_round, payload), by);
        Body::Proposal(Proposal {
            height: Height(1),
            round: View(round),
            payload: payload.clone(),
            polka: Some(Polka {
                round: View(valid_round),
                certificate,
            }),
        })
    }
}

/// A payload with a name.
pub(crate) fn payload(name: &str) -> Payload {
    Payload::new(name.as_bytes())
}

/// A vote at height 1.
pub(crate) fn vote(round: u64, payload: &Payload) -> Vote {
    Vote {
        height: Height(1),
        round: View(round),
        value: Value::of(*payload.digest()),
    }
}

/// A vote for nil at height 1.
pub(crate) fn nil(round: u64) -> Vote {
    Vote {
        height: Height(1),
        round: View(round),
        value: Value::NIL,
    }
}

/// A first proposal at height 1.
pub(crate) fn proposal(round: u64, payload: &Payload) -> Body {
    Body::Proposal(Proposal {
        height: Height(1),
        round: View(round),
        payload: payload.clone(),
        polka: None,
    })
}

pub(crate) fn value(payload: &Payload) -> Option<Value> {
    Some(Value::of(*payload.digest()))
}

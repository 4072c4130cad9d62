//! Blocks, certificates and messages made by hand, signed by whoever it takes.

use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Digest, Epoch, Input, KeyRole, Outbox, Output, Payload, Protocol,
    QuorumCertificate, Recipients, Recovered, ReplicaId, Rotation, Scheme, Seq, Setup, Signed,
    SignerSet, Statement, Time, Verified, View,
};
use quorate_hotstuff::{
    Block, Body, Certificate, CommitRule, Commits, Config, FullBlock, HotStuff, Proposal, Record,
    Timeout, TimeoutCertificate, TimeoutGroup, Vote,
};
use std::sync::Arc;

pub(crate) type Engine<R> = HotStuff<Mock, R>;
pub(crate) type Message = Body<Mock>;

/// A validator set of four with a mock scheme, and everything that they could sign.
pub(crate) struct Builder<R: CommitRule> {
    pub(crate) setup: Setup<Engine<R>>,
}

impl<R: CommitRule> Builder<R> {
    /// For the engine of replica `me`.
    pub(crate) fn new(me: u16) -> Self {
        let validators = mock_validators(&[1; 4]);
        let setup = Setup {
            me: ReplicaId(me),
            chain: ChainId(7),
            epoch: Epoch(0),
            scheme: Mock::new(Arc::clone(&validators), [9; 32]),
            leaders: Arc::new(Rotation::by_view(&validators)),
            validators,
            config: Config::default(),
        };
        Self { setup }
    }

    pub(crate) fn genesis(&self) -> Certificate<Mock> {
        Certificate::genesis(self.setup.genesis())
    }

    /// A block with a payload of its own.
    pub(crate) fn block(&self, justify: &Certificate<Mock>, view: u64) -> FullBlock<Mock> {
        let payload = Payload::new(view.to_be_bytes().to_vec());
        let block = Block::extending(justify.clone(), View(view), *payload.digest());
        FullBlock { block, payload }
    }

    fn combine(&self, signers: &[u16], statement: Statement) -> QuorumCertificate<Mock> {
        let scheme = &self.setup.scheme;
        let mut set = SignerSet::empty(4);
        let sign = |id: &u16| {
            let id = ReplicaId(*id);
            (id, scheme.sign(id, KeyRole::Voting, statement))
        };
        let parts: Vec<_> = signers.iter().map(sign).collect();
        parts.iter().for_each(|(id, _)| {
            set.insert(*id);
        });
        let aggregate = scheme.aggregate(parts.iter().map(|(id, signature)| (*id, signature)));
        QuorumCertificate {
            signers: set,
            aggregate,
        }
    }

    /// The certificate of a block by the first three replicas.
    pub(crate) fn certify(
        &self,
        block: &Block<Mock>,
        commits: Option<Commits>,
    ) -> Certificate<Mock> {
        self.certify_vote(Vote {
            view: block.header.view,
            height: block.header.height,
            block: block.header.id(),
            commits,
        })
    }

    /// The certificate of whatever the first three replicas have voted.
    pub(crate) fn certify_vote(&self, vote: Vote) -> Certificate<Mock> {
        let statement = vote.signing().statement(&self.setup.domain());
        Certificate {
            vote,
            proof: Some(self.combine(&[0, 1, 2], statement)),
        }
    }

    /// A certificate of timeouts in groups: the view of the highest certificate, and who.
    pub(crate) fn given_up(
        &self,
        view: u64,
        groups: &[(Certificate<Mock>, &[u16])],
    ) -> TimeoutCertificate<Mock> {
        let group = |(high_qc, signers): &(Certificate<Mock>, &[u16])| {
            let timeout: Message = Body::Timeout(Timeout {
                view: View(view),
                high_qc: high_qc.clone(),
                vote: None,
            });
            let statement = timeout.signing().statement(&self.setup.domain());
            TimeoutGroup {
                high_qc: high_qc.view(),
                certificate: self.combine(signers, statement),
            }
        };
        TimeoutCertificate {
            view: View(view),
            groups: groups.iter().map(group).collect(),
        }
    }

    /// A body as `by` would sign it.
    pub(crate) fn signed(&self, by: u16, body: Message) -> Signed<Engine<R>> {
        let signing = body.signing();
        let by = ReplicaId(by);
        let statement = signing.statement(&self.setup.domain());
        Signed {
            by,
            signature: self.setup.scheme.sign(by, signing.key, statement),
            body,
        }
    }

    /// The same, checked.
    pub(crate) fn verified(&self, by: u16, body: Message) -> Verified<Engine<R>> {
        let batch = vec![self.signed(by, body)];
        let checked = Verified::check(&self.setup.domain(), &self.setup.scheme, batch);
        let first = checked.into_iter().next();
        first
            .expect("one verdict")
            .expect("the builder signs truly")
    }

    /// A proposal by the leader of its view.
    pub(crate) fn proposal(
        &self,
        full: FullBlock<Mock>,
        timeout: Option<TimeoutCertificate<Mock>>,
    ) -> Verified<Engine<R>> {
        let leader = (full.block.header.view.0 % 4) as u16;
        self.verified(leader, Body::Proposal(Proposal { full, timeout }))
    }
}

/// An engine, and its outbox.
pub(crate) struct Driven<R: CommitRule> {
    pub(crate) engine: Engine<R>,
    outbox: Outbox<Engine<R>>,
    now: Time,
}

impl<R: CommitRule> Driven<R> {
    pub(crate) fn start(builder: &Builder<R>, records: Vec<(Seq, Record<Mock>)>) -> Self {
        let last = records.last().map_or(Seq::NONE, |(seq, _)| *seq);
        let mut outbox = Outbox::new(last);
        let recovered = Recovered {
            records,
            ..Recovered::default()
        };
        let now = Time::from_millis(1);
        let engine = Engine::start(builder.setup.clone(), recovered, now, &mut outbox);
        Self {
            engine,
            outbox,
            now,
        }
    }

    /// Gives the engine an input, and has the application accept whatever it is asked about.
    pub(crate) fn step(&mut self, input: Input<Engine<R>>) -> Vec<Output<Engine<R>>> {
        self.engine.step(self.now, input, &mut self.outbox);
        let mut outputs: Vec<_> = self.outbox.drain().collect();
        let mut index = 0;
        while index < outputs.len() {
            if let Output::Check { ticket, .. } = &outputs[index] {
                let answer = Input::Checked(*ticket, true);
                self.engine.step(self.now, answer, &mut self.outbox);
                outputs.extend(self.outbox.drain());
            }
            index += 1;
        }
        outputs
    }

    pub(crate) fn hear(&mut self, message: Verified<Engine<R>>) -> Vec<Output<Engine<R>>> {
        self.step(Input::Message(message))
    }

    /// How long until the next deadline.
    pub(crate) fn patience(&self) -> std::time::Duration {
        let deadline = self.engine.deadline().expect("the view timer always runs");
        deadline.since(self.now)
    }

    /// Lets the next deadline pass.
    pub(crate) fn pass_deadline(&mut self) -> Vec<Output<Engine<R>>> {
        self.now = self.engine.deadline().expect("the view timer always runs");
        self.step(Input::Tick)
    }

    /// What it wanted done so far and was not asked for yet.
    pub(crate) fn pending(&mut self) -> Vec<Output<Engine<R>>> {
        self.outbox.drain().collect()
    }
}

/// The vote among these outputs, if there is one.
pub(crate) fn vote<R: CommitRule>(outputs: &[Output<Engine<R>>]) -> Option<Vote> {
    outputs.iter().find_map(|output| match output {
        Output::Send(send) => match send.body() {
            Body::Vote(vote) => Some(*vote),
            _ => None,
        },
        _ => None,
    })
}

/// Everything sent, and to whom.
pub(crate) fn sent<R: CommitRule>(outputs: &[Output<Engine<R>>]) -> Vec<(Recipients, Message)> {
    let sends = outputs.iter().filter_map(|output| match output {
        Output::Send(send) => Some((send.to(), send.body().clone())),
        _ => None,
    });
    sends.collect()
}

/// The records written.
pub(crate) fn records<R: CommitRule>(outputs: &[Output<Engine<R>>]) -> Vec<(Seq, Record<Mock>)> {
    let persists = outputs.iter().filter_map(|output| match output {
        Output::Persist(persist) => match persist.entry() {
            quorate_core::Entry::Record(record) => Some((persist.seq(), record.clone())),
            quorate_core::Entry::Payload(_) => None,
        },
        _ => None,
    });
    persists.collect()
}

/// Payload digests decided, in order.
pub(crate) fn decided<R: CommitRule>(outputs: &[Output<Engine<R>>]) -> Vec<Digest> {
    let commits = outputs.iter().filter_map(|output| match output {
        Output::Commit(decision) => Some(*decision.payload.digest()),
        _ => None,
    });
    commits.collect()
}

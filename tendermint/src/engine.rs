//! The engine: what it holds, and which input goes where.

use crate::promises::Promises;
use crate::round::{Round, Step};
use crate::timeouts::Timer;
use crate::values::Values;
use crate::waiting::Waiting;
use crate::{Body, CommitProof, Config, Record};
use quorate_core::Body as _;
use quorate_core::{
    Decision, Digest, Height, Input, Note, Outbox, Payload, Place, Protocol, QuorumCertificate,
    Recovered, ReplicaId, Scheme, Seq, Setup, SignerSet, Status, Ticket, Time, Timers, Triage,
    View,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The last decision, for replicas that have missed it.
#[derive(Debug)]
pub(crate) struct LastProof<S: Scheme> {
    pub(crate) payload: Digest,
    pub(crate) proof: Arc<CommitProof<S>>,
}

/// A Tendermint replica's engine.
///
/// Everything that peers can fill is bounded: what is known of a round holds a proposal and two
/// votes of each validator; of rounds below its own it keeps sixteen, of rounds above two for
/// each sender, and of the next height two rounds for each sender.
#[derive(Debug)]
pub struct Tendermint<S: Scheme> {
    pub(crate) setup: Setup<Self>,
    /// The paper's h_p.
    pub(crate) height: Height,
    /// The paper's round_p.
    pub(crate) round: View,
    /// The paper's step_p.
    pub(crate) step: Step,
    /// The paper's lock and valid value, and everything signed at this height.
    pub(crate) promises: Promises<S>,
    /// This round, some below it, and one above if a certificate of it came.
    pub(crate) rounds: BTreeMap<View, Round<S>>,
    /// Votes and proposals for rounds above.
    pub(crate) later_rounds: Waiting<S>,
    /// Votes and proposals for the height above.
    pub(crate) next_height: Waiting<S>,
    /// Payloads of this height.
    pub(crate) values: Values,
    /// Who has spoken of a height above this one, and which: one entry a validator.
    pub(crate) ahead: BTreeMap<ReplicaId, Height>,
    /// Whom this replica has convicted at this height. Once is enough.
    pub(crate) accused: BTreeSet<ReplicaId>,
    pub(crate) timers: Timers<Timer>,
    /// The question for a payload to propose in this round.
    pub(crate) building: Option<Ticket>,
    pub(crate) last_ticket: Ticket,
    pub(crate) last_proof: Option<LastProof<S>>,
    /// Promises at heights that are not reached again yet: their decisions were made, but not
    /// stored, before the replica stopped.
    pub(crate) recovered: BTreeMap<Height, Promises<S>>,
    /// Whether this round's own proposal waits for its payload to be sent again.
    pub(crate) proposal_to_repeat: Option<View>,
    /// Where the log of each height begins that is not executed yet.
    pub(crate) marks: BTreeMap<Height, Seq>,
}

impl<S: Scheme> Tendermint<S> {
    /// The paper's lockedRound at the height the engine is at; `None` for −1.
    #[must_use]
    pub fn locked_round(&self) -> Option<View> {
        self.promises.locked_round()
    }
}

impl<S: Scheme> Protocol for Tendermint<S> {
    const NAME: &'static str = "tendermint";
    const ENGINE: u8 = 4;
    const WIRE: u16 = 1;
    const ROTATES: bool = true;

    type Scheme = S;
    type Body = Body<S>;
    type Record = Record<S>;
    type Proof = CommitProof<S>;
    type Config = Config;

    fn start(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self {
        Self::recover(setup, recovered, now, out)
    }

    fn step(&mut self, now: Time, input: Input<Self>, out: &mut Outbox<Self>) {
        match input {
            Input::Message(message) => self.receive(message, now, out),
            Input::Tick => self.fire_timers(now, out),
            Input::Built(ticket, payload) => self.take_built(ticket, payload, out),
            Input::Checked(ticket, is_valid) => self.take_verdict(ticket, is_valid, out),
            Input::Payload(payload) => self.take_payload(payload, out),
            Input::Learned(decision) => self.take_decision(decision, now, out),
            Input::Installed(decision) => self.jump(&decision, now, out),
            Input::Executed(height) => self.forget_log(height, out),
            Input::Stable(checkpoint) => self.forget_log(checkpoint.claim.height, out),
            // An idle proposer's application answers in time, with no requests if it has none.
            Input::Waiting(_) => {}
            // The contract may grow; what it adds is nothing that this engine asks for.
            _ => {}
        }
        self.apply_rules(now, out);
        self.watch_catch_up(now);
    }

    fn triage(&self, by: ReplicaId, body: &Body<S>) -> Triage {
        self.judge(by, body)
    }

    fn deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    fn status(&self) -> Status {
        let due = self.timers.next();
        let next = Timer::ALL
            .into_iter()
            .find(|timer| due.is_some() && self.timers.get(*timer) == due);
        Status {
            place: self.place(),
            leader: self.proposer(self.place()),
            decided: self.height.previous(),
            waiting_for: next.map_or("messages", Timer::waiting_for),
        }
    }
}

impl<S: Scheme> Tendermint<S> {
    /// The height and round that the replica is in.
    pub(crate) const fn place(&self) -> Place {
        Place::new(self.height, self.round)
    }

    /// The paper's proposer(h, round).
    pub(crate) fn proposer(&self, place: Place) -> ReplicaId {
        self.setup.leaders.leader(place)
    }

    /// A ticket not used before.
    pub(crate) const fn next_ticket(&mut self) -> Ticket {
        self.last_ticket = Ticket(self.last_ticket.0 + 1);
        self.last_ticket
    }

    /// Asks for a payload that a certificate names, once until it comes.
    pub(crate) fn want(&mut self, digest: Digest, from: SignerSet, out: &mut Outbox<Self>) {
        if self.values.want(digest, from) {
            out.fetch_payload(digest, from);
        }
    }

    /// Asks again for every payload that is missing.
    pub(crate) fn fetch_missing(&self, out: &mut Outbox<Self>) {
        for (digest, from) in self.values.missing() {
            out.fetch_payload(digest, from);
        }
    }

    fn take_built(&mut self, ticket: Ticket, payload: Payload, out: &mut Outbox<Self>) {
        // The round is over, or the proposer has prevoted nil for want of a proposal.
        if self.building != Some(ticket) || self.step != Step::Propose {
            return;
        }
        self.building = None;
        // A valid value that was learned meanwhile comes first (L15); the rules propose it.
        if self.promises.valid.is_none() {
            self.values.insert_own(payload.clone());
            self.propose(payload, None, out);
        }
    }

    fn take_verdict(&mut self, ticket: Ticket, is_valid: bool, out: &mut Outbox<Self>) {
        let Some(digest) = self.values.answer(ticket, is_valid) else {
            return;
        };
        if is_valid {
            return;
        }
        for (round, known) in &self.rounds {
            // Whoever shows a polka only repeats what a quorum accepted.
            let guilty = known
                .proposal
                .as_ref()
                .is_some_and(|own| own.digest == digest && own.valid_round.is_none());
            if guilty {
                let proposer = self.proposer(Place::new(self.height, *round));
                out.blame(proposer, quorate_core::Fault::InvalidPayload);
            }
        }
    }

    fn take_payload(&mut self, payload: Payload, out: &mut Outbox<Self>) {
        if self.values.is_wanted(payload.digest()) {
            self.values.insert(payload);
            self.repeat_proposal(out);
        }
    }

    fn take_decision(&mut self, decision: Decision<Self>, now: Time, out: &mut Outbox<Self>) {
        // Decided here in the meantime, or not next.
        if decision.height == self.height {
            self.conclude(decision, now, out);
        }
    }

    /// Decides by a certificate of our own.
    pub(crate) fn decide(
        &mut self,
        payload: Payload,
        round: View,
        certificate: QuorumCertificate<S>,
        now: Time,
        out: &mut Outbox<Self>,
    ) {
        let decision = Decision {
            height: self.height,
            payload,
            proof: Arc::new(CommitProof { round, certificate }),
        };
        self.conclude(decision, now, out);
    }

    /// L51–L54: hands on the decision of this height, and begins the next one at once.
    fn conclude(&mut self, decision: Decision<Self>, now: Time, out: &mut Outbox<Self>) {
        out.note(Note::Decided(self.height, decision.proof.round));
        self.last_proof = Some(LastProof::of(&decision));
        out.commit(decision);
        self.enter_height(self.height.next(), now, out);
    }

    /// Goes on above a decision that state transfer has installed.
    fn jump(&mut self, decision: &Decision<Self>, now: Time, out: &mut Outbox<Self>) {
        if decision.height >= self.height {
            self.last_proof = Some(LastProof::of(decision));
            self.enter_height(decision.height.next(), now, out);
        }
    }

    /// L10, L53, L54: begins a height, with nothing left of the one before.
    pub(crate) fn enter_height(&mut self, height: Height, now: Time, out: &mut Outbox<Self>) {
        self.height = height;
        self.rounds.clear();
        self.values.clear();
        self.accused.clear();
        self.timers.clear_all();
        self.proposal_to_repeat = None;
        self.later_rounds = Waiting::default();
        self.ahead.retain(|_, at| *at > height);
        let begins = out.last().next();
        self.marks.entry(height).or_insert(begins);
        self.recovered = self.recovered.split_off(&height);
        self.promises = self.recovered.remove(&height).unwrap_or_default();
        let (round, step) = self.promises.resumes();
        self.begin_round(round, step, now, out);
        self.repeat_promises(out);
        for message in self.next_height.take_all() {
            if message.body().place().height == height {
                self.admit(message, out);
            }
        }
    }
}

impl<S: Scheme> LastProof<S> {
    /// What is kept of a decision.
    pub(crate) fn of(decision: &Decision<Tendermint<S>>) -> Self {
        Self {
            payload: *decision.payload.digest(),
            proof: Arc::clone(&decision.proof),
        }
    }
}

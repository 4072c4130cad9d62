//! A small complete engine: at each height its leader proposes, everyone votes once, and a quorum
//! decides. Safe, but a height whose leader fails is never decided.

mod messages;

pub(crate) use messages::{PING, PROPOSE, Record, Say, VOTE, Votes};

use quorate_core::testing::Mock;
use quorate_core::{
    Added, Body, Decision, Digest, Fault, Height, Input, Note, Outbox, Payload, Place, Protocol,
    Recipients, Recovered, ReplicaId, Seq, Setup, Signed, SignerSet, Status, Ticket, Time, Triage,
    Verified, View, VoteSet,
};
use std::sync::Arc;
use std::time::Duration;

/// How long a height may take before its promises are repeated.
const PATIENCE: Duration = Duration::from_millis(50);
/// Heights ahead that are kept for later.
const AHEAD: u64 = 8;

/// How the toy may be broken, to see that the cluster notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bug {
    #[default]
    None,
    /// Decides its own proposal without a quorum.
    Impatient,
    /// Forgets its vote in a crash, and so votes again.
    Forgetful,
    /// Blames whoever votes.
    Suspicious,
    /// Wants ticks for ever.
    Restless,
}

#[derive(Debug)]
pub(crate) struct Toy {
    setup: Setup<Self>,
    height: Height,
    payload: Option<Payload>,
    proposed: Option<(Seq, Digest)>,
    voted: Option<(Seq, Digest)>,
    votes: VoteSet<Self>,
    seen: Option<Signed<Self>>,
    deadline: Time,
    fetching: Option<Digest>,
    ticket: Ticket,
    /// Where the first record of each recent height is.
    firsts: Vec<(Height, Seq)>,
    /// Records of an earlier run. They may be of heights above the last decision that was stored.
    recovered: Vec<(Seq, Record)>,
}

impl Toy {
    /// How many records this run found in its log.
    pub(crate) fn recovered(&self) -> usize {
        self.recovered.len()
    }

    fn leader(&self, height: Height) -> ReplicaId {
        self.setup.leaders.leader(Place::new(height, View::ZERO))
    }

    fn enter(&mut self, now: Time, out: &mut Outbox<Self>) {
        self.deadline = now.after(PATIENCE);
        out.note(Note::Entered(self.height, View::ZERO));
        self.remember(out);
        if self.leader(self.height) == self.setup.me && self.proposed.is_none() {
            self.ticket.0 += 1;
            out.build(self.ticket, self.height, Vec::new());
        }
    }

    /// Takes up the promises made at this height before a restart.
    fn remember(&mut self, out: &mut Outbox<Self>) {
        for (seq, record) in self.recovered.iter().cloned() {
            match record {
                Record::Proposed(height, digest) if height == self.height => {
                    self.proposed = Some((seq, digest));
                }
                Record::Voted(height, digest) if height == self.height => {
                    self.voted = Some((seq, digest));
                    out.repeat(seq, Recipients::All, Say::Vote(height, digest));
                }
                _ => {}
            }
        }
        if let Some((_, digest)) = self.proposed.or(self.voted) {
            let mut from = SignerSet::empty(self.setup.validators.len());
            self.setup.validators.ids().for_each(|id| {
                from.insert(id);
            });
            out.fetch_payload(digest, from);
        }
    }

    fn advance(&mut self, now: Time, decision: Decision<Self>, out: &mut Outbox<Self>) {
        self.height = decision.height.next();
        (self.payload, self.proposed, self.voted, self.seen) = (None, None, None, None);
        self.fetching = None;
        self.votes = VoteSet::default();
        self.enter(now, out);
    }

    fn record(&mut self, record: Record, body: Say, out: &mut Outbox<Self>) -> Seq {
        let height = record.height();
        let seq = out.promise(record, Recipients::All, body);
        if self.firsts.last().is_none_or(|(last, _)| *last < height) {
            self.firsts.push((height, seq));
        }
        seq
    }

    fn accept(&mut self, payload: Payload, out: &mut Outbox<Self>) {
        let digest = *payload.digest();
        if self.voted.is_none() {
            out.store(payload.clone());
            let record = Record::Voted(self.height, digest);
            let seq = self.record(record, Say::Vote(self.height, digest), out);
            self.voted = Some((seq, digest));
        }
        self.payload = Some(payload);
    }

    fn decide(&mut self, now: Time, out: &mut Outbox<Self>) {
        let Some((digest, power)) = self.votes.leading() else {
            return;
        };
        let enough = match self.setup.config {
            Bug::Impatient => 1,
            _ => self.setup.validators.quorum().quorum(),
        };
        if power < enough {
            return;
        }
        let Some(payload) = self.payload.clone().filter(|it| *it.digest() == digest) else {
            if self.fetching.replace(digest) != Some(digest) {
                let certificate = self.votes.certificate(&self.setup.scheme, &digest);
                out.fetch_payload(digest, certificate.signers);
            }
            return;
        };
        let certificate = self.votes.certificate(&self.setup.scheme, &digest);
        let decision = Decision {
            height: self.height,
            payload,
            proof: Arc::new(Votes::Certificate(certificate)),
        };
        out.commit(decision.clone());
        self.advance(now, decision, out);
    }

    fn hear(&mut self, now: Time, message: Verified<Self>, out: &mut Outbox<Self>) {
        if message.body().place().height != self.height {
            return;
        }
        match message.body() {
            Say::Propose(height, payload) => {
                if message.by() != self.leader(*height) {
                    return out.blame(message.by(), Fault::NotLeader);
                }
                let second = message.signed().clone();
                match &self.seen {
                    Some(first) if first.signing() != second.signing() => {
                        let first = first.clone();
                        out.accuse(Box::new(quorate_core::Evidence { first, second }));
                    }
                    Some(_) => {}
                    None => {
                        self.seen = Some(second);
                        self.ticket.0 += 1;
                        out.check(self.ticket, *height, payload.clone());
                    }
                }
            }
            Say::Vote(..) => {
                if self.setup.config == Bug::Suspicious {
                    out.blame(message.by(), Fault::Unjustified);
                }
                let added = self.votes.add(&self.setup.validators, message);
                if let Added::Conflict(evidence) = added {
                    out.accuse(evidence);
                }
                self.decide(now, out);
            }
            Say::Ping(..) => {}
        }
    }

    fn tick(&mut self, now: Time, out: &mut Outbox<Self>) {
        if now < self.deadline {
            return;
        }
        self.deadline = now.after(PATIENCE);
        if let (Some((seq, digest)), Some(payload)) = (self.proposed, &self.payload)
            && digest == *payload.digest()
        {
            let body = Say::Propose(self.height, payload.clone());
            out.repeat(seq, Recipients::All, body);
        }
        if let Some((seq, digest)) = self.voted {
            out.repeat(seq, Recipients::All, Say::Vote(self.height, digest));
        }
        out.send(Recipients::All, Say::Ping(self.height, now.0));
        out.fetch(self.height);
    }
}

impl Protocol for Toy {
    const NAME: &'static str = "toy";
    const ENGINE: u8 = 99;
    const WIRE: u16 = 1;
    const ROTATES: bool = true;
    type Scheme = Mock;
    type Body = Say;
    type Record = Record;
    type Proof = Votes;
    type Config = Bug;

    fn start(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self {
        let decided = recovered.decided.map_or(Height::GENESIS, |it| it.height);
        let mut toy = Self {
            setup,
            height: decided.next(),
            payload: None,
            proposed: None,
            voted: None,
            votes: VoteSet::default(),
            seen: None,
            deadline: now,
            fetching: None,
            // Tickets of an earlier run mean nothing to this one.
            ticket: Ticket(0),
            firsts: Vec::new(),
            recovered: recovered.records,
        };
        for (seq, record) in &toy.recovered {
            if toy
                .firsts
                .last()
                .is_none_or(|(last, _)| *last < record.height())
            {
                toy.firsts.push((record.height(), *seq));
            }
        }
        if toy.setup.config == Bug::Forgetful {
            toy.recovered.clear();
        }
        toy.enter(now, out);
        toy
    }

    fn step(&mut self, now: Time, input: Input<Self>, out: &mut Outbox<Self>) {
        match input {
            Input::Message(message) => self.hear(now, message, out),
            Input::Tick => self.tick(now, out),
            Input::Built(ticket, payload) if ticket == self.ticket && self.proposed.is_none() => {
                out.store(payload.clone());
                let record = Record::Proposed(self.height, *payload.digest());
                let digest = *payload.digest();
                let seq = self.record(record, Say::Propose(self.height, payload), out);
                self.proposed = Some((seq, digest));
            }
            Input::Checked(ticket, true) if ticket == self.ticket => {
                let proposal = self.seen.as_ref().map(|seen| seen.body.clone());
                if let Some(Say::Propose(_, payload)) = proposal {
                    self.accept(payload, out);
                    self.decide(now, out);
                }
            }
            Input::Checked(ticket, false) if ticket == self.ticket => {
                out.blame(self.leader(self.height), Fault::InvalidPayload);
            }
            Input::Payload(payload) => {
                let wanted = [self.proposed, self.voted].into_iter().flatten();
                let mut wanted = wanted.map(|(_, digest)| digest).chain(self.fetching);
                if wanted.any(|digest| digest == *payload.digest()) {
                    self.payload = Some(payload);
                    self.deadline = now;
                    self.decide(now, out);
                }
            }
            Input::Learned(decision) if decision.height == self.height => {
                out.commit(decision.clone());
                self.advance(now, decision, out);
            }
            Input::Installed(decision) if decision.height >= self.height => {
                self.advance(now, decision, out);
            }
            Input::Stable(checkpoint) => {
                let height = checkpoint.claim.height;
                self.firsts.retain(|(first, _)| *first > height);
                let next = out.last().next();
                out.prune(self.firsts.first().map_or(next, |(_, seq)| *seq));
            }
            _ => {}
        }
    }

    fn triage(&self, by: ReplicaId, body: &Say) -> Triage {
        let Place { height, .. } = body.place();
        if matches!(body, Say::Propose(..)) && by != self.leader(height) {
            return Triage::Fault(Fault::NotLeader);
        }
        match height {
            _ if height < self.height => Triage::Stale,
            _ if height == self.height => Triage::Check,
            _ if height.0 <= self.height.0 + AHEAD => Triage::Later,
            _ => Triage::TooFar,
        }
    }

    fn deadline(&self) -> Option<Time> {
        match self.setup.config {
            Bug::Restless => Some(Time::ZERO),
            _ => Some(self.deadline),
        }
    }

    fn status(&self) -> Status {
        Status {
            place: Place::new(self.height, View::ZERO),
            leader: self.leader(self.height),
            decided: self.height.previous(),
            waiting_for: "votes",
        }
    }
}

//! The normal case: pre-prepare, prepare, commit (OSDI '99, section 4.2).

use crate::body::{Body, PrePrepare, Vote};
use crate::engine::Pbft;
use crate::planted::PlantedBug;
use crate::proof::CommitCertificate;
use crate::record::Record;
use crate::view_change_body::PreparedCertificate;
use quorate_core::{
    Decision, Digest, Fault, Height, Note, Outbox, Payload, Recipients, Scheme, SignerSet, Ticket,
    Time, Verified,
};
use std::sync::Arc;

impl<S: Scheme> Pbft<S> {
    /// Asks for the next payload, if this is the primary and the window has room.
    pub(crate) fn build(&mut self, out: &mut Outbox<Self>) {
        self.next_proposal = self.next_proposal.max(self.decided.next());
        let next = self.next_proposal;
        if self.building.is_some_and(|(_, height)| height != next) {
            self.building = None;
        }
        let config = &self.setup.config;
        let leads = self.is_active() && self.primary(self.view) == self.setup.me;
        // Half the window, so that a replica whose checkpoint is a little behind takes part.
        let open = next.0 - self.stable_height().0.min(next.0) <= config.window / 2;
        let room = next.0 - self.decided.0 <= config.in_flight;
        let caught_up = self.decided >= self.plan.min_s && self.decided >= self.stable_height();
        if self.building.is_some() || !(leads && open && room && caught_up) {
            return;
        }
        let undecided = self.slots.range(self.decided.next()..next);
        let undecided = undecided.filter_map(|(_, slot)| slot.expected()).collect();
        let ticket = self.ticket();
        self.building = Some((ticket, next));
        out.build(ticket, next, undecided);
    }

    /// The mempool has built what was asked for: the primary proposes it.
    pub(crate) fn on_built(
        &mut self,
        now: Time,
        ticket: Ticket,
        payload: Payload,
        out: &mut Outbox<Self>,
    ) {
        if self.building.is_none_or(|(asked, _)| asked != ticket) {
            return;
        }
        self.building = None;
        let (view, height) = (self.view, self.next_proposal);
        let digest = *payload.digest();
        self.next_proposal = height.next();
        let slot = self.slots.entry(height).or_default();
        slot.ballot.proposal = Some((digest, now));
        slot.keep(&payload);
        slot.stored = Some((digest, out.store(payload.clone())));
        slot.ballot.accepted = true;
        let record = Record::Accepted {
            view,
            height,
            digest,
        };
        let body = Body::PrePrepare(PrePrepare {
            view,
            height,
            payload,
        });
        slot.accepted = Some(out.promise(record, Recipients::All, body));
        self.advance(height, out);
    }

    /// A proposal.
    pub(crate) fn on_pre_prepare(
        &mut self,
        now: Time,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        let Body::PrePrepare(proposal) = message.body() else {
            unreachable!("the caller has looked");
        };
        let (by, height) = (message.by(), proposal.height);
        if by != self.primary(proposal.view) {
            return out.blame(by, Fault::NotLeader);
        }
        if proposal.view != self.entered || !self.is_open(height) {
            return;
        }
        if height <= self.plan.max_s {
            // What is proposed here follows from the new-view.
            return out.blame(by, Fault::Unjustified);
        }
        let payload = proposal.payload.clone();
        let digest = *payload.digest();
        let slot = self.slots.entry(height).or_default();
        let votes = &mut slot.ballot.prepares;
        if !Self::count(&self.setup, &mut self.accused, votes, message, out) {
            return;
        }
        slot.ballot.proposal.get_or_insert((digest, now));
        slot.keep(&payload);
        let judge = slot.ballot.proposed() == Some(digest) && !slot.ballot.accepted;
        if judge && self.is_active() {
            let ticket = self.ticket();
            self.checks.insert(ticket, (height, digest));
            out.check(ticket, height, payload);
        }
        self.advance(height, out);
    }

    /// The application has judged a proposal.
    pub(crate) fn on_checked(&mut self, ticket: Ticket, accepted: bool, out: &mut Outbox<Self>) {
        let Some((height, digest)) = self.checks.remove(&ticket) else {
            return;
        };
        let Some(slot) = self.slots.get(&height) else {
            return;
        };
        if slot.ballot.proposed() != Some(digest) {
            return;
        }
        if accepted {
            self.accept(height, out);
        } else {
            out.blame(self.primary(self.entered), Fault::InvalidPayload);
        }
    }

    /// Promises to prepare what is proposed at a height, if the payload is here, and fetches it
    /// otherwise.
    pub(crate) fn accept(&mut self, height: Height, out: &mut Outbox<Self>) {
        let view = self.view;
        if !self.is_active() {
            return;
        }
        let Some(slot) = self.slots.get_mut(&height) else {
            return;
        };
        let Some(digest) = slot.ballot.proposed().filter(|_| !slot.ballot.accepted) else {
            return;
        };
        if slot.decision().is_some_and(|decided| decided != digest) {
            // Only if more than F power is faulty. What is decided stays decided.
            return;
        }
        let executed = height <= self.executed && slot.decided == Some(digest);
        let stored = slot.stored.is_some_and(|(stored, _)| stored == digest);
        if let Some(payload) = slot.payload(&digest).filter(|_| !stored) {
            slot.stored = Some((digest, out.store(payload.clone())));
        } else if !stored && !executed {
            let from = self.plan.at(height).and_then(|it| it.prepared_by);
            return self.fetch_payload(height, digest, from, out);
        }
        slot.ballot.accepted = true;
        let record = Record::Accepted {
            view,
            height,
            digest,
        };
        let body = Body::Prepare(Vote {
            view,
            height,
            digest,
        });
        slot.accepted = Some(out.promise(record, Recipients::All, body));
        self.advance(height, out);
    }

    /// Asks for a payload, once in a view for each slot and digest.
    pub(crate) fn fetch_payload(
        &mut self,
        height: Height,
        digest: Digest,
        from: Option<SignerSet>,
        out: &mut Outbox<Self>,
    ) {
        let everyone = self.everyone();
        let slot = self.slots.entry(height).or_default();
        if slot.ballot.fetching.replace(digest) != Some(digest) {
            out.fetch_payload(digest, from.unwrap_or(everyone));
        }
    }

    /// A backup's prepare; or the primary's, in a slot that its new-view proposes again.
    pub(crate) fn on_prepare(
        &mut self,
        vote: Vote,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        let by = message.by();
        if vote.view != self.entered || !self.is_open(vote.height) {
            return;
        }
        if self.is_second_proposal(by, &vote) {
            return out.blame(by, Fault::Inconsistent);
        }
        let slot = self.slots.entry(vote.height).or_default();
        let votes = &mut slot.ballot.prepares;
        if Self::count(&self.setup, &mut self.accused, votes, message, out) {
            self.advance(vote.height, out);
        }
    }

    /// Whether a prepare is one that a primary never sends: its pre-prepare is its prepare.
    pub(crate) fn is_second_proposal(&self, by: quorate_core::ReplicaId, vote: &Vote) -> bool {
        vote.view == self.entered && vote.height > self.plan.max_s && by == self.primary(vote.view)
    }

    /// A commit.
    pub(crate) fn on_commit(
        &mut self,
        now: Time,
        vote: Vote,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        if vote.view > self.entered || vote.height > self.high() {
            return self.note_early(&vote, message);
        }
        if vote.view != self.entered || !self.is_open(vote.height) {
            return;
        }
        let slot = self.slots.entry(vote.height).or_default();
        let votes = &mut slot.ballot.commits;
        if Self::count(&self.setup, &mut self.accused, votes, message, out) {
            self.advance(vote.height, out);
            self.deliver(now, out);
        }
    }

    /// Draws the conclusions from the votes in a slot: prepared, and committed.
    pub(crate) fn advance(&mut self, height: Height, out: &mut Outbox<Self>) {
        self.prepare(height, out);
        self.decide(height, out);
    }

    /// The paper's predicate *prepared*, and the commit that follows from it.
    fn prepare(&mut self, height: Height, out: &mut Outbox<Self>) {
        let (view, quorum, active) = (self.view, self.quorum(), self.is_active());
        let quorum = self.planted_quorum(quorum, PlantedBug::PreparesOnWeakQuorum);
        let Some(slot) = self.slots.get_mut(&height) else {
            return;
        };
        let ballot = &mut slot.ballot;
        let Some(digest) = ballot.proposed() else {
            return;
        };
        let ready = active && ballot.accepted && !ballot.committed;
        if !ready || ballot.prepares.power(&digest) < quorum {
            return;
        }
        ballot.committed = true;
        let prepared = PreparedCertificate {
            height,
            view,
            digest,
            certificate: ballot.prepares.certificate(&self.setup.scheme, &digest),
        };
        let body = Body::Commit(Vote {
            view,
            height,
            digest,
        });
        let record = Record::Prepared(prepared.clone());
        let seq = out.promise(record, Recipients::All, body);
        slot.prepared = Some((prepared, seq));
        out.note(Note::Locked(height, view));
    }

    /// The paper's predicate *committed*, whether or not this replica has prepared.
    fn decide(&mut self, height: Height, out: &mut Outbox<Self>) {
        let (view, quorum) = (self.entered, self.quorum());
        let quorum = self.planted_quorum(quorum, PlantedBug::DecidesOnWeakQuorum);
        if height <= self.decided {
            return;
        }
        let Some(slot) = self.slots.get_mut(&height) else {
            return;
        };
        let commits = &slot.ballot.commits;
        let Some((digest, power)) = commits.leading() else {
            return;
        };
        if power < quorum || slot.outcome.is_some() {
            return;
        }
        let certificate = commits.certificate(&self.setup.scheme, &digest);
        let Some(payload) = slot.payload(&digest).cloned() else {
            return self.fetch_payload(height, digest, Some(certificate.signers), out);
        };
        slot.outcome = Some(Decision {
            height,
            payload,
            proof: Arc::new(CommitCertificate { view, certificate }),
        });
    }

    /// Hands on what is decided, in order.
    pub(crate) fn deliver(&mut self, now: Time, out: &mut Outbox<Self>) {
        while let Some(slot) = self.slots.get_mut(&self.decided.next()) {
            let Some(decision) = slot.outcome.take() else {
                return;
            };
            let view = decision.proof.view;
            if view == self.view && self.is_active() && !decision.payload.is_empty() {
                self.note_service(now);
            }
            out.note(Note::Decided(decision.height, view));
            self.commit(decision, out);
        }
    }

    /// A payload that was asked for.
    pub(crate) fn on_payload(&mut self, payload: &Payload, out: &mut Outbox<Self>) {
        let kept = self.slots.iter_mut().filter_map(|(height, slot)| {
            if slot.ballot.fetching == Some(*payload.digest()) {
                slot.ballot.fetching = None;
            }
            slot.keep(payload).then_some(*height)
        });
        let kept: Vec<_> = kept.collect();
        for height in kept {
            // A proposal above the plan waits for the application's verdict.
            if height <= self.plan.max_s {
                self.accept(height, out);
            }
            self.advance(height, out);
        }
    }
}

//! Which messages matter, and what becomes of them.

use crate::promises::Held;
use crate::round::{Proposed, Step};
use crate::rules::PAST_ROUNDS;
use crate::tally::Tally;
use crate::waiting::contradiction;
use crate::{Body, Phase, Polka, Tendermint, Value, Vote};
use quorate_core::{
    Added, Body as _, Evidence, Fault, Height, Outbox, Place, ReplicaId, Scheme, Time, Triage,
    Verified, View,
};

/// Heights above its own of which a replica has messages kept for it.
pub(crate) const HEIGHTS_AHEAD: u64 = 64;

/// Rounds of the next height that a replica keeps itself.
const NEXT_HEIGHT_ROUNDS: u64 = 2;

impl<S: Scheme> Tendermint<S> {
    /// Triage: whether a message is worth checking.
    pub(crate) fn judge(&self, by: ReplicaId, body: &Body<S>) -> Triage {
        let place = body.place();
        if place.height < self.height {
            return Triage::Stale;
        }
        if let Some(fault) = self.fault_of(by, body) {
            return Triage::Fault(fault);
        }
        if place.height > self.height {
            return self.judge_ahead(by, place, body);
        }
        match body {
            Body::Certificate(carried) => self.judge_certificate(carried.phase, carried.vote),
            _ if place.view > self.round => self.judge_later_round(by, body),
            Body::Proposal(proposal) => {
                let digest = proposal.payload.digest();
                let known = self.rounds.get(&place.view);
                let first = known.and_then(|known| known.proposal.as_ref());
                let is_news = match first {
                    _ if self.values.is_wanted(digest) => true,
                    _ if place.view < self.round => false,
                    None => true,
                    Some(first) => {
                        let differs =
                            first.digest != *digest || first.valid_round != proposal.valid_round();
                        differs && !self.accused.contains(&by)
                    }
                };
                checked_if(is_news)
            }
            Body::Prevote(vote) => {
                checked_if(place.view == self.round && self.is_news(by, Phase::Prevote, *vote))
            }
            Body::Precommit(vote) => {
                let is_kept = place.view.0 >= self.round.0.saturating_sub(PAST_ROUNDS);
                checked_if(is_kept && self.is_news(by, Phase::Precommit, *vote))
            }
        }
    }

    /// What is wrong with a message whatever this replica's state is.
    fn fault_of(&self, by: ReplicaId, body: &Body<S>) -> Option<Fault> {
        if !self.setup.validators.contains(by) {
            return Some(Fault::Stranger);
        }
        match body {
            Body::Proposal(_) if self.proposer(body.place()) != by => Some(Fault::NotLeader),
            // L28 demands a polka of an earlier round. One of the proposal's own would be taken
            // for the round's result, and leave the replica without a step to go to.
            Body::Proposal(proposal) if proposal.valid_round() >= Some(proposal.round) => {
                Some(Fault::Inconsistent)
            }
            // Nobody sends certificates of nil.
            Body::Certificate(carried) if carried.vote.value == Value::NIL => {
                Some(Fault::Inconsistent)
            }
            _ => None,
        }
    }

    /// Triage of what is about a height above. Votes tell that we are behind, so one of each
    /// sender is checked even if it is too early to be of use.
    fn judge_ahead(&self, by: ReplicaId, place: Place, body: &Body<S>) -> Triage {
        let known = self.ahead.get(&by);
        if place.height == self.height.next() && is_kept_early(body) {
            return checked_if(self.next_height.has_room(by, body));
        }
        let tells_more = known.is_none_or(|known| *known < place.height);
        match body {
            Body::Certificate(_) if tells_more => Triage::Check,
            Body::Prevote(_) | Body::Precommit(_)
                if known.is_none_or(|known| *known <= self.height.next()) && tells_more =>
            {
                Triage::Check
            }
            _ if place.height.0 - self.height.0 <= HEIGHTS_AHEAD => Triage::Later,
            _ => Triage::TooFar,
        }
    }

    fn judge_later_round(&self, by: ReplicaId, body: &Body<S>) -> Triage {
        match body {
            // Payloads are large. Only the next proposer's is kept here.
            Body::Proposal(proposal) if proposal.round != self.round.next() => Triage::Later,
            _ => checked_if(self.later_rounds.has_room(by, body)),
        }
    }

    fn judge_certificate(&self, phase: Phase, vote: Vote) -> Triage {
        let known = self.rounds.get(&vote.round);
        let decided = known.and_then(|known| known.tally(phase).decided(&self.setup.validators));
        let is_news = match phase {
            Phase::Precommit => decided != Some(vote.value),
            Phase::Prevote if vote.round < self.round => {
                Some(vote.round) > self.promises.valid_round()
            }
            Phase::Prevote => decided != Some(vote.value),
        };
        checked_if(is_news)
    }

    /// Whether a vote for a round that is kept can still matter: to the round, or as evidence.
    fn is_news(&self, by: ReplicaId, phase: Phase, vote: Vote) -> bool {
        let Some(known) = self.rounds.get(&vote.round) else {
            return true;
        };
        let tally = known.tally(phase);
        if let Some(first) = tally.vote_of(by) {
            return first != vote.value && !self.accused.contains(&by);
        }
        match tally.decided(&self.setup.validators) {
            None => true,
            // The payload is being fetched, or no value can be decided here.
            Some(_) if phase == Phase::Precommit => false,
            Some(value) => {
                let is_done = known.fired.polka || value == Value::NIL;
                !(is_done && self.step == Step::Precommit)
            }
        }
    }

    /// Takes in a checked message.
    pub(crate) fn receive(&mut self, message: Verified<Self>, now: Time, out: &mut Outbox<Self>) {
        let place = message.body().place();
        if place.height < self.height {
            return;
        }
        if let Some(fault) = self.fault_of(message.by(), message.body()) {
            out.blame(message.by(), fault);
        } else if place.height > self.height {
            self.note_ahead(&message, now);
            if place.height == self.height.next() && is_kept_early(message.body()) {
                let evidence = self.next_height.keep(message);
                self.accuse(evidence, out);
            }
        } else {
            self.admit(message, out);
        }
    }

    /// Remembers who has gone past this height.
    fn note_ahead(&mut self, message: &Verified<Self>, now: Time) {
        let height = message.body().place().height;
        let mut note = |by: ReplicaId, height: Height| {
            let known = self.ahead.entry(by).or_insert(height);
            *known = height.max(*known);
        };
        note(message.by(), height);
        // Whoever signed a certificate was there.
        if let Body::Certificate(carried) = message.body() {
            for by in carried.certificate.signers.iter() {
                note(by, height);
            }
        }
        self.watch_catch_up(now);
    }

    /// Takes in a checked and well-formed message about this height.
    pub(crate) fn admit(&mut self, message: Verified<Self>, out: &mut Outbox<Self>) {
        let round = message.body().place().view;
        let is_early = round > self.round;
        match message.body() {
            Body::Certificate(carried) => {
                let (phase, vote) = (carried.phase, carried.vote);
                let certificate = carried.certificate.clone();
                match phase {
                    Phase::Prevote => {
                        let polka = Polka { round, certificate };
                        self.learn_polka(vote.value, polka, out);
                    }
                    Phase::Precommit => {
                        let tally = self.tally_mut(round, phase);
                        tally.certify(vote.value, certificate);
                    }
                }
            }
            // Payloads are large. Only the next proposer's is kept.
            Body::Proposal(_) if is_early && round != self.round.next() => {}
            _ if is_early => {
                let evidence = self.later_rounds.keep(message);
                self.accuse(evidence, out);
            }
            Body::Proposal(_) => self.admit_proposal(message, out),
            Body::Prevote(_) if round == self.round => {
                self.admit_vote(Phase::Prevote, message, out);
            }
            // Polkas of past rounds travel as certificates: their single votes are of no use.
            Body::Prevote(_) => {}
            Body::Precommit(_) => {
                if round.0 >= self.round.0.saturating_sub(PAST_ROUNDS) {
                    self.admit_vote(Phase::Precommit, message, out);
                }
            }
        }
    }

    /// The votes of a phase of a round.
    fn tally_mut(&mut self, round: View, phase: Phase) -> &mut Tally<S> {
        self.rounds.entry(round).or_default().tally_mut(phase)
    }

    fn admit_vote(&mut self, phase: Phase, message: Verified<Self>, out: &mut Outbox<Self>) {
        let round = message.body().place().view;
        let tally = self.rounds.entry(round).or_default().tally_mut(phase);
        if let Added::Conflict(evidence) = tally.add(&self.setup.validators, message) {
            self.accuse(Some(evidence), out);
        }
    }

    fn admit_proposal(&mut self, message: Verified<Self>, out: &mut Outbox<Self>) {
        let Body::Proposal(proposal) = message.body() else {
            return;
        };
        let (round, digest) = (proposal.round, *proposal.payload.digest());
        if self.values.is_wanted(&digest) {
            self.values.insert(proposal.payload.clone());
        }
        if round < self.round {
            return;
        }
        let polka = proposal.polka.clone();
        let known = self.rounds.entry(round).or_default();
        match &known.proposal {
            None => {
                self.values.insert(proposal.payload.clone());
                known.proposal = Some(Proposed {
                    digest,
                    valid_round: proposal.valid_round(),
                    message,
                });
            }
            Some(first) => {
                // The first stands, but others may vote for the second.
                if first.digest != digest && known.second.is_none() {
                    known.second = Some(digest);
                    self.values.insert(proposal.payload.clone());
                }
                let evidence = contradiction(&first.message, message);
                self.accuse(evidence, out);
            }
        }
        if let Some(polka) = polka {
            self.learn_polka(Value::of(digest), polka, out);
        }
    }

    /// Takes in a checked polka. One of this round or a later one counts as the round's votes do.
    /// One of an earlier round, newer than the valid value's, gives a new valid value: the paper's
    /// network would have shown it while the round lasted.
    fn learn_polka(&mut self, value: Value, polka: Polka<S>, out: &mut Outbox<Self>) {
        if polka.round >= self.round {
            let tally = self.tally_mut(polka.round, Phase::Prevote);
            tally.certify(value, polka.certificate);
        } else if self.promises.valid_round() < Some(polka.round) {
            self.want(*value.digest(), polka.certificate.signers, out);
            self.promises.improve_valid(Held { value, polka });
            // There may be one for each round that has passed without us.
            self.forget_payloads();
        }
    }

    /// Reports evidence, once for each validator and height.
    fn accuse(&mut self, evidence: Option<Box<Evidence<Self>>>, out: &mut Outbox<Self>) {
        if let Some(evidence) = evidence
            && self.accused.insert(evidence.first.by)
        {
            out.accuse(evidence);
        }
    }
}

/// Whether this replica itself keeps a message about the next height.
fn is_kept_early<S: Scheme>(body: &Body<S>) -> bool {
    !matches!(body, Body::Certificate(_)) && body.place().view < View(NEXT_HEIGHT_ROUNDS)
}

const fn checked_if(matters: bool) -> Triage {
    if matters {
        Triage::Check
    } else {
        Triage::Stale
    }
}

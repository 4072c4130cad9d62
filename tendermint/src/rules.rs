//! The rules of arXiv 1807.04938, Algorithm 1, each named by the line on which it begins.
//!
//! After every change they are applied until none fires, to everything that is known: proposals,
//! votes and certificates. None shadows another, and each fires at most once in a round. Rules
//! that end a height or a round come first, so that nothing is said in one that is over.

use crate::planted::PlantedBug;
use crate::promises::Held;
use crate::round::{Round, Step};
use crate::timeouts::Timer;
use crate::values::Verdict;
use crate::{Phase, Polka, Record, Tendermint, Value};
use quorate_core::{Digest, Note, Outbox, Scheme, Time, View};

/// Rounds below its own of which a replica keeps the precommits, for L49. A quorum there is found
/// later by a certificate or by catching up, or what it locked is decided in a later round.
pub(crate) const PAST_ROUNDS: u64 = 16;

impl<S: Scheme> Tendermint<S> {
    /// Applies the rules until none fires.
    pub(crate) fn apply_rules(&mut self, now: Time, out: &mut Outbox<Self>) {
        while self.l49_decide(now, out)
            || self.l55_skip(now, out)
            || self.l14_propose(out)
            || self.l22_first_proposal(now, out)
            || self.l28_proposal_with_polka(now, out)
            || self.l36_polka(now, out)
            || self.l44_nil_polka(now, out)
            || self.l34_prevote_quorum(now)
            || self.l47_precommit_quorum(now)
        {}
    }

    /// L11, StartRound: nothing of an earlier round is still waited for, and lock and valid value
    /// stay as they are.
    pub(crate) fn enter_round(&mut self, round: View, now: Time, out: &mut Outbox<Self>) {
        if self.promises.valid_round() == Some(self.round)
            && let Some(held) = &self.promises.valid
        {
            self.show_polka(held, out);
        }
        self.begin_round(round, Step::Propose, now, out);
    }

    /// Puts the replica into a step of a round, and takes in what waited for it.
    pub(crate) fn begin_round(
        &mut self,
        round: View,
        step: Step,
        now: Time,
        out: &mut Outbox<Self>,
    ) {
        (self.round, self.step, self.building) = (round, step, None);
        for timer in [
            Timer::Propose,
            Timer::Prevote,
            Timer::Precommit,
            Timer::Repeat,
        ] {
            self.timers.clear(timer);
        }
        out.note(Note::Entered(self.height, round));
        match step {
            // L21. The proposer waits too, because its application may have nothing to say.
            Step::Propose => {
                let at = now.after(self.setup.config.propose(round));
                self.timers.set(Timer::Propose, at);
            }
            Step::Prevote | Step::Precommit => self.watch_repeat(now),
        }
        self.forget_past_rounds();
        for message in self.later_rounds.take_until(round) {
            self.admit(message, out);
        }
    }

    fn forget_past_rounds(&mut self) {
        let oldest = View(self.round.0.saturating_sub(PAST_ROUNDS));
        let validators = &self.setup.validators;
        self.rounds.retain(|round, known| {
            let decided = known.precommits.decided(validators);
            *round >= oldest || decided.is_some_and(|value| value != Value::NIL)
        });
        self.forget_payloads();
    }

    /// Keeps the payloads of the lock and of the valid value, of what is decided, of this round's
    /// proposals and the last one's, and of a proposal to be said again.
    pub(crate) fn forget_payloads(&mut self) {
        let validators = &self.setup.validators;
        let last = self.round.previous();
        let (rounds, promises) = (&self.rounds, &self.promises);
        let is_held = |held: &Option<Held<S>>, value: Value| {
            held.as_ref().is_some_and(|held| held.value == value)
        };
        self.values.retain(|digest| {
            let value = Value::of(*digest);
            let is_decided = |known: &Round<S>| known.precommits.decided(validators) == Some(value);
            let own = promises.proposal.as_ref();
            own.is_some_and(|own| own.round == self.round && own.payload == *digest)
                || is_held(&promises.lock, value)
                || is_held(&promises.valid, value)
                || rounds
                    .range(last..)
                    .any(|(_, known)| known.proposes(digest))
                || rounds.values().any(is_decided)
        });
    }

    /// L14–L19: the proposer of a round proposes its valid value, or else a new one.
    fn l14_propose(&mut self, out: &mut Outbox<Self>) -> bool {
        let is_my_turn = self.step == Step::Propose && self.proposer(self.place()) == self.setup.me;
        let last = self.promises.proposal.as_ref().map(|own| own.round);
        if !is_my_turn || last >= Some(self.round) {
            return false;
        }
        if let Some(valid) = self.promises.valid.clone() {
            let digest = *valid.value.digest();
            let Some(payload) = self.values.payload(&digest).cloned() else {
                self.want(digest, valid.polka.certificate.signers, out);
                return false;
            };
            self.propose(payload, Some(valid.polka), out);
            return true;
        }
        if self.building.is_none() {
            let ticket = self.next_ticket();
            self.building = Some(ticket);
            out.build(ticket, self.height, Vec::new());
        }
        false
    }

    /// L22–L27: a proposal without a polka. Prevote it if it is valid and no other value is
    /// locked.
    fn l22_first_proposal(&mut self, now: Time, out: &mut Outbox<Self>) -> bool {
        let Some((digest, None)) = self.judged_proposal() else {
            return false;
        };
        let may_prevote = !self.promises.is_locked_elsewhere(Value::of(digest))
            || self.setup.config.plants(PlantedBug::PrevotesAgainstLock);
        self.prevote_proposal(digest, may_prevote, now, out)
    }

    /// L28–L33: a proposal with a polka of an earlier round. Prevote it if it is valid, and the
    /// lock is on the same value or no newer than the polka.
    fn l28_proposal_with_polka(&mut self, now: Time, out: &mut Outbox<Self>) -> bool {
        let Some((digest, Some(valid_round))) = self.judged_proposal() else {
            return false;
        };
        // `valid_round < round` was checked at admission.
        let may_prevote = self.promises.locked_round() <= Some(valid_round)
            || !self.promises.is_locked_elsewhere(Value::of(digest))
            || self.setup.config.plants(PlantedBug::PrevotesAgainstLock);
        self.prevote_proposal(digest, may_prevote, now, out)
    }

    /// The proposal of this round, if it is still to be prevoted: its payload and validRound.
    fn judged_proposal(&self) -> Option<(Digest, Option<View>)> {
        let round = self.rounds.get(&self.round)?;
        let proposed = round.proposal.as_ref()?;
        (self.step == Step::Propose).then_some((proposed.digest, proposed.valid_round))
    }

    /// Prevotes a proposal if it may be and is valid, nil if not, and nothing until the
    /// application has said whether it is.
    fn prevote_proposal(
        &mut self,
        digest: Digest,
        may_prevote: bool,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> bool {
        let value = match self.verdict(&digest, out) {
            _ if !may_prevote => Value::NIL,
            Verdict::Valid => Value::of(digest),
            Verdict::Invalid => Value::NIL,
            Verdict::Unasked | Verdict::Asked(_) => return false,
        };
        self.prevote(value, now, out);
        true
    }

    /// Whether a quorum has voted in this round, for whatever, or has gone past it.
    ///
    /// Not in the paper, whose network brings every vote to everyone, an adversary's too. Here the
    /// first replicas may have left a round by votes that the others never get, and they do not
    /// vote in it any more; that they spoke in a later one tells as much as a vote for nil.
    fn is_quorate(&self, phase: Phase) -> bool {
        let Some(round) = self.rounds.get(&self.round) else {
            return false;
        };
        let (tally, validators) = (round.tally(phase), &self.setup.validators);
        if tally.is_quorate(validators) || self.later_rounds.is_empty() {
            return tally.is_quorate(validators);
        }
        let past = self.later_rounds.senders();
        let past = past.filter(|by| tally.vote_of(*by).is_none());
        // Sums of powers of distinct validators fit, because the set's total does.
        let past: u64 = past.map(|by| validators.power(by)).sum();
        tally.total() + past >= validators.quorum().quorum()
    }

    /// L34: a quorum has prevoted, so a polka must come soon or not at all.
    fn l34_prevote_quorum(&mut self, now: Time) -> bool {
        let at = now.after(self.setup.config.vote(self.round));
        let fires = self.step == Step::Prevote && self.is_quorate(Phase::Prevote);
        let Some(round) = self.rounds.get_mut(&self.round) else {
            return false;
        };
        let fires = fires && !round.fired.prevote_timer;
        if fires {
            round.fired.prevote_timer = true;
            self.timers.set(Timer::Prevote, at);
        }
        fires
    }

    /// L36–L43: a polka in this round for a valid value. The first thing it is good for is a lock
    /// and a precommit; after the precommit it is still what to propose next.
    fn l36_polka(&mut self, now: Time, out: &mut Outbox<Self>) -> bool {
        let Some(round) = self.rounds.get(&self.round) else {
            return false;
        };
        if self.step == Step::Propose || round.fired.polka {
            return false;
        }
        let decided = round.prevotes.decided(&self.setup.validators);
        let decided = decided.or_else(|| self.planted_polka(&round.prevotes));
        let Some((value, digest)) = decided.and_then(|value| Some((value, value.payload()?)))
        else {
            return false;
        };
        if self.values.payload(&digest).is_none() {
            // The proposal passed us by, or its proposer sent us another. A quorum has this one.
            let from = round.prevotes.supporters(&self.setup.validators, value);
            self.want(digest, from, out);
            return false;
        }
        if self.verdict(&digest, out) != Verdict::Valid {
            return false;
        }
        let round = self.rounds.get_mut(&self.round).expect("it was just read");
        round.fired.polka = true;
        let polka = Polka {
            round: self.round,
            certificate: round.prevotes.certificate(&self.setup.scheme, value),
        };
        out.note(Note::Locked(self.height, self.round));
        if self.step == Step::Prevote {
            self.precommit(value, Some(polka), now, out);
        } else {
            self.log_payload(&digest, out);
            let record = Record::Valid {
                height: self.height,
                value,
                polka,
            };
            let after = out.persist(record.clone());
            self.promises.apply(after, &record);
        }
        true
    }

    /// L44–L46: a quorum prevoted nil, so this round decides nothing.
    fn l44_nil_polka(&mut self, now: Time, out: &mut Outbox<Self>) -> bool {
        let Some(round) = self.rounds.get(&self.round) else {
            return false;
        };
        let fires = self.step == Step::Prevote
            && round.prevotes.decided(&self.setup.validators) == Some(Value::NIL);
        if fires {
            self.precommit(Value::NIL, None, now, out);
        }
        fires
    }

    /// L47: a quorum has precommitted, so a decision must come soon or not at all.
    fn l47_precommit_quorum(&mut self, now: Time) -> bool {
        let at = now.after(self.setup.config.vote(self.round));
        let fires = self.is_quorate(Phase::Precommit);
        let Some(round) = self.rounds.get_mut(&self.round) else {
            return false;
        };
        let fires = fires && !round.fired.precommit_timer;
        if fires {
            round.fired.precommit_timer = true;
            self.timers.set(Timer::Precommit, at);
        }
        fires
    }

    /// L49–L54: a quorum precommitted a value, in whatever round: it is decided.
    ///
    /// The application is not asked: correct replicas among the quorum have asked theirs.
    fn l49_decide(&mut self, now: Time, out: &mut Outbox<Self>) -> bool {
        let validators = &self.setup.validators;
        let mut decided = self.rounds.iter().filter_map(|(round, known)| {
            let value = known.precommits.decided(validators)?;
            Some((*round, value, value.payload()?))
        });
        let Some((round, value, digest)) = decided.next() else {
            return false;
        };
        let precommits = &self.rounds[&round].precommits;
        let Some(payload) = self.values.payload(&digest).cloned() else {
            let from = precommits.supporters(validators, value);
            self.want(digest, from, out);
            return false;
        };
        let certificate = precommits.certificate(&self.setup.scheme, value);
        self.decide(payload, round, certificate, now, out);
        true
    }

    /// L55, L56: a weak quorum is in a later round, so a correct replica is.
    fn l55_skip(&mut self, now: Time, out: &mut Outbox<Self>) -> bool {
        // A certificate for a later round shows more than a weak quorum in it.
        let certified = self.rounds.keys().next_back().copied();
        let supported = if self.later_rounds.is_empty() {
            None
        } else {
            self.later_rounds.supported(&self.setup.validators)
        };
        let Some(round) = certified.max(supported).filter(|round| *round > self.round) else {
            return false;
        };
        self.enter_round(round, now, out);
        true
    }

    /// What the application says of a payload that is here. Asks it, if it has not been.
    fn verdict(&mut self, digest: &Digest, out: &mut Outbox<Self>) -> Verdict {
        let verdict = self.values.verdict(digest);
        if verdict == Verdict::Unasked
            && let Some(payload) = self.values.payload(digest).cloned()
        {
            let ticket = self.next_ticket();
            self.values.ask(digest, ticket);
            out.check(ticket, self.height, payload);
        }
        verdict
    }
}

//! What happens when nothing happens: the paper's timeouts, and repetition.

use crate::promises::Held;
use crate::round::Step;
use crate::{Body, Certificate, Phase, Tendermint, Value, Vote};
use quorate_core::{Note, Outbox, QuorumCertificate, Recipients, Scheme, Time};

/// Why a replica wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// L57: the round has no acceptable proposal.
    Propose,
    /// L61: a quorum prevoted, but not for one value.
    Prevote,
    /// L65: a quorum precommitted, but not for one value.
    Precommit,
    /// Not in the paper, whose network loses nothing: say again what was said.
    Repeat,
    /// Not in the paper: correct replicas have been at a higher height for a while.
    CatchUp,
}

impl Timer {
    /// Every reason.
    pub(crate) const ALL: [Self; 5] = [
        Self::Propose,
        Self::Prevote,
        Self::Precommit,
        Self::Repeat,
        Self::CatchUp,
    ];

    /// What is waited for, for people.
    pub(crate) const fn waiting_for(self) -> &'static str {
        match self {
            Self::Propose => "a proposal",
            Self::Prevote => "prevotes for one value",
            Self::Precommit => "precommits for one value",
            Self::Repeat => "a quorum of votes",
            Self::CatchUp => "decisions that others have made",
        }
    }
}

impl<S: Scheme> Tendermint<S> {
    /// Fires every timer that is due, each followed by the rules that it enables.
    pub(crate) fn fire_timers(&mut self, now: Time, out: &mut Outbox<Self>) {
        // Collected first, so that a timer that is set again for now, because its duration is
        // zero, waits for the next tick.
        let mut due = Vec::new();
        while let Some(timer) = self.timers.due(now) {
            due.push(timer);
        }
        let place = self.place();
        for timer in due {
            // What was due for an earlier round or height means nothing in this one.
            if timer != Timer::CatchUp && self.place() != place {
                continue;
            }
            match timer {
                Timer::Propose => self.l57_propose_timeout(now, out),
                Timer::Prevote => self.l61_prevote_timeout(now, out),
                Timer::Precommit => self.l65_precommit_timeout(now, out),
                Timer::Repeat => self.repeat(now, out),
                Timer::CatchUp => self.catch_up(now, out),
            }
            self.apply_rules(now, out);
        }
    }

    /// L57: no acceptable proposal in time, so prevote nil.
    fn l57_propose_timeout(&mut self, now: Time, out: &mut Outbox<Self>) {
        if self.step == Step::Propose {
            out.note(Note::TimedOut(self.height, self.round));
            self.prevote(Value::NIL, now, out);
        }
    }

    /// L61: no polka in time, so precommit nil.
    fn l61_prevote_timeout(&mut self, now: Time, out: &mut Outbox<Self>) {
        if self.step == Step::Prevote {
            out.note(Note::TimedOut(self.height, self.round));
            self.precommit(Value::NIL, None, now, out);
        }
    }

    /// L65: no decision in time, so try the next round. Those who have seen a polka here show it,
    /// so that whoever proposes next knows of it.
    fn l65_precommit_timeout(&mut self, now: Time, out: &mut Outbox<Self>) {
        out.note(Note::TimedOut(self.height, self.round));
        let next = self.round.next();
        // The last round, which only more faulty power than is assumed can name, never ends.
        if next > self.round {
            self.enter_round(next, now, out);
        }
    }

    /// Says again what was said in this round, with what else may help those who are stuck.
    ///
    /// Bounded: two votes, two certificates and what is still being fetched, once in the time that
    /// the round waits for votes.
    fn repeat(&mut self, now: Time, out: &mut Outbox<Self>) {
        if let Some(last) = &self.last_proof {
            let vote = Vote {
                height: self.height.previous(),
                round: last.proof.round,
                value: Value::of(last.payload),
            };
            self.show(Phase::Precommit, vote, &last.proof.certificate, out);
        }
        if let Some(held) = &self.promises.valid {
            self.show_polka(held, out);
        }
        if let Some((after, vote)) = self.promises.prevote
            && vote.round == self.round
        {
            out.repeat(after, Recipients::All, Body::Prevote(vote));
        }
        if let Some((after, vote)) = self.promises.precommit {
            out.repeat(after, Recipients::All, Body::Precommit(vote));
        }
        self.fetch_missing(out);
        if !self.ahead.is_empty() {
            out.fetch(self.height);
        }
        self.watch_repeat(now);
    }

    /// Sets the timer for repeating, from now.
    pub(crate) fn watch_repeat(&mut self, now: Time) {
        let at = now.after(self.setup.config.vote(self.round));
        self.timers.set(Timer::Repeat, at);
    }

    /// Asks for the decisions that a weak quorum has gone past, for as long as it has.
    fn catch_up(&mut self, now: Time, out: &mut Outbox<Self>) {
        if self.is_behind() {
            out.fetch(self.height);
            self.watch_catch_up(now);
        }
    }

    /// Sets the timer for catching up, if this replica is behind and it is not set.
    pub(crate) fn watch_catch_up(&mut self, now: Time) {
        if self.is_behind() && self.timers.get(Timer::CatchUp).is_none() {
            let at = now.after(self.setup.config.vote_timeout);
            self.timers.set(Timer::CatchUp, at);
        }
    }

    /// Whether a correct replica has decided this height.
    pub(crate) fn is_behind(&self) -> bool {
        let validators = &self.setup.validators;
        // Sums of powers of distinct validators fit, because the set's total does.
        let ahead: u64 = self.ahead.keys().map(|by| validators.power(*by)).sum();
        ahead >= validators.quorum().weak()
    }

    /// Sends the polka of a value to everyone.
    pub(crate) fn show_polka(&self, held: &Held<S>, out: &mut Outbox<Self>) {
        let vote = Vote {
            height: self.height,
            round: held.polka.round,
            value: held.value,
        };
        self.show(Phase::Prevote, vote, &held.polka.certificate, out);
    }

    fn show(
        &self,
        phase: Phase,
        vote: Vote,
        certificate: &QuorumCertificate<S>,
        out: &mut Outbox<Self>,
    ) {
        let body = Body::Certificate(Certificate {
            phase,
            vote,
            certificate: certificate.clone(),
        });
        out.send(Recipients::All, body);
    }
}

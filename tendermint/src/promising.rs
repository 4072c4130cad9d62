//! Saying what binds: the record first, then the words.

use crate::promises::Held;
use crate::round::Step;
use crate::timeouts::Timer;
use crate::{Body, Polka, Proposal, Record, Tendermint, Value, Vote};
use quorate_core::{Digest, Outbox, Payload, Recipients, Scheme, Time, View};

impl<S: Scheme> Tendermint<S> {
    /// L19: promises and sends the proposal of this round.
    pub(crate) fn propose(
        &mut self,
        payload: Payload,
        polka: Option<Polka<S>>,
        out: &mut Outbox<Self>,
    ) {
        self.building = None;
        let digest = *payload.digest();
        self.log_payload(&digest, out);
        let record = Record::Proposed {
            height: self.height,
            round: self.round,
            payload: digest,
            polka: polka.clone(),
        };
        let body = Body::Proposal(Proposal {
            height: self.height,
            round: self.round,
            payload,
            polka,
        });
        self.promise(record, body, out);
    }

    /// Promises and sends this round's prevote.
    pub(crate) fn prevote(&mut self, value: Value, now: Time, out: &mut Outbox<Self>) {
        assert_eq!(self.step, Step::Propose, "a replica prevotes once a round");
        if let Some(digest) = value.payload() {
            self.log_payload(&digest, out);
        }
        let vote = self.vote_for(value);
        self.promise(Record::Prevoted(vote), Body::Prevote(vote), out);
        self.step = Step::Prevote;
        self.timers.clear(Timer::Propose);
        self.building = None;
        self.watch_repeat(now);
    }

    /// Promises and sends this round's precommit, and with a polka the lock.
    pub(crate) fn precommit(
        &mut self,
        value: Value,
        polka: Option<Polka<S>>,
        now: Time,
        out: &mut Outbox<Self>,
    ) {
        assert_eq!(
            self.step,
            Step::Prevote,
            "a replica precommits once a round"
        );
        if let Some(digest) = value.payload() {
            self.log_payload(&digest, out);
        }
        let vote = self.vote_for(value);
        if let Some(polka) = &polka
            && self.round > View::ZERO
        {
            // Certificate before vote. Round 0 costs no such message unless it fails.
            let polka = polka.clone();
            self.show_polka(&Held { value, polka }, out);
        }
        let record = Record::Precommitted { vote, polka };
        self.promise(record, Body::Precommit(vote), out);
        self.step = Step::Precommit;
        self.timers.clear(Timer::Prevote);
        self.watch_repeat(now);
    }

    fn vote_for(&self, value: Value) -> Vote {
        Vote {
            height: self.height,
            round: self.round,
            value,
        }
    }

    /// Makes a promise to everyone, and remembers it.
    fn promise(&mut self, record: Record<S>, body: Body<S>, out: &mut Outbox<Self>) {
        let after = out.promise(record.clone(), Recipients::All, body);
        self.promises.apply(after, &record);
    }

    /// Logs a payload that the next record accepts, unless it has been.
    pub(crate) fn log_payload(&mut self, digest: &Digest, out: &mut Outbox<Self>) {
        if let Some(payload) = self.values.take_unlogged(digest) {
            out.store(payload);
        }
    }
}

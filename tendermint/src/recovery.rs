//! Starting from what survived, and forgetting what need not.

use crate::engine::LastProof;
use crate::promises::Promises;
use crate::round::Step;
use crate::values::Values;
use crate::waiting::Waiting;
use crate::{Body, Proposal, Tendermint};
use quorate_core::{
    Height, Outbox, Recipients, Recovered, Scheme, Seq, Setup, SignerSet, Ticket, Time, Timers,
    View,
};
use std::collections::{BTreeMap, BTreeSet};

impl<S: Scheme> Tendermint<S> {
    /// Starts above the last stored decision, bound by every promise that the log still holds.
    pub(crate) fn recover(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self {
        let decided = recovered.decided.as_ref();
        let height = decided.map_or(Height::GENESIS, |decision| decision.height);
        let mut promises: BTreeMap<Height, Promises<S>> = BTreeMap::new();
        let mut marks = BTreeMap::new();
        let mut last = Seq::NONE;
        let records = setup.config.planted_memory(recovered.records);
        for (seq, record) in &records {
            if record.height() > height {
                // From the record before on, because the payload is logged in between.
                marks.entry(record.height()).or_insert(last.next());
                let promises = promises.entry(record.height()).or_default();
                promises.apply(*seq, record);
            }
            last = *seq;
        }
        let mut engine = Self {
            setup,
            height,
            round: View::ZERO,
            step: Step::Propose,
            promises: Promises::default(),
            rounds: BTreeMap::new(),
            later_rounds: Waiting::default(),
            next_height: Waiting::default(),
            values: Values::default(),
            ahead: BTreeMap::new(),
            accused: BTreeSet::new(),
            timers: Timers::default(),
            building: None,
            last_ticket: Ticket(0),
            last_proof: decided.map(LastProof::of),
            recovered: promises,
            proposal_to_repeat: None,
            marks,
        };
        engine.enter_height(height.next(), now, out);
        engine.apply_rules(now, out);
        engine
    }

    /// Says again what was promised at this height before the replica stopped, and asks for the
    /// payloads that it needs to go on.
    pub(crate) fn repeat_promises(&mut self, out: &mut Outbox<Self>) {
        let held = [self.promises.lock.clone(), self.promises.valid.clone()];
        for held in held.into_iter().flatten() {
            self.want(*held.value.digest(), held.polka.certificate.signers, out);
        }
        if let Some(own) = self.promises.proposal.clone()
            && own.round == self.round
        {
            let mut me = SignerSet::empty(self.setup.validators.len());
            me.insert(self.setup.me);
            self.proposal_to_repeat = Some(own.round);
            self.want(own.payload, me, out);
        }
        if let Some((after, vote)) = self.promises.prevote {
            out.repeat(after, Recipients::All, Body::Prevote(vote));
        }
        if let Some((after, vote)) = self.promises.precommit {
            out.repeat(after, Recipients::All, Body::Precommit(vote));
        }
    }

    /// Sends the proposal of before the restart again, exactly as it was, once its payload is
    /// back.
    pub(crate) fn repeat_proposal(&mut self, out: &mut Outbox<Self>) {
        let Some(own) = self.promises.proposal.clone() else {
            return;
        };
        if self.proposal_to_repeat != Some(self.round) || own.round != self.round {
            return;
        }
        if let Some(payload) = self.values.payload(&own.payload).cloned() {
            self.proposal_to_repeat = None;
            let body = Body::Proposal(Proposal {
                height: self.height,
                round: own.round,
                payload,
                polka: own.polka,
            });
            out.repeat(own.after, Recipients::All, body);
        }
    }

    /// Lets go of the log of everything up to a height that has been executed durably: only then
    /// is it certain that the replica will never vote there again.
    pub(crate) fn forget_log(&mut self, executed: Height, out: &mut Outbox<Self>) {
        let before = self.marks.len();
        self.marks = self.marks.split_off(&executed.next());
        if self.marks.len() < before
            // The lowest of all: after a restart, a height that had no record may get one behind
            // those of the heights above it.
            && let Some(begins) = self.marks.values().min()
        {
            out.prune(*begins);
        }
    }
}

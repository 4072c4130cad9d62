//! Between the engine and its surroundings: messages in, outputs out.

use super::gate::Released;
use super::{Action, CheckedBatch, Driver, PendingBuild, Received, VERDICTS_MAX};
use quorate_core::{Authorship, Dropped, Offer, Settled};
use quorate_core::{
    Decision, Destination, Digest, Entry, Fault, Input, Output, Payload, Persist, Protocol,
    Recipients, ReplicaId, Ticket, Time, Verdict,
};

impl<P: Protocol> Driver<P> {
    pub(super) fn received(&mut self, received: Received<P>) {
        let Received {
            from,
            direct,
            signed,
            bytes,
            ticket,
        } = received;
        let authorship = if direct {
            Authorship::Vouched
        } else {
            Authorship::Relayed
        };
        let tag = ticket.map_or(0, |ticket| ticket + 1);
        match self
            .intake
            .offer(from, authorship, signed, bytes, tag, &self.engine)
        {
            Offer::Queued | Offer::Later => {}
            Offer::Dropped(dropped) => self.dropped(from, tag, dropped),
        }
    }

    fn dropped(&mut self, from: ReplicaId, tag: u64, dropped: Dropped) {
        self.judge(tag, dropped.verdict());
        if let Some(fault) = dropped.fault {
            self.actions.push(Action::Penalize(from, fault));
        }
    }

    fn judge(&mut self, tag: u64, verdict: Verdict) {
        if let Some(ticket) = tag.checked_sub(1) {
            self.actions.push(Action::Judge(ticket, verdict));
        }
    }

    pub(super) fn checked(&mut self, now: Time, batch: CheckedBatch<P>) {
        for (digest, fine) in batch.payloads {
            if self.verdicts.len() >= VERDICTS_MAX {
                self.verdicts.pop_first();
            }
            self.verdicts.insert(digest, fine);
        }
        let settled = self.intake.checked(batch.id, batch.results);
        self.settled_messages(now, settled);
    }

    /// What became of messages that the intake held.
    pub(super) fn settled_messages(&mut self, now: Time, settled: Vec<Settled<P>>) {
        for Settled { tag, from, result } in settled {
            match result {
                Ok(message) => {
                    self.judge(tag, Verdict::Accept);
                    self.engine
                        .step(now, Input::Message(message), &mut self.outbox);
                    self.carry_out(now);
                }
                Err(dropped) => self.dropped(from, tag, dropped),
            }
        }
    }

    /// A message leaves: its record is durable, and it is signed.
    pub(super) fn leave(&mut self, released: Released<P>) {
        let Released { to, binds, message } = released;
        let (destination, own) = match to {
            Recipients::All => (Some(Destination::Others), true),
            Recipients::One(id) if id == self.setup.me => (None, true),
            Recipients::One(id) => (Some(Destination::One(id)), binds),
        };
        if own {
            self.inputs.push_back(Input::Message(message.clone()));
        }
        if let Some(destination) = destination {
            self.actions.push(Action::Transmit(destination, message));
        }
    }

    /// Carries out what the engine's last steps want.
    pub(super) fn carry_out(&mut self, now: Time) {
        let mut outputs = std::mem::take(&mut self.scratch);
        outputs.extend(self.outbox.drain());
        for output in outputs.drain(..) {
            self.output(now, output);
        }
        self.scratch = outputs;
    }

    fn output(&mut self, now: Time, output: Output<P>) {
        match output {
            Output::Persist(persist) => self.persist(persist),
            // A diverged replica keeps following, but says nothing that binds it.
            Output::Send(_) if self.mute => {}
            Output::Send(send) => {
                let (ticket, body) = self.gate.hold(send);
                self.planted_haste(ticket);
                self.actions.push(Action::Sign(ticket, body));
            }
            Output::Build {
                ticket, undecided, ..
            } => self.want_build(now, ticket, undecided),
            Output::Check {
                ticket, payload, ..
            } => self.want_check(ticket, payload),
            Output::Commit(decision) => self.commit(now, decision),
            Output::FetchPayload { digest, from } => {
                if let Some(payload) = self.payload_at_hand(&digest).cloned() {
                    self.mempool.observe(&payload);
                    self.inputs.push_back(Input::Payload(payload));
                } else {
                    self.want_payload(digest, from);
                }
            }
            Output::Fetch(height) => self.fetcher.want_decisions(height),
            Output::Evidence(evidence) => self.actions.push(Action::Evidence(evidence)),
            Output::Blame(peer, fault) => self.actions.push(Action::Penalize(peer, fault)),
            Output::Prune(seq) => self.actions.push(Action::Prune(seq)),
            Output::Note(note) => self.actions.push(Action::Note(note)),
            _ => unreachable!("every output of this version is known"),
        }
    }

    fn persist(&mut self, persist: Persist<P>) {
        if let Entry::Payload(payload) = persist.entry() {
            self.payloads.insert(payload.clone());
            self.payload_arrived(payload);
        }
        self.actions.push(Action::Append(persist));
    }

    fn want_build(&mut self, now: Time, ticket: Ticket, undecided: Vec<Digest>) {
        // With stable leaders nothing happens while there is nothing to order. With rotating
        // ones a beat of empty blocks keeps the chain alive, and others' turn coming.
        let give_up = P::ROTATES.then(|| now.after(self.config.idle_interval));
        self.build = Some(PendingBuild {
            ticket,
            undecided,
            give_up,
        });
    }

    fn want_check(&mut self, ticket: Ticket, payload: Payload) {
        self.mempool.observe(&payload);
        let known = payload.is_empty().then_some(true);
        match known.or_else(|| self.verdicts.remove(payload.digest())) {
            Some(fine) => self.inputs.push_back(Input::Checked(ticket, fine)),
            None => self.actions.push(Action::CheckPayload(ticket, payload)),
        }
    }

    pub(super) fn commit(&mut self, now: Time, decision: Decision<P>) {
        self.payload_arrived(&decision.payload);
        self.mempool.decided(now, &decision.payload);
        self.quiet.decided(&decision.payload);
        self.fetcher.decided(decision.height);
        self.forget_wanted(decision.height);
        self.recent.push_back(decision.clone());
        while self.recent.len() > self.config.recent_decisions {
            self.recent.pop_front();
        }
        self.actions.push(Action::Execute(decision));
    }

    /// The proofs of decisions from a peer have been checked.
    pub(super) fn learned(
        &mut self,
        from: ReplicaId,
        decisions: Vec<Decision<P>>,
        fault: Option<Fault>,
    ) {
        self.fetcher.checked();
        if let Some(fault) = fault {
            self.actions.push(Action::Penalize(from, fault));
            // What is missing is asked of somebody else.
            let last = decisions.last().map(|decision| decision.height);
            let last = last.unwrap_or(self.status.decided);
            self.fetcher.refused(last.next());
        }
        self.inputs
            .extend(decisions.into_iter().map(Input::Learned));
    }
}

//! What goes out: carrying out what engines want done, and checking what they decide.

use super::{Cluster, What};
use crate::testing::Mock;
use crate::{
    Body, Decision, Entry, Evidence, Input, Output, Protocol, Recipients, ReplicaId, Verified,
};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Waits for a future that is ready at once.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a local signer is always ready"),
    }
}

impl<P: Protocol<Scheme = Mock>> Cluster<P> {
    /// Carries out everything in a replica's outbox.
    pub(super) fn settle(&mut self, id: ReplicaId) {
        let outputs: Vec<_> = self.nodes[id.index()].outbox.drain().collect();
        for output in outputs {
            self.carry_out(id, output);
        }
        if self.nodes[id.index()].disk.begin_sync() {
            let delay = self.random.duration(&self.options.disk);
            self.after(delay, id, What::Synced);
        }
        self.schedule_tick(id);
    }

    fn carry_out(&mut self, id: ReplicaId, output: Output<P>) {
        let node = &mut self.nodes[id.index()];
        match output {
            Output::Persist(persist) => {
                node.disk.append(&persist);
                if let Entry::Payload(payload) = persist.entry() {
                    node.payloads.insert(*payload.digest(), payload.clone());
                }
            }
            Output::Send(send) => {
                let (to, after) = (send.to(), send.after());
                if after <= node.disk.durable() {
                    self.release(id, to, send.into_body());
                } else {
                    node.held.push((after, to, send.into_body()));
                }
            }
            Output::Build {
                ticket, undecided, ..
            } => self.start_build(id, ticket, undecided),
            Output::Check {
                ticket, payload, ..
            } => {
                let accepted = (self.accepts)(&payload);
                let answer = Input::Checked(ticket, accepted);
                self.after(self.options.check, id, What::Input(answer));
            }
            Output::Commit(decision) => self.commit(id, decision),
            Output::FetchPayload { digest, from } => self.ask_payload(id, digest, from),
            Output::Fetch(height) => self.ask_decisions(id, height),
            Output::Evidence(evidence) => self.judge(id, *evidence),
            Output::Blame(peer, fault) => self.blame(id, peer, fault),
            Output::Prune(seq) => node.disk.prune(seq),
            Output::Note(note) => self.notes.push((id, note)),
        }
    }

    /// A sync has ended: what waited for it leaves.
    pub(super) fn synced(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        node.disk.end_sync();
        let durable = node.disk.durable();
        let (ready, held) = std::mem::take(&mut node.held)
            .into_iter()
            .partition(|(after, ..)| *after <= durable);
        node.held = held;
        let ready: Vec<_> = ready;
        for (_, to, body) in ready {
            self.release(id, to, body);
        }
        self.settle(id);
    }

    /// Signs a body and sends it; a copy comes back if it binds or is meant for the sender.
    fn release(&mut self, id: ReplicaId, to: Recipients, body: P::Body) {
        let message = self.sign(id, body);
        let others = self.ids().into_iter().filter(|other| *other != id);
        let others: Vec<_> = others
            .filter(|other| matches!(to, Recipients::All) || to == Recipients::One(*other))
            .collect();
        for other in others {
            self.speak(id, other, &message);
        }
        if message.body().binds() || matches!(to, Recipients::All) || to == Recipients::One(id) {
            let delay = self.random.duration(&self.options.disk);
            self.after(delay, id, What::Own(message));
        }
    }

    fn speak(&mut self, id: ReplicaId, to: ReplicaId, message: &Verified<P>) {
        let Some(rewrite) = self.corruptions.get_mut(&id) else {
            return self.travel(id, to, message.signed().clone());
        };
        for (to, body) in rewrite(to, message.body()) {
            let signed = self.sign(id, body).into_signed();
            self.travel(id, to, signed);
        }
    }

    /// Checks evidence: it convicts, and not an honest replica.
    fn judge(&mut self, id: ReplicaId, evidence: Evidence<P>) {
        let guilty = evidence.check(&self.domain, &self.scheme);
        let guilty = guilty.unwrap_or_else(|why| panic!("{id:?} has evidence, but {why}"));
        assert!(
            self.faulty.contains(&guilty),
            "evidence of {id:?} accuses the honest {guilty:?}: {evidence:?}\n{}",
            self.report()
        );
        self.evidence.push(evidence);
    }

    /// Checks a decision, and stores it.
    fn commit(&mut self, id: ReplicaId, decision: Decision<P>) {
        let height = decision.height;
        let expected = self.nodes[id.index()].committed.next();
        assert_eq!(
            height,
            expected,
            "{id:?} decides out of order\n{}",
            self.report()
        );
        let verified = decision.verify(&self.domain, &self.scheme);
        assert_eq!(
            verified,
            Ok(()),
            "{id:?} decides {decision:?} without proof"
        );
        let digest = *decision.payload.digest();
        if !self.faulty.contains(&id) {
            let first = *self.decided.entry(height).or_insert(digest);
            assert_eq!(
                first,
                digest,
                "{id:?} decides otherwise at {height:?}\n{}",
                self.report()
            );
        }
        let node = &mut self.nodes[id.index()];
        node.committed = height;
        node.execute(self.built.get(&digest).copied());
        node.ledger.insert(height, decision);
        if node.fetching.is_some_and(|from| from <= height) {
            node.fetching = None;
        }
        let delay = self.random.duration(&self.options.disk);
        self.after(delay, id, What::Stored(height));
        self.keep_loaded(id);
        self.tell_waiting(id);
    }
}

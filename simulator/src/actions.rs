//! Carries out what drivers want done, as the tokio shell does.

use crate::fact::Fact;
use crate::trace::Happening;
use crate::world::What;
use crate::{Engine, World};
use quorate_core::{
    Batch, Body, CheckpointClaim, Claim, Claims, Decision, Destination, Digest, KeyRole, Note,
    Payload, Persist, Protocol, ReplicaId, Scheme, Signer, Verified,
};
use quorate_replica::driver::{Action, CheckedBatch, Event, SignTicket};
use quorate_replica::{Outcome, Service};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A signature in an engine's scheme.
type SignatureOf<P> = <<P as Protocol>::Scheme as Scheme>::Signature;

/// Waits for a future that is ready at once.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a local signer is always ready"),
    }
}

impl<P: Engine> World<P> {
    /// Carries out everything that a replica's driver wants.
    pub(crate) fn settle(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        let running = node.running.as_mut().expect("only what is up acts");
        let actions: Vec<_> = running.driver.take_actions().collect();
        for action in actions {
            if self.burns_out(id) {
                self.crash(id);
                return;
            }
            self.act(id, action);
        }
        self.sync(id);
        self.schedule_tick(id);
    }

    fn sync(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        if node.log.begin_sync() {
            let run = node.run;
            let delay = self.disk_random.duration(&self.options.disk.sync);
            self.schedule(delay, id, What::Synced(run));
        }
    }

    fn later(&mut self, after: Duration, id: ReplicaId, event: Event<P>) {
        let run = self.nodes[id.index()].run;
        self.schedule(after, id, What::Event(run, event));
    }

    fn act(&mut self, id: ReplicaId, action: Action<P>) {
        let appends = matches!(action, Action::Append(_));
        match action {
            Action::Append(persist) => self.append(id, &persist),
            Action::Sign(ticket, body) => self.sign(id, ticket, body),
            Action::Transmit(to, message) => self.speak(id, to, message),
            Action::SendService(to, message) => {
                self.serve(id, to, message);
            }
            Action::Verify(batch) => self.verify(id, batch),
            Action::CheckPayload(ticket, payload) => {
                let fine = self.accepts(id, &payload);
                let delay = self.work_random.duration(&self.options.work.check);
                self.later(delay, id, Event::PayloadChecked(ticket, fine));
            }
            Action::Execute(decision) => self.start_execution(id, decision),
            Action::SignCheckpoint(claim) => self.sign_checkpoint(id, claim),
            Action::VerifyCheckpoint(by, claim, signature) => {
                self.verify_checkpoint(id, by, claim, signature);
            }
            Action::VerifyDecisions(from, decisions) => {
                self.verify_decisions(id, from, decisions);
            }
            Action::ServeDecisions(to, height) => self.serve_decisions(id, to, height),
            Action::FindPayload(to, digest) => self.find_payload(id, to, digest),
            Action::Stable(checkpoint) => {
                self.trace(id, || Happening::Stable {
                    height: checkpoint.claim.height.0,
                });
                self.tell_stable(id, &checkpoint);
                let (_, stored) = self.reserve(id);
                let run = self.nodes[id.index()].run;
                self.nodes[id.index()].store.begin_checkpoint(checkpoint);
                self.schedule_at(stored, id, What::Stored(run));
            }
            action => self.report(id, action),
        }
        if let Some(running) = &mut self.nodes[id.index()].running {
            running.just_appended = appends;
        }
    }

    fn append(&mut self, id: ReplicaId, persist: &Persist<P>) {
        self.trace(id, || Happening::Appended {
            record: persist.seq().0,
            text: format!("{:?}", persist.entry()),
        });
        self.nodes[id.index()].log.append(persist);
        self.tell(&Fact::Appended {
            by: id,
            record: persist.seq(),
        });
    }

    fn sign_checkpoint(&mut self, id: ReplicaId, claim: CheckpointClaim) {
        let statement = claim.statement(&self.domain);
        let signer = &self.signers[id.index()];
        let signature = ready(signer.sign(KeyRole::Voting, statement));
        let signature = signature.expect("local signers never fail");
        self.tell_checkpoint(id, &claim);
        let delay = self.work_random.duration(&self.options.work.sign);
        self.later(delay, id, Event::CheckpointSigned(claim, signature));
    }

    /// What a driver says without wanting an answer.
    fn report(&mut self, id: ReplicaId, action: Action<P>) {
        match action {
            Action::Diverged(claim) => {
                assert!(!self.is_correct(id), "{id:?} has diverged: {claim:?}");
            }
            Action::Prune(seq) => {
                self.note(id, || format!("prunes before {seq:?}"));
                self.nodes[id.index()].log.prune(seq);
            }
            Action::Evidence(evidence) => {
                self.trace(id, || Happening::Accused {
                    culprit: evidence.first.by.0,
                    text: format!("{evidence:?}"),
                });
                self.tell_accused(id, &evidence);
            }
            Action::Penalize(peer, fault) => {
                self.blames(id, peer, fault);
            }
            Action::Judge(..) => unreachable!("nothing here comes by gossip"),
            Action::Refused(request, error) => {
                self.note(id, || format!("refuses {request:?}: {error}"));
                self.refused = Some((request, error.to_string()));
                self.checks.refused(id, request);
            }
            Action::Note(note) => {
                self.trace(id, || Happening::of_note(note));
                if matches!(note, Note::TimedOut(..)) {
                    self.checks.counts.timed_out += 1;
                }
            }
            action => unreachable!("an unknown action: {action:?}"),
        }
    }

    fn accepts(&self, id: ReplicaId, payload: &Payload) -> bool {
        let running = self.nodes[id.index()].running.as_ref();
        running.is_some_and(|running| running.rule.check(payload).is_ok())
    }

    fn sign(&mut self, id: ReplicaId, ticket: SignTicket, body: P::Body) {
        let node = &self.nodes[id.index()];
        let just_appended = node.running.as_ref().is_some_and(|it| it.just_appended);
        let record = just_appended.then(|| node.log.last());
        self.tell_signed(id, &body, record);
        let signer = &self.signers[id.index()];
        let signed = ready(Verified::sign(&self.domain, signer, body));
        let delay = self.work_random.duration(&self.options.work.sign);
        self.later(delay, id, Event::Signed(ticket, signed));
    }

    fn verify(&mut self, id: ReplicaId, batch: Batch<P>) {
        let carried = batch.messages.iter().filter_map(|it| it.body.payload());
        let payloads = carried.map(|payload| (*payload.digest(), self.accepts(id, payload)));
        let payloads = payloads.collect();
        let results = Verified::check(&self.domain, &self.scheme, batch.messages);
        for message in results.iter().filter_map(|it| it.as_ref().ok()) {
            self.tell_relied(id, message);
            self.hear(id, message);
        }
        let checked = CheckedBatch {
            id: batch.id,
            results,
            payloads,
        };
        let delay = self.work_random.duration(&self.options.work.check);
        self.later(delay, id, Event::Checked(checked));
    }

    fn verify_checkpoint(
        &mut self,
        id: ReplicaId,
        by: ReplicaId,
        claim: CheckpointClaim,
        signature: SignatureOf<P>,
    ) {
        let mut claims = Claims::default();
        claims.push(Claim::Signed {
            by,
            key: KeyRole::Voting,
            statement: claim.statement(&self.domain),
            signature: &signature,
        });
        let holds = self.scheme.verify(&[claims]) == [true];
        let delay = self.work_random.duration(&self.options.work.check);
        if holds {
            self.later(delay, id, Event::CheckpointVerified(by, claim, signature));
        }
    }

    fn verify_decisions(
        &mut self,
        id: ReplicaId,
        from: ReplicaId,
        mut decisions: Vec<Decision<P>>,
    ) {
        let check = |decision: &Decision<P>| decision.verify(&self.domain, &self.scheme).err();
        let bad = decisions
            .iter()
            .enumerate()
            .find_map(|(at, decision)| Some((at, check(decision)?)));
        if let Some((at, _)) = bad {
            decisions.truncate(at);
        }
        let fault = bad.map(|(_, fault)| fault);
        let delay = self.work_random.duration(&self.options.work.check);
        self.later(delay, id, Event::DecisionsVerified(from, decisions, fault));
    }

    fn serve_decisions(&mut self, id: ReplicaId, to: ReplicaId, height: quorate_core::Height) {
        let decisions = self.nodes[id.index()].store.from(height);
        let message = Service::Decisions(height, decisions);
        self.serve(id, Destination::One(to), message);
    }

    fn find_payload(&mut self, id: ReplicaId, to: Option<ReplicaId>, digest: Digest) {
        let found = self.nodes[id.index()].store.find(&digest);
        match (to, found) {
            (Some(to), Some(payload)) => {
                self.serve(id, Destination::One(to), Service::Payload(payload));
            }
            (Some(_), None) => {}
            (None, found) => {
                let event = found.map_or(Event::PayloadMissing(digest), Event::PayloadFound);
                let delay = self.work_random.duration(&self.options.work.read);
                self.later(delay, id, event);
            }
        }
    }

    /// When the execution thread and then the store are done with one more decision.
    fn reserve(&mut self, id: ReplicaId) -> (quorate_core::Time, quorate_core::Time) {
        let execution = self.work_random.duration(&self.options.work.execute);
        let storing = self.disk_random.duration(&self.options.disk.store);
        let now = self.now;
        let running = self.nodes[id.index()].running.as_mut().expect("it is up");
        running.execution_free = running.execution_free.max(now).after(execution);
        running.store_free = running
            .store_free
            .max(running.execution_free)
            .after(storing);
        (running.execution_free, running.store_free)
    }

    fn start_execution(&mut self, id: ReplicaId, decision: Decision<P>) {
        self.trace(id, || Happening::Decided {
            height: decision.height.0,
            payload: decision.payload.digest().short(),
            bytes: decision.payload.len(),
        });
        self.tell_decided(id, &decision);
        let decided = &mut self.checks.counts.decided;
        *decided = (*decided).max(decision.height.0);
        let (executed, stored) = self.reserve(id);
        let run = self.nodes[id.index()].run;
        self.nodes[id.index()].store.begin(decision.clone());
        self.schedule_at(executed, id, What::Executed(run, decision));
        self.schedule_at(stored, id, What::Stored(run));
    }

    /// The application executes a decision.
    pub(crate) fn execute(&mut self, id: ReplicaId, decision: Decision<P>) {
        let running = self.nodes[id.index()].running.as_mut().expect("it is up");
        let executed = running.executor.execute(decision.height, &decision.payload);
        self.tell_executed(id);
        for (request, outcome) in &executed.replies {
            if matches!(outcome, Outcome::Repeated(_)) {
                self.checks.counts.repeated += 1;
            }
            self.checks.request_done(self.now, id, *request);
        }
        let claim = executed.state.map(|state| CheckpointClaim {
            height: decision.height,
            payload: *decision.payload.digest(),
            state,
        });
        self.handle(id, Event::Executed(decision.height, claim));
    }
}

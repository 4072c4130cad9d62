//! Signature checks and other slow pure work, on a pool of threads.

use super::task::Internal;
use crate::driver::{CheckedBatch, Event};
use quorate_core::Batch;
use quorate_core::{
    Body, CheckpointClaim, Claim, Claims, Decision, Domain, KeyRole, Payload, Protocol, ReplicaId,
    Scheme, Ticket, Verified,
};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// Says whether a payload is acceptable to the application.
pub(super) type PayloadRule = dyn Fn(&Payload) -> bool + Send + Sync;

/// Does slow work elsewhere, and reports to the driver.
pub(super) struct Verification<P: Protocol> {
    pub(super) pool: Arc<rayon::ThreadPool>,
    pub(super) domain: Domain,
    pub(super) scheme: P::Scheme,
    pub(super) rule: Arc<PayloadRule>,
    pub(super) events: UnboundedSender<Internal<P>>,
}

impl<P: Protocol> Verification<P> {
    fn run(&self, work: impl FnOnce() -> Option<Event<P>> + Send + 'static) {
        let events = self.events.clone();
        self.pool.spawn(move || {
            if let Some(event) = work() {
                // The driver may have stopped meanwhile.
                let _ = events.send(Internal::Event(event));
            }
        });
    }

    /// Checks a batch of messages, and the payloads among them.
    pub(super) fn messages(&self, batch: Batch<P>) {
        let (domain, scheme, rule) = (self.domain, self.scheme.clone(), Arc::clone(&self.rule));
        self.run(move || {
            let verdict = |payload: &Payload| (*payload.digest(), rule(payload));
            let carried = batch
                .messages
                .iter()
                .filter_map(|signed| signed.body.payload());
            let payloads = carried.map(verdict).collect();
            let results = Verified::check(&domain, &scheme, batch.messages);
            Some(Event::Checked(CheckedBatch {
                id: batch.id,
                results,
                payloads,
            }))
        });
    }

    /// Checks a payload by the application's rules.
    pub(super) fn payload(&self, ticket: Ticket, payload: Payload) {
        let rule = Arc::clone(&self.rule);
        self.run(move || Some(Event::PayloadChecked(ticket, rule(&payload))));
    }

    /// Checks the signature of a checkpoint vote. The driver bounds how many there are.
    pub(super) fn checkpoint(
        &self,
        by: ReplicaId,
        claim: CheckpointClaim,
        signature: <P::Scheme as Scheme>::Signature,
    ) {
        let (domain, scheme) = (self.domain, self.scheme.clone());
        self.run(move || {
            let mut claims = Claims::default();
            let statement = claim.statement(&domain);
            let key = KeyRole::Voting;
            claims.push(Claim::Signed {
                by,
                key,
                statement,
                signature: &signature,
            });
            let holds = scheme.verify(&[claims]) == [true];
            Some(if holds {
                Event::CheckpointVerified(by, claim, signature)
            } else {
                Event::CheckpointRefused(by, claim, signature)
            })
        });
    }

    /// Checks the proofs of decisions that a peer sent.
    pub(super) fn decisions(&self, from: ReplicaId, mut decisions: Vec<Decision<P>>) {
        let (domain, scheme) = (self.domain, self.scheme.clone());
        self.run(move || {
            let check = |decision: &Decision<P>| decision.verify(&domain, &scheme).err();
            let bad = decisions
                .iter()
                .enumerate()
                .find_map(|(at, found)| Some((at, check(found)?)));
            if let Some((at, _)) = bad {
                decisions.truncate(at);
            }
            Some(Event::DecisionsVerified(
                from,
                decisions,
                bad.map(|(_, fault)| fault),
            ))
        });
    }
}

//! Service messages: checkpoints, catch-up, and being helpful about it.

use super::beat::CHECKPOINTS_KEPT;
use super::fetcher::Ask;
use super::{Action, Driver, ReceivedCheckpoint};
use crate::service::{DECISIONS_BYTES, DECISIONS_MAX};
use crate::{CheckpointEvent, Service};
use quorate_core::{
    CheckpointClaim, Decision, Destination, Fault, Height, Input, Protocol, ReplicaId, Scheme, Time,
};

impl<P: Protocol> Driver<P> {
    pub(super) fn service(&mut self, now: Time, from: ReplicaId, message: Service<P>) {
        match message {
            Service::Checkpoint(claim, signature) => {
                self.checkpoint_arrived(
                    now,
                    ReceivedCheckpoint {
                        from,
                        direct: true,
                        vote: (from, claim, signature),
                        ticket: None,
                    },
                );
            }
            Service::Wake => self.quiet.woken(),
            // The shell parses and checks forwarded requests before the driver sees them.
            Service::Forward(_) => {}
            Service::FetchDecisions(_) | Service::FetchPayload(_)
                if !self.shares.question(now, from) =>
            {
                self.exceeded(now, from);
            }
            Service::FetchDecisions(height) => self.serve_decisions(from, height),
            Service::Decisions(first, decisions) => {
                self.decisions_arrived(from, first, decisions);
            }
            Service::FetchPayload(digest) => match self.payload_at_hand(&digest).cloned() {
                Some(payload) => {
                    self.shares.answered(from, payload.len());
                    let answer = Service::Payload(payload);
                    self.actions
                        .push(Action::SendService(Destination::One(from), answer));
                }
                None => self.actions.push(Action::FindPayload(Some(from), digest)),
            },
            Service::Payload(payload) => {
                if self.fetcher.answered_payload(payload.digest()) {
                    self.payload_arrived(&payload);
                }
            }
        }
    }

    fn serve_decisions(&mut self, to: ReplicaId, height: Height) {
        let first = self.recent.front().map(|decision| decision.height);
        if first.is_none_or(|first| height < first) && height <= self.stored {
            self.actions.push(Action::ServeDecisions(to, height));
            return;
        }
        // What is too old to be at hand, and not stored yet, cannot be given: an answer begins with
        // what was asked for.
        let at_hand = first.is_some_and(|first| first <= height);
        let mut bytes = 0;
        let decisions: Vec<_> = self
            .recent
            .iter()
            .skip_while(|decision| decision.height < height)
            .take(if at_hand { DECISIONS_MAX } else { 0 })
            .take_while(|decision| {
                let fits = bytes == 0 || bytes + decision.payload.len() <= DECISIONS_BYTES;
                bytes += decision.payload.len().max(1);
                fits
            })
            .cloned()
            .collect();
        self.shares.answered(to, bytes);
        let answer = Service::Decisions(height, decisions);
        self.actions
            .push(Action::SendService(Destination::One(to), answer));
    }

    fn decisions_arrived(&mut self, from: ReplicaId, first: Height, decisions: Vec<Decision<P>>) {
        let contiguous = (first.0..)
            .zip(&decisions)
            .all(|(at, found)| found.height.0 == at);
        if !contiguous || decisions.len() > DECISIONS_MAX {
            self.actions.push(Action::Penalize(from, Fault::BadAnswer));
        } else if decisions.is_empty() {
            self.fetcher.nothing_from(from, first);
        } else if self.fetcher.answered_decisions(from, first) {
            // There may be more where these came from.
            let next = Height(first.0 + decisions.len() as u64);
            self.fetcher.want_decisions(next);
            self.actions.push(Action::VerifyDecisions(from, decisions));
        }
    }

    pub(super) fn ask(&mut self, peer: ReplicaId, ask: Ask) {
        let question = match ask {
            Ask::Decisions(height) => Service::FetchDecisions(height),
            Ask::Payload(digest) => Service::FetchPayload(digest),
        };
        self.actions
            .push(Action::SendService(Destination::One(peer), question));
    }

    /// What this replica has executed and stored in an earlier run: it promises again that this
    /// is its state, because the votes of that time may be lost.
    pub(super) fn claim_again(&mut self, claims: Vec<CheckpointClaim>) {
        let stable = self.checkpoints.stable().map(|stable| stable.claim.height);
        let stable = stable.unwrap_or(Height::GENESIS);
        let superfluous = claims.len().saturating_sub(CHECKPOINTS_KEPT);
        let newest = claims.into_iter().skip(superfluous);
        for claim in newest.filter(|claim| claim.height >= stable) {
            let event = self.checkpoints.executed(claim);
            debug_assert!(event.is_none(), "there are no votes yet");
            self.actions.push(Action::SignCheckpoint(claim));
        }
    }

    pub(super) fn executed(&mut self, height: Height, claim: Option<CheckpointClaim>) {
        self.executed = height;
        if let Some(claim) = claim {
            self.claims.insert(height, claim);
        }
        self.settled();
    }

    pub(super) fn stored(&mut self, height: Height) {
        self.stored = height;
        self.settled();
    }

    /// What is executed and stored cannot be lost any more: the engine may forget it, and the
    /// replica may promise that this is its state.
    fn settled(&mut self) {
        let height = self.executed.min(self.stored);
        if height > self.settled {
            self.settled = height;
            self.inputs.push_back(Input::Executed(height));
        }
        while let Some(first) = self.claims.first_entry() {
            if *first.key() > height {
                break;
            }
            let claim = first.remove();
            // Not before: a checkpoint that is stable lets the engine forget its promises, and
            // without the decisions a restarted replica could make others in their place.
            let event = self.checkpoints.executed(claim);
            self.checkpoint_event(event);
            if !self.mute {
                self.actions.push(Action::SignCheckpoint(claim));
            }
        }
    }

    pub(super) fn checkpoint_signed(
        &mut self,
        claim: CheckpointClaim,
        signature: <P::Scheme as Scheme>::Signature,
    ) {
        let message = Service::Checkpoint(claim, signature.clone());
        self.actions
            .push(Action::SendService(Destination::Others, message));
        self.beat.voted(claim, signature.clone());
        let event = self.checkpoints.own(claim, signature);
        self.checkpoint_event(event);
    }

    pub(super) fn checkpoint_event(&mut self, event: Option<CheckpointEvent<P::Scheme>>) {
        match event {
            Some(CheckpointEvent::Stable(checkpoint)) => {
                self.inputs.push_back(Input::Stable(checkpoint.clone()));
                self.actions.push(Action::Stable(checkpoint));
            }
            Some(CheckpointEvent::Diverged(divergence)) => {
                self.mute = true;
                self.actions.push(Action::Diverged(divergence.own));
            }
            Some(CheckpointEvent::Conflict(conflict)) => {
                self.actions
                    .push(Action::Penalize(conflict.by, Fault::Equivocation));
            }
            None => {}
        }
    }
}

//! Clients' requests: admission, forwarding, and what is proposed when.

use super::{Action, Driver};
use crate::{EmptyTurn, Origin, Service};
use quorate_core::{Destination, Input, Protocol, ReplicaId, Request, RequestRef, Time};

impl<P: Protocol> Driver<P> {
    pub(super) fn submitted(&mut self, now: Time, requests: Vec<Request>) {
        for request in requests {
            if let Err((request, error)) = self.mempool.admit(now, request, Origin::Local) {
                self.actions.push(Action::Refused(request.id, error));
            }
        }
    }

    pub(super) fn forwarded(&mut self, now: Time, from: ReplicaId, requests: Vec<Request>) {
        for request in requests {
            // A duplicate, or more than the peer's share: its own replica keeps it.
            let _ = self.mempool.admit(now, request, Origin::Forwarded(from));
        }
    }

    /// Passes requests on to whoever can propose them sooner.
    pub(super) fn forward(&mut self, now: Time) {
        let (me, leaders) = (self.setup.me, &*self.setup.leaders);
        let forwarded = self
            .forwarding
            .plan(now, me, &self.status, leaders, &self.mempool);
        for (to, batch) in forwarded {
            self.actions
                .push(Action::SendService(to, Service::Forward(batch)));
        }
        let waits = P::ROTATES && self.status.leader != me && !self.mempool.is_empty();
        if waits && self.quiet.must_wake() {
            self.actions
                .push(Action::SendService(Destination::Others, Service::Wake));
        }
    }

    /// Answers the engine's question for a payload, if there is something to propose or a reason
    /// to propose nothing.
    pub(super) fn try_build(&mut self, now: Time) {
        let Some(build) = &self.build else { return };
        let due = build.give_up.is_some_and(|at| at <= now);
        let turn = || P::ROTATES && self.quiet.empty_turn(&build.undecided) == EmptyTurn::Propose;
        if !self.mempool.has_ready(&build.undecided) && !due && !turn() {
            return;
        }
        let build = self.build.take().expect("it was there a moment ago");
        let payload = self.mempool.build(&build.undecided);
        self.inputs.push_back(Input::Built(build.ticket, payload));
    }
}

/// The requests of a forwarded batch, for the shell to check before [`super::Event::Forwarded`].
#[must_use]
pub fn owned(request: RequestRef<'_>) -> Request {
    Request {
        id: request.id,
        body: request.body.to_vec(),
    }
}

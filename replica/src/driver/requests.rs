//! Clients' requests: admission, forwarding, and what is proposed when.

use super::{Action, Driver};
use crate::{Origin, Service};
use quorate_core::{Input, Protocol, ReplicaId, Request, RequestRef, Time};

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
        for (to, batch) in self.forwarding.plan(now, self.setup.me, &self.status, &mut self.mempool)
        {
            self.actions.push(Action::SendService(to, Service::Forward(batch)));
        }
        if P::ROTATES && self.mempool.oldest_waiting().is_some() && self.quiet.must_wake(&self.status)
        {
            let others = quorate_core::Destination::Others;
            self.actions.push(Action::SendService(others, Service::Wake));
        }
    }

    /// Answers the engine's question for a payload, if there is something to propose or a reason
    /// to propose nothing.
    pub(super) fn try_build(&mut self, now: Time) {
        let Some(build) = &self.build else { return };
        let ready = self.mempool.has_ready(&build.undecided);
        let due = build.give_up.is_some_and(|at| at <= now);
        let flush = P::ROTATES
            && (!self.quiet.may_hold() || self.mempool.any_requests_in(&build.undecided));
        if !ready && !due && !flush {
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
    Request { id: request.id, body: request.body.to_vec() }
}


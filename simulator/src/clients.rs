//! The clients, and what they wait for.

use crate::checks::Submission;
use crate::fact::Fact;
use crate::telling::body_digest;
use crate::trace::Happening;
use crate::{Engine, World};
use quorate_core::{ReplicaId, Request, RequestId};
use quorate_replica::RequestStatus;
use quorate_replica::driver::Event;
use std::time::Duration;

impl<P: Engine> World<P> {
    /// A client submits a new request at a replica that is up.
    pub fn submit(&mut self, at: ReplicaId) -> RequestId {
        self.submit_body(at, (self.requests + 1).to_le_bytes().to_vec())
    }

    /// A client submits a request for something at a replica that is up.
    pub(crate) fn submit_body(&mut self, at: ReplicaId, body: Vec<u8>) -> RequestId {
        let id = self.next_request();
        self.requests += 1;
        let request = Request { id, body };
        self.trace(at, || Happening::Submitted {
            request: format!("{id:?}"),
            bytes: request.body.len(),
        });
        self.tell(&Fact::Submitted {
            request: id,
            body: body_digest(&request.body),
        });
        self.checks.submitted(Submission {
            request: request.clone(),
            at,
            when: self.now,
            done: false,
        });
        self.handle(at, Event::Submitted(vec![request]));
        id
    }

    /// The clients of a replica that has restarted ask again, as they do when a connection ends.
    pub(crate) fn resubmit(&mut self, id: ReplicaId) {
        let running = self.nodes[id.index()].running.as_ref();
        let replies = running.expect("it has just started").executor.replies();
        let fresh = |id| replies.status(id) == RequestStatus::Fresh;
        let requests = self.checks.ask_again(self.now, id, fresh);
        if !requests.is_empty() {
            self.handle(id, Event::Submitted(requests));
        }
    }

    /// Requests that wait at replicas that are up.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let up = self.ids.iter().filter(|id| self.is_up(**id));
        up.map(|id| self.waiting_at(*id)).sum()
    }

    /// Requests that wait at a replica.
    #[must_use]
    pub fn waiting_at(&self, id: ReplicaId) -> usize {
        self.checks.waiting_at(id)
    }

    /// Every request at a replica that is up is executed there within `bound`, and all replicas
    /// that are up get as far as any of them.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn must_settle(&mut self, bound: Duration) {
        let settled = |world: &Self| world.waiting() == 0 && world.is_level();
        if !self.run_until(bound, settled) {
            let lines: Vec<_> = self.ids().iter().map(|id| self.describe(*id)).collect();
            panic!(
                "after {bound:?} without faults {} requests still wait\n{}",
                self.waiting(),
                lines.join("\n")
            );
        }
    }

    /// Every request at a replica that is up, but for one, is executed there within `bound`.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn must_settle_but_for(&mut self, bound: Duration, except: ReplicaId) {
        let done = self.run_until(bound, |world| {
            let but_for = world.is_up(except).then(|| world.waiting_at(except));
            world.waiting() == but_for.unwrap_or(0)
        });
        assert!(
            done,
            "requests still wait after {bound:?} without {except:?}"
        );
    }

    /// Whether no replica that is up is more than two rotations behind another. (With rotating
    /// leaders the chain moves on while we look.)
    fn is_level(&self) -> bool {
        let up = self.ids().into_iter().filter(|id| self.is_up(*id));
        let heights: Vec<_> = up.map(|id| self.executed(id).0).collect();
        let highest = heights.iter().max().copied().unwrap_or(0);
        let lowest = heights.iter().min().copied().unwrap_or(0);
        highest - lowest <= 2 * self.nodes.len() as u64
    }
}

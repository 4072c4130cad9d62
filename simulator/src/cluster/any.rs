//! Worlds of any engine and scheme behind one interface.

use crate::{
    Behaviour, Counts, Engine, EngineKind, Factory, Options, SchemeKind, TraceSink, Visitor, World,
    dispatch,
};
use quorate_core::{Height, Refusal, ReplicaId, RequestId, RequestRef, Time};
use quorate_replica::RequestStatus;
use std::fmt::Debug;

/// A world, whatever its engine and scheme are.
pub(super) trait AnyWorld: Debug {
    fn now(&self) -> Time;
    fn ids(&self) -> Vec<ReplicaId>;
    fn counts(&self) -> Counts;
    fn hash(&self) -> u64;
    fn is_up(&self, id: ReplicaId) -> bool;
    fn is_correct(&self, id: ReplicaId) -> bool;
    fn executed(&self, id: ReplicaId) -> Height;
    fn describe(&self, id: ReplicaId) -> String;
    fn violation(&self) -> Option<crate::oracle::Violation>;
    fn corrupt(&mut self, id: ReplicaId, behaviours: &[Behaviour]);
    fn start(&mut self, id: ReplicaId);
    fn crash(&mut self, id: ReplicaId);
    fn cut(&mut self, group: &[ReplicaId]);
    fn cut_link(&mut self, from: ReplicaId, to: ReplicaId);
    fn heal(&mut self);
    fn set_loss(&mut self, loss: u32, duplication: u32);
    fn set_trace(&mut self, sink: TraceSink);
    /// The next event happens, if there is one by `end`; else it becomes `end`, and the answer is
    /// `false`.
    fn step_until(&mut self, end: Time) -> bool;
    /// Gives a replica that is up a request, if its application accepts it.
    fn submit(&mut self, at: ReplicaId, body: Vec<u8>) -> Result<RequestId, Refusal>;
    /// What a replica that is up has answered to a request. The inner one is none if it has
    /// executed the request and no longer has the reply.
    fn reply(&self, at: ReplicaId, request: RequestId) -> Option<Option<Vec<u8>>>;
    /// Whether every request at these replicas has been executed where it was submitted, or is
    /// lost with its replica.
    fn all_answered(&self, at: &[ReplicaId]) -> bool;
}

impl<P: Engine> AnyWorld for World<P> {
    fn now(&self) -> Time {
        self.now()
    }

    fn ids(&self) -> Vec<ReplicaId> {
        self.ids()
    }

    fn counts(&self) -> Counts {
        self.counts()
    }

    fn hash(&self) -> u64 {
        self.hash()
    }

    fn is_up(&self, id: ReplicaId) -> bool {
        self.is_up(id)
    }

    fn is_correct(&self, id: ReplicaId) -> bool {
        self.is_correct(id)
    }

    fn executed(&self, id: ReplicaId) -> Height {
        self.executed(id)
    }

    fn describe(&self, id: ReplicaId) -> String {
        self.describe(id)
    }

    fn violation(&self) -> Option<crate::oracle::Violation> {
        self.violation().cloned()
    }

    fn corrupt(&mut self, id: ReplicaId, behaviours: &[Behaviour]) {
        self.corrupt(id, behaviours);
    }

    fn start(&mut self, id: ReplicaId) {
        self.start(id);
    }

    fn crash(&mut self, id: ReplicaId) {
        self.crash(id);
    }

    fn cut(&mut self, group: &[ReplicaId]) {
        self.cut(group);
    }

    fn cut_link(&mut self, from: ReplicaId, to: ReplicaId) {
        self.cut_link(from, to);
    }

    fn heal(&mut self) {
        self.heal();
    }

    fn set_loss(&mut self, loss: u32, duplication: u32) {
        self.network.set_loss(loss, duplication);
    }

    fn set_trace(&mut self, sink: TraceSink) {
        self.set_trace(sink);
    }

    fn step_until(&mut self, end: Time) -> bool {
        let due = self.queue.next().is_some_and(|at| at <= end);
        if due {
            self.step();
        } else {
            self.now = end;
        }
        due
    }

    fn submit(&mut self, at: ReplicaId, body: Vec<u8>) -> Result<RequestId, Refusal> {
        let running = self.nodes[at.index()].running.as_ref();
        let rule = &running.expect("the caller knows that it is up").rule;
        let id = self.next_request();
        rule.check_request(RequestRef { id, body: &body })?;
        self.submit_body(at, body);
        match self.refused.take() {
            Some((refused, why)) if refused == id => Err(Refusal(why)),
            _ => Ok(id),
        }
    }

    fn reply(&self, at: ReplicaId, request: RequestId) -> Option<Option<Vec<u8>>> {
        let running = self.nodes[at.index()].running.as_ref()?;
        match running.executor.replies().status(request) {
            RequestStatus::Executed(reply) => Some(reply.map(|reply| reply.to_vec())),
            _ => None,
        }
    }

    fn all_answered(&self, at: &[ReplicaId]) -> bool {
        let mut up = at.iter().filter(|id| self.is_up(**id));
        up.all(|id| self.waiting_at(*id) == 0)
    }
}

/// A world of an engine and a scheme, whose replicas are down.
pub(super) fn world(
    engine: EngineKind,
    scheme: SchemeKind,
    options: Options,
    application: Factory,
) -> Box<dyn AnyWorld> {
    struct Make(Options, Factory);
    impl Visitor for Make {
        type Output = Box<dyn AnyWorld>;
        fn visit<P: Engine>(self) -> Self::Output {
            Box::new(World::<P>::with_application(self.0, self.1))
        }
    }
    dispatch(engine, scheme, Make(options, application))
}

//! What is counted in a run, and what its clients wait for.

use crate::DiskCounts;
use quorate_core::{ReplicaId, Request, RequestId, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What has happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events handled by all drivers.
    pub events: u64,
    /// Ticks among them.
    pub ticks: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Heights decided (by somebody).
    pub decided: u64,
    /// Views given up, summed over the replicas.
    pub timed_out: u64,
    /// Restarts.
    pub restarts: u64,
    /// What adversaries did that the protocol does not say.
    pub acts: u64,
    /// Requests executed where they were submitted.
    pub requests: u64,
    /// Requests that their replica refused.
    pub refused: u64,
    /// What became of what the disks were given.
    pub disk: DiskCounts,
    /// Requests that were decided again, and skipped, summed over the replicas.
    pub repeated: u64,
}

/// How long requests took from submission to execution at their replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The longest.
    pub max: Duration,
    /// All together.
    pub total: Duration,
    /// Of how many.
    pub count: u32,
}

impl Latency {
    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        self.total / self.count.max(1)
    }
}

/// A request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) request: Request,
    pub(crate) at: ReplicaId,
    pub(crate) when: Time,
    /// Executed where it was submitted.
    pub(crate) done: bool,
}

/// What is counted, and what the clients know: never lost.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) counts: Counts,
    pub(crate) latency: Latency,
    submissions: BTreeMap<RequestId, Submission>,
    /// Those that are not done, by replica.
    waiting: BTreeMap<ReplicaId, BTreeSet<RequestId>>,
}

impl Checks {
    /// A client asks for something new.
    pub(crate) fn submitted(&mut self, submission: Submission) {
        let (id, at) = (submission.request.id, submission.at);
        self.waiting.entry(at).or_default().insert(id);
        self.submissions.insert(id, submission);
    }

    /// How many requests wait at a replica.
    pub(crate) fn waiting_at(&self, at: ReplicaId) -> usize {
        self.waiting.get(&at).map_or(0, BTreeSet::len)
    }

    /// Whether a request waits at a replica that is older than this one.
    pub(crate) fn waits_older(&self, at: ReplicaId, than: RequestId) -> bool {
        self.oldest_at(at).is_some_and(|oldest| oldest < than)
    }

    /// The oldest request that waits at a replica.
    pub(crate) fn oldest_at(&self, at: ReplicaId) -> Option<RequestId> {
        self.waiting.get(&at)?.first().copied()
    }

    /// The requests that wait at a replica that has restarted, but for those that it turns out to
    /// have executed.
    pub(crate) fn ask_again(
        &mut self,
        now: Time,
        at: ReplicaId,
        fresh: impl Fn(RequestId) -> bool,
    ) -> Vec<Request> {
        let waiting = self.waiting.entry(at).or_default();
        let submissions = &mut self.submissions;
        waiting.retain(|id| {
            let fresh = fresh(*id);
            let submission = submissions.get_mut(id).expect("what waits was submitted");
            submission.when = now;
            submission.done = !fresh;
            fresh
        });
        let requests = waiting.iter().map(|id| submissions[id].request.clone());
        requests.collect()
    }

    /// A replica has refused a request, and told its client.
    pub(crate) fn refused(&mut self, at: ReplicaId, id: RequestId) {
        if let Some(waiting) = self.waiting.get_mut(&at)
            && waiting.remove(&id)
            && let Some(submission) = self.submissions.get_mut(&id)
        {
            submission.done = true;
            self.counts.refused += 1;
        }
    }

    /// A replica executed a request.
    pub(crate) fn request_done(&mut self, now: Time, by: ReplicaId, id: RequestId) {
        let Some(submission) = self.submissions.get_mut(&id) else {
            return;
        };
        if submission.at == by && !submission.done {
            self.waiting.entry(by).or_default().remove(&id);
            submission.done = true;
            let took = now.since(submission.when);
            self.counts.requests += 1;
            self.latency.max = self.latency.max.max(took);
            self.latency.total += took;
            self.latency.count += 1;
        }
    }
}

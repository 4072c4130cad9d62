//! What a seed's schedule does to a world.

use crate::fact::Fact;
use crate::oracle::{Oracles, Violation};
use crate::partition::Partition;
use crate::trace::Happening;
use crate::{Engine, NetworkCounts, World};
use quorate_core::{ClientId, ReplicaId, RequestId, Time};
use std::time::Duration;

impl<P: Engine> World<P> {
    /// Lets time pass up to a moment.
    ///
    /// # Errors
    ///
    /// With the first thing that an oracle objects to; nothing happens after it.
    pub fn try_run_to(&mut self, end: Time) -> Result<(), Violation> {
        while self.queue.next().is_some_and(|at| at <= end) {
            self.step();
            self.verdict()?;
        }
        self.now = self.now.max(end);
        Ok(())
    }

    /// What the oracles say so far.
    ///
    /// # Errors
    ///
    /// With the first thing that one of them has objected to.
    pub fn verdict(&self) -> Result<(), Violation> {
        self.violation.clone().map_or(Ok(()), Err)
    }

    /// A replica may lose its disks: whatever it does is not judged. Before it starts.
    pub fn distrust(&mut self, id: ReplicaId) {
        self.trial.adversaries.insert(id);
        self.oracles = Oracles::new(&self.trial);
    }

    /// From now on nothing is lost, and no disk fails.
    pub fn calm(&mut self) {
        self.network.calm();
        self.troubled = false;
    }

    /// From now on the network and the disks do what the options say.
    pub fn trouble(&mut self) {
        self.network.trouble();
        self.troubled = true;
    }

    /// A partition begins; [`Self::heal`] ends it.
    pub(crate) fn part(&mut self, partition: Partition) {
        self.trace_all(|| Happening::links(format!("{partition:?}")));
        self.network.part(partition);
    }

    /// What the network has done so far.
    #[must_use]
    pub const fn network_counts(&self) -> NetworkCounts {
        self.network.counts()
    }

    /// The faults are over; these replicas are up and connected, and must decide.
    pub fn healed(&mut self, replicas: &[ReplicaId], within: Duration) {
        self.trace_all(|| Happening::links(format!("all faults end; {replicas:?} must decide")));
        self.tell(&Fact::Healed {
            replicas: replicas.to_vec(),
            within,
        });
    }

    /// The run is over.
    pub fn ended(&mut self) {
        self.tell(&Fact::Ended);
    }

    /// Whether a replica's log or store takes nothing any more.
    #[must_use]
    pub fn storage_failed(&self, id: ReplicaId) -> bool {
        let node = &self.nodes[id.index()];
        node.log.has_failed() || node.store.has_failed()
    }

    /// The name of the request that is submitted next.
    pub(crate) const fn next_request(&self) -> RequestId {
        RequestId {
            client: ClientId(self.requests as u128 + 1),
            sequence: 1,
        }
    }

    /// Whether an older request than this waits at a replica.
    pub(crate) fn waits_older(&self, at: ReplicaId, than: RequestId) -> bool {
        self.checks.waits_older(at, than)
    }
}

//! What a test asks a cluster.

use super::{Cluster, outputs};
use crate::testing::Mock;
use crate::{
    Decision, Digest, Domain, Evidence, Fault, Height, Kind, Note, Protocol, ReplicaId, Status,
    Time, ValidatorSet, Verified,
};
use std::fmt::Write;
use std::sync::Arc;

impl<P: Protocol<Scheme = Mock>> Cluster<P> {
    /// The virtual time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Highest height that the replica has decided.
    #[must_use]
    pub fn decided(&self, id: ReplicaId) -> Height {
        self.nodes[id.index()].committed
    }

    /// Highest height that each replica has decided.
    #[must_use]
    pub fn heights(&self) -> Vec<Height> {
        self.nodes.iter().map(|node| node.committed).collect()
    }

    /// A replica's decision.
    #[must_use]
    pub fn decision(&self, id: ReplicaId, height: Height) -> Option<&Decision<P>> {
        self.nodes[id.index()].ledger.get(&height)
    }

    /// Where a replica's engine stands, in times of its own clock; `None` while it is down.
    #[must_use]
    pub fn status(&self, id: ReplicaId) -> Option<Status> {
        self.engine(id).map(P::status)
    }

    /// A replica's engine; `None` while it is down.
    #[must_use]
    pub fn engine(&self, id: ReplicaId) -> Option<&P> {
        self.nodes[id.index()].engine.as_ref()
    }

    /// Who blamed whom for what, in order.
    #[must_use]
    pub fn blames(&self) -> &[(ReplicaId, ReplicaId, Fault)] {
        &self.blames
    }

    /// The evidence found, all of it checked.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence<P>] {
        &self.evidence
    }

    /// What engines noted, in order.
    #[must_use]
    pub fn notes(&self) -> &[(ReplicaId, Note)] {
        &self.notes
    }

    /// How many messages of a kind were sent, one for each recipient other than the sender.
    #[must_use]
    pub fn sent(&self, kind: Kind) -> u64 {
        self.sent.get(&kind).copied().unwrap_or(0)
    }

    /// The validators.
    #[must_use]
    pub const fn validators(&self) -> &Arc<ValidatorSet> {
        &self.validators
    }

    /// The scheme. It can sign as anybody: [`Mock::sign`].
    #[must_use]
    pub const fn scheme(&self) -> &Mock {
        &self.scheme
    }

    /// The domain of everything signed here.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Signs a body as `by`, so that a test can put it into another body. To send it, see
    /// [`Cluster::say`].
    #[must_use]
    pub fn sign(&self, by: ReplicaId, body: P::Body) -> Verified<P> {
        outputs::block_on(Verified::sign(&self.domain, &self.scheme.signer(by), body))
            .expect("the mock signer never fails")
    }

    /// Digest of everything that has been delivered, in order: equal for equal runs.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest(*self.fingerprint.finalize().as_bytes())
    }

    /// Where everyone stands, for people.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!("seed {} at {:?}:", self.options.seed, self.now);
        for (id, node) in self.ids().into_iter().zip(&self.nodes) {
            let _ = write!(text, "\n  {id:?} decided {:?}", node.committed);
            let _ = match self.status(id) {
                None => write!(text, ", down"),
                Some(status) => write!(
                    text,
                    ", at {:?} led by {:?}, {} messages for later, {}",
                    status.place,
                    status.leader,
                    node.later.len(),
                    status.waiting_for
                ),
            };
            for (set, word) in [(&self.silent, "silent"), (&self.faulty, "faulty")] {
                if set.contains(&id) {
                    let _ = write!(text, ", {word}");
                }
            }
        }
        text
    }
}

//! Phases: nothing is committed before it is prepared.

use super::ledger::ByDigest;
use super::{Ledger, Oracle, Tally, Trial};
use crate::fact::{Block, Fact, Said};
use quorate_core::{Digest, Height, Kind, ReplicaId, Time, View};
use std::collections::BTreeSet;

/// The phases of a protocol come in order, judged by the signatures that have really been made:
///
/// * a correct replica commits (precommits) a value only after a quorum has prepared (prevoted) it
///   at the same height and in the same view, and a decision needs a quorum of commits for it at
///   its height in one view (PBFT, OSDI '99, section 4.2; Tendermint, arXiv 1807.04938, L36, L49);
/// * a block is decided only if it, or a descendant, heads a chain of certified blocks in
///   consecutive views (HotStuff, arXiv 1803.05069, algorithm 3; two of them in Jolteon, arXiv
///   2106.10362, "Commit").
#[derive(Debug)]
pub(crate) struct Phases {
    order: super::Phases,
    /// The blocks with a quorum of votes.
    certified: ByDigest<Digest, ()>,
    /// The blocks that are decided by certified ones.
    committed: ByDigest<Digest, ()>,
    /// Heights and payloads for which a decision is in order.
    decidable: BTreeSet<(Height, Digest)>,
}

impl Phases {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            order: trial.phases,
            certified: ByDigest::default(),
            committed: ByDigest::default(),
            decidable: BTreeSet::new(),
        }
    }

    fn signed(&mut self, by: ReplicaId, said: &Said, ledger: &Ledger) -> Result<(), String> {
        use super::Phases::{Chained, Locked, Voted};
        match self.order {
            Voted { earlier, later } | Locked { earlier, later } => {
                let judged = said.kind == later && said.digest != Digest::ZERO;
                if !judged || !ledger.is_correct(by) {
                    return Ok(());
                }
                let prepared = Said {
                    kind: earlier,
                    ..*said
                };
                let tally = ledger.said(&prepared);
                if tally.is_none_or(|tally| !ledger.has_quorum(tally)) {
                    let power = tally.map_or(0, Tally::power);
                    return Err(format!(
                        "{by:?} commits {said:?}, for which only power {power} has prepared"
                    ));
                }
            }
            Chained { vote, length, .. } => {
                let tally = ledger.said(said).filter(|_| said.kind == vote);
                if let Some(tally) = tally.filter(|tally| ledger.has_quorum(tally)) {
                    self.certify(tally.about(), length, ledger);
                }
            }
        }
        Ok(())
    }

    /// A block has a quorum of votes. Its ancestors have theirs already: a child names its parent
    /// by a certificate.
    fn certify(&mut self, id: Digest, length: u64, ledger: &Ledger) {
        if self.certified.insert(id, ()).is_some() {
            return;
        }
        let Some(mut block) = ledger.block(&id) else {
            return;
        };
        for _ in 1..length {
            let certified = self.certified.contains_key(&block.parent);
            let parent = ledger.block(&block.parent).filter(|_| certified);
            let Some(parent) = parent.filter(|it| it.view.checked_add(1) == Some(block.view))
            else {
                return;
            };
            block = parent;
        }
        self.commit(block, ledger);
    }

    /// A block is decided, and all its ancestors with it.
    fn commit(&mut self, block: &Block, ledger: &Ledger) {
        let mut next = Some(block);
        while let Some(block) = next {
            if self.committed.insert(block.id, ()).is_some() {
                return;
            }
            self.decidable.insert((block.height, block.payload));
            next = ledger.block(&block.parent);
        }
    }

    /// Whether a quorum has committed the payload, in one view of the height.
    fn has_quorum(ledger: &Ledger, later: Kind, height: Height, payload: Digest) -> bool {
        let mut views = ledger.views(later, height, View::ZERO..View(u64::MAX));
        views.any(|(_, tally)| tally.digest() == payload && ledger.has_quorum(tally))
    }

    fn is_decidable(&mut self, height: Height, payload: Digest, ledger: &Ledger) -> bool {
        use super::Phases::{Chained, Locked, Voted};
        if self.decidable.contains(&(height, payload)) {
            return true;
        }
        match self.order {
            Voted { later, .. } | Locked { later, .. } => {
                let decidable = Self::has_quorum(ledger, later, height, payload);
                if decidable {
                    self.decidable.insert((height, payload));
                }
                decidable
            }
            Chained { .. } => false,
        }
    }
}

impl Oracle for Phases {
    fn name(&self) -> &'static str {
        "phases"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Signed { by, said, .. } => self.signed(*by, said, ledger),
            Fact::Decided {
                by,
                height,
                payload,
                ..
            } if !self.is_decidable(*height, *payload, ledger) => Err(format!(
                "{by:?} decides {payload:?} at {height:?}, which nothing commits"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

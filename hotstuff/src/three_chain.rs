//! The three-chain rule.

use crate::rule::{consecutive, parent_of};
use crate::{Ballot, CommitRule, Commits, Header, Lock};
use quorate_core::Digest;

/// Three certified blocks in consecutive views decide the lowest.
///
/// Chained HotStuff (PODC'19, arXiv 1803.05069, algorithm 3). The paper fills skipped views
/// with dummy blocks, so that its parent links imply consecutive views; here views are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreeChain;

impl CommitRule for ThreeChain {
    const NAME: &'static str = "hotstuff-three-chain";
    const ENGINE: u8 = 3;

    /// `safeNode` of the paper (algorithm 1): the block extends
    /// the lock (safety), or its certificate is above the lock (liveness).
    fn may_vote(ballot: &Ballot) -> bool {
        ballot.extends_lock || ballot.justify > ballot.lock
    }

    /// The parent of the certified block: the lower end of a chain of two. Over a gap of views too,
    /// as in the paper's event-driven form (algorithm 4, `update`).
    fn lock(certified: &Header, _id: Digest) -> Lock {
        Lock {
            view: certified.parent_view,
            height: certified.height.previous(),
            block: certified.parent,
        }
    }

    /// The decide phase on b: views v, v + 1 and v + 2. The block that carries the
    /// certificate for the third may come in any later view.
    fn commits(block: &Header, parent: &Header) -> Option<Commits> {
        let three = consecutive(block.parent_view, block.view)
            && consecutive(parent.parent_view, parent.view);
        three.then(|| parent_of(parent)).flatten()
    }
}

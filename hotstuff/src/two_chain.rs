//! The two-chain rule.

use crate::rule::{consecutive, parent_of};
use crate::{Ballot, CommitRule, Commits, Header, Lock};
use quorate_core::Digest;

/// Two certified blocks in consecutive views decide the lower one.
///
/// The rule of Jolteon (arXiv 2106.10362) and DiemBFT v4; HotStuff-2 (ePrint 2023/397)
/// commits the same way. It is safe because a replica that gives up a view says its highest
/// certificate, and the next leader must show that its own is at least as high as a quorum's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TwoChain;

impl CommitRule for TwoChain {
    const NAME: &'static str = "hotstuff-two-chain";
    const ENGINE: u8 = 2;

    /// Jolteon, "Vote": `r = qc.r + 1`, or `r = tc.r + 1` and `qc.r` is no lower
    /// than the highest certificate in the timeouts.
    fn may_vote(ballot: &Ballot) -> bool {
        let after_certificate = consecutive(ballot.justify, ballot.view);
        let after_timeout = ballot.timeout.is_some_and(|(given_up, highest)| {
            consecutive(given_up, ballot.view) && ballot.justify >= highest
        });
        after_certificate || after_timeout
    }

    /// The certified block itself (`one_chain_round` of DiemBFT's safety rules). The lock binds
    /// not votes but timeouts: none is signed with a lower certificate.
    fn lock(certified: &Header, id: Digest) -> Lock {
        Lock {
            view: certified.view,
            height: certified.height,
            block: id,
        }
    }

    /// Jolteon, "Commit": certified blocks in views v and v + 1 decide the first.
    fn commits(block: &Header, _parent: &Header) -> Option<Commits> {
        consecutive(block.parent_view, block.view)
            .then(|| parent_of(block))
            .flatten()
    }
}

//! Bugs planted on purpose, by the feature `planted-bugs` and the field `planted` of the options:
//! the simulator's oracles must catch each of them, or they would not catch the next real one.
//!
//! A rule that a bug breaks has one line for it, which asks here. Without the feature no replica
//! has a bug, which the compiler knows, so that nothing of it is left.

use crate::{CommitRule, Commits, Header, HotStuff};
use quorate_core::{Digest, Scheme};

/// A known bug, under either rule. Every replica that is to have it is configured with it.
#[cfg_attr(
    not(feature = "planted-bugs"),
    expect(unreachable_pub, reason = "public with the feature only")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlantedBug {
    /// A replica votes whatever certificate a proposal stands on: neither the rule is asked
    /// (`safeNode`, arXiv 1803.05069, algorithm 1; "Vote" of Jolteon, arXiv 2106.10362), nor
    /// whether the leader used the highest certificate that the timeouts it shows speak of.
    ///
    /// Oracle: lock (two-chain: a vote for a block whose certificate is below the highest in the
    /// certificate of timeouts that it came with; three-chain: a vote for a block that does not
    /// extend the lock, with a certificate no higher than the lock), and then agreement. Needs a
    /// liar that leads a view which began with timeouts, and proposes on an old certificate: one
    /// below the highest that it has heard of under two-chain, two below under three-chain. Correct
    /// leaders hardly ever show it, whatever else fails.
    VotesAgainstLock,
    /// A replica votes for every proposal of a view, not for the first only (algorithm 4 of arXiv
    /// 1803.05069: `vheight`; Jolteon: `r > r_vote`). It still accuses the leader.
    ///
    /// Oracle: contradiction (two votes in one view), and certificate uniqueness. Needs a leader
    /// that sends two proposals to the same replica.
    VotesForEachProposal,
    /// A restarted replica remembers its lock, its certificates and the views it has given up, but
    /// not in which view it last voted and proposed.
    ///
    /// Oracle: contradiction (two proposals, and two votes, in one view). Shows when a leader
    /// crashes between its proposal and the end of its view: back, it proposes there again.
    /// Others need an equivocating leader besides.
    RestartForgetsVote,
    /// A certificate decides the parent (two-chain) or the grandparent (three-chain) of its block,
    /// whether or not their views are consecutive.
    ///
    /// Oracle: phase order (a decision, or a vote that says what a certificate would decide,
    /// without certified blocks in consecutive views). Shows as soon as a view fails: any silent,
    /// crashed or slow leader. Agreement is broken only by rare schedules, with a liar that
    /// proposes on old certificates.
    CommitsAcrossGaps,
}

#[cfg(feature = "planted-bugs")]
impl PlantedBug {
    /// Every bug.
    pub const ALL: &[Self] = &[
        Self::VotesAgainstLock,
        Self::VotesForEachProposal,
        Self::RestartForgetsVote,
        Self::CommitsAcrossGaps,
    ];

    /// Name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VotesAgainstLock => "votes-against-lock",
            Self::VotesForEachProposal => "votes-for-each-proposal",
            Self::RestartForgetsVote => "restart-forgets-vote",
            Self::CommitsAcrossGaps => "commits-across-gaps",
        }
    }
}

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Whether this replica has a bug.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn plants(&self, bug: PlantedBug) -> bool {
        self.config().planted == Some(bug)
    }

    /// Whether this replica has a bug: none has, in this build.
    #[cfg(not(feature = "planted-bugs"))]
    #[inline]
    pub(crate) const fn plants(&self, _: PlantedBug) -> bool {
        false
    }

    /// Whether [`PlantedBug::VotesForEachProposal`] has the replica vote for a block, having voted
    /// for another one in this view.
    #[inline]
    pub(crate) fn planted_second_vote(&self, id: &Digest) -> bool {
        let view = self.pacemaker.view;
        let votes_on = self.plants(PlantedBug::VotesForEachProposal);
        votes_on
            && !self.safety.has_timed_out(view)
            && self
                .last_vote
                .as_ref()
                .is_some_and(|last| last.vote.view == view && last.vote.block != *id)
    }

    /// Forgets under [`PlantedBug::RestartForgetsVote`] what the records said of votes.
    #[inline]
    pub(crate) fn planted_amnesia(&mut self) {
        if self.plants(PlantedBug::RestartForgetsVote) {
            self.safety.forget_votes();
        }
    }

    /// What [`PlantedBug::CommitsAcrossGaps`] has a certificate for `block` decide: what the rule
    /// says if each view followed on the one below.
    #[inline]
    pub(crate) fn planted_commits(&self, block: &Header, parent: &Header) -> Option<Commits> {
        let gapless = |header: &Header| Header {
            parent_view: header.view.previous(),
            ..*header
        };
        let blind = self.plants(PlantedBug::CommitsAcrossGaps);
        blind
            .then(|| R::commits(&gapless(block), &gapless(parent)))
            .flatten()
    }
}

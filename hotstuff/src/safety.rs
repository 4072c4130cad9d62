//! What a replica has promised, in numbers: the whole of what keeps it from contradicting itself.

use crate::{Lock, Vote};
use quorate_core::{Digest, Height, View};

/// Monotone: nothing here ever goes back.
#[derive(Clone, Debug)]
pub(crate) struct Safety {
    /// Highest view voted in.
    voted: View,
    /// Highest view given up.
    timed_out: View,
    /// Highest view proposed in.
    proposed: View,
    lock: Lock,
}

impl Safety {
    /// A replica that has promised nothing. It is locked on the genesis.
    pub(crate) const fn new(genesis: Digest) -> Self {
        Self {
            voted: View::ZERO,
            timed_out: View::ZERO,
            proposed: View::ZERO,
            lock: Lock {
                view: View::ZERO,
                height: Height::GENESIS,
                block: genesis,
            },
        }
    }

    /// For [`crate::planted::PlantedBug::RestartForgetsVote`].
    pub(crate) fn forget_votes(&mut self) {
        (self.voted, self.proposed) = (View::ZERO, View::ZERO);
    }

    /// Whether nothing promised forbids a vote in `view`.
    pub(crate) fn vote_is_free(&self, view: View) -> bool {
        view > self.voted && view > self.timed_out
    }

    /// Whether nothing promised forbids a proposal in `view`.
    pub(crate) fn proposal_is_free(&self, view: View) -> bool {
        view > self.proposed && self.vote_is_free(view)
    }

    /// Whether `view` has been given up, or a later one.
    pub(crate) fn has_timed_out(&self, view: View) -> bool {
        view <= self.timed_out
    }

    pub(crate) fn voted(&mut self, vote: &Vote) {
        self.voted = self.voted.max(vote.view);
    }

    pub(crate) fn timed_out(&mut self, view: View) {
        self.timed_out = self.timed_out.max(view);
    }

    pub(crate) fn proposed(&mut self, view: View) {
        self.proposed = self.proposed.max(view);
    }

    /// The lock is a maximum, never an assignment: certificates come in any order.
    pub(crate) fn raise_lock(&mut self, lock: Lock) {
        if lock.view > self.lock.view {
            self.lock = lock;
        }
    }

    pub(crate) const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The highest view in which anything was promised.
    pub(crate) fn highest(&self) -> View {
        self.voted.max(self.timed_out).max(self.proposed)
    }
}

#[cfg(test)]
mod tests;

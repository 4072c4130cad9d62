//! What the engine holds of what its peers send.

use crate::{CommitRule, HotStuff};
use quorate_core::{Holding, Scheme, View};

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// How much it holds of what peers can fill.
    ///
    /// With n replicas: as many undecided blocks as [`crate::Config::undecided`], or one for each
    /// view since [`Self::decided_view`] if those are more, for then all of them are certified and must
    /// be kept; 256 blocks whose parents are unknown; 32
    /// decided ones; votes of n replicas in 67 views, and timeouts in 65; first proposals of 10
    /// views.
    #[must_use]
    pub fn holdings(&self) -> [Holding; 6] {
        [
            Holding::of("undecided blocks", self.tree.len()),
            Holding::of("blocks without a parent", self.tree.orphans()),
            Holding::of("decided blocks", self.tree.recent()),
            Holding::of("votes", self.tally.len()),
            Holding::of("timeouts", self.timeouts.len()),
            Holding::of("first proposals", self.proposals.len()),
        ]
    }

    /// View of the last decided block: every undecided block is of a later one.
    #[must_use]
    pub const fn decided_view(&self) -> View {
        self.tree.view()
    }
}

//! Bugs planted on purpose, by the feature `planted-bugs` and the field `planted` of the options:
//! the simulator's oracles must catch each of them, or they would not catch the next real one.
//!
//! A rule that a bug breaks has one line for it, which asks here. Without the feature no replica
//! has a bug, which the compiler knows, so that nothing of it is left.

use crate::engine::Pbft;
use crate::new_view::NewViewPlan;
use crate::record::Record;
use quorate_core::{Scheme, Seq};

/// A known bug. Every replica that is to have it is configured with it.
#[cfg_attr(
    not(feature = "planted-bugs"),
    expect(unreachable_pub, reason = "public with the feature only")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlantedBug {
    /// A replica is *prepared*, and commits, with F + 1 power of prepares instead of a quorum
    /// (OSDI '99, section 4.2: 2f prepares that match the pre-prepare).
    ///
    /// Oracle: phase order (a commit is signed before a quorum of prepares is). Shows without
    /// faults, where one replica is faster than the rest; more with a slow or silent replica. An
    /// equivocating primary makes replicas commit different payloads in one slot and view.
    PreparesOnWeakQuorum,
    /// A replica decides with F + 1 power of commits instead of a quorum (section 4.2,
    /// *committed-local*).
    ///
    /// Oracle: certificate support (the decision's proof has less than a quorum). Shows without
    /// faults. With a partition and a view change, agreement.
    DecidesOnWeakQuorum,
    /// A new view proposes nothing again: its primary and its backups alike forget the prepared
    /// certificates in the view changes (section 4.4: the set O follows from the sets P).
    ///
    /// Oracle: agreement (at one height, quorums commit different payloads in different views,
    /// which signatures show even where nobody has decided by the first). Needs a view change
    /// after a quorum has committed: the primary crashes or is cut off under load, and the new one
    /// has not decided what others have.
    NewViewForgetsPrepared,
    /// A restarted replica remembers its views, but not what it has prepared and committed in
    /// them (section 4.2: it accepts no second pre-prepare for a view and sequence number).
    ///
    /// Oracle: contradiction (two prepares in one slot and view). Shows when a primary crashes
    /// with a proposal under way and is back within its view: it proposes there again. Backups
    /// need an equivocating primary besides. What it has committed is missing from its view
    /// changes, hence agreement after several restarts.
    RestartForgetsVotes,
}

#[cfg(feature = "planted-bugs")]
impl PlantedBug {
    /// Every bug.
    pub const ALL: &[Self] = &[
        Self::PreparesOnWeakQuorum,
        Self::DecidesOnWeakQuorum,
        Self::NewViewForgetsPrepared,
        Self::RestartForgetsVotes,
    ];

    /// Name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreparesOnWeakQuorum => "prepares-on-weak-quorum",
            Self::DecidesOnWeakQuorum => "decides-on-weak-quorum",
            Self::NewViewForgetsPrepared => "new-view-forgets-prepared",
            Self::RestartForgetsVotes => "restart-forgets-votes",
        }
    }
}

impl<S: Scheme> Pbft<S> {
    /// Whether this replica has a bug.
    #[cfg(feature = "planted-bugs")]
    fn plants(&self, bug: PlantedBug) -> bool {
        self.setup.config.planted == Some(bug)
    }

    /// Whether this replica has a bug: none has, in this build.
    #[cfg(not(feature = "planted-bugs"))]
    #[inline]
    const fn plants(&self, _: PlantedBug) -> bool {
        false
    }

    /// The power that a rule waits for: a quorum, or under a bug F + 1.
    #[inline]
    pub(crate) fn planted_quorum(&self, quorum: u64, bug: PlantedBug) -> u64 {
        if self.plants(bug) {
            self.weak()
        } else {
            quorum
        }
    }

    /// What a new view proposes again: the plan, or under
    /// [`PlantedBug::NewViewForgetsPrepared`] nothing.
    #[inline]
    pub(crate) fn planted_plan(&self, mut plan: NewViewPlan) -> NewViewPlan {
        if self.plants(PlantedBug::NewViewForgetsPrepared) {
            plan.max_s = plan.min_s;
            plan.slots.clear();
        }
        plan
    }

    /// What a replica remembers of its records: all, or under [`PlantedBug::RestartForgetsVotes`]
    /// its views only.
    #[inline]
    pub(crate) fn planted_memory(
        &self,
        mut records: Vec<(Seq, Record<S>)>,
    ) -> Vec<(Seq, Record<S>)> {
        if self.plants(PlantedBug::RestartForgetsVotes) {
            let votes =
                |record: &_| matches!(record, Record::Accepted { .. } | Record::Prepared(_));
            records.retain(|(_, record)| !votes(record));
        }
        records
    }
}

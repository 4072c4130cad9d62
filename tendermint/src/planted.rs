//! Bugs planted on purpose, by the feature `planted-bugs` and the field `planted` of the options:
//! the simulator's oracles must catch each of them, or they would not catch the next real one.
//!
//! A rule that a bug breaks has one line for it, which asks here. Without the feature no replica
//! has a bug, which the compiler knows, so that nothing of it is left.

use crate::tally::Tally;
use crate::{Config, Record, Tendermint, Value};
use quorate_core::{Scheme, Seq};

/// A known bug. Every replica that is to have it is configured with it.
///
/// Lines are those of arXiv 1807.04938, Algorithm 1.
#[cfg_attr(
    not(feature = "planted-bugs"),
    expect(unreachable_pub, reason = "public with the feature only")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlantedBug {
    /// A replica prevotes what is proposed whatever it is locked on (lines 23 and 29: only without
    /// a lock, on the locked value, or with a polka no older than the lock).
    ///
    /// Oracle: lock (a prevote for a value other than the one precommitted last, without a newer
    /// polka for it), and then agreement. Needs a height with a second round after some replica
    /// has precommitted (lost or withheld precommits, a partition, a crash), and then a proposer
    /// that lies: with a new value, or with one whose polka is old. Correct ones hardly ever show
    /// it, because polkas travel.
    PrevotesAgainstLock,
    /// A replica takes F + 1 power of prevotes for a polka, locks, and precommits (line 36: 2f + 1
    /// prevotes).
    ///
    /// Oracle: phase order (a precommit is signed before a quorum of prevotes is); in rounds above
    /// 0 certificate support, because the polka is shown. Shows without faults, where one replica
    /// is faster than the rest; more with a slow or silent replica. An equivocating proposer makes
    /// replicas lock different values in one round.
    PrecommitsOnWeakPolka,
    /// A restarted replica remembers nothing of the heights above its last stored decision:
    /// neither what it proposed and voted, nor its lock.
    ///
    /// Oracle: contradiction (two prevotes, proposals or precommits in one round), and lock. Shows
    /// with crashes alone: back in round 0, it prevotes nil there if nobody repeats the proposal,
    /// and as its proposer makes another.
    RestartForgetsVotes,
    /// A restarted replica remembers what it voted and in which round, but not the polka that it
    /// locked.
    ///
    /// Oracle: lock (as with [`Self::PrevotesAgainstLock`]). Needs a crash after a precommit whose
    /// round then fails, and a liar that proposes another value in a later round.
    RestartForgetsLock,
}

#[cfg(feature = "planted-bugs")]
impl PlantedBug {
    /// Every bug.
    pub const ALL: &[Self] = &[
        Self::PrevotesAgainstLock,
        Self::PrecommitsOnWeakPolka,
        Self::RestartForgetsVotes,
        Self::RestartForgetsLock,
    ];

    /// Name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrevotesAgainstLock => "prevotes-against-lock",
            Self::PrecommitsOnWeakPolka => "precommits-on-weak-polka",
            Self::RestartForgetsVotes => "restart-forgets-votes",
            Self::RestartForgetsLock => "restart-forgets-lock",
        }
    }
}

impl Config {
    /// Whether this replica has a bug.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn plants(&self, bug: PlantedBug) -> bool {
        self.planted == Some(bug)
    }

    /// Whether this replica has a bug: none has, in this build.
    #[cfg(not(feature = "planted-bugs"))]
    #[inline]
    pub(crate) const fn plants(&self, _: PlantedBug) -> bool {
        false
    }

    /// What a restarted replica remembers of its records: all, unless a bug has it forget.
    #[inline]
    pub(crate) fn planted_memory<S: Scheme>(
        &self,
        mut records: Vec<(Seq, Record<S>)>,
    ) -> Vec<(Seq, Record<S>)> {
        if self.plants(PlantedBug::RestartForgetsVotes) {
            records.clear();
        }
        if self.plants(PlantedBug::RestartForgetsLock) {
            records.retain(|(_, record)| !matches!(record, Record::Valid { .. }));
            for (_, record) in &mut records {
                if let Record::Precommitted { polka, .. } = record {
                    *polka = None;
                }
            }
        }
        records
    }
}

impl<S: Scheme> Tendermint<S> {
    /// The value that [`PlantedBug::PrecommitsOnWeakPolka`] takes for one with a polka.
    #[inline]
    pub(crate) fn planted_polka(&self, prevotes: &Tally<S>) -> Option<Value> {
        let hasty = self.setup.config.plants(PlantedBug::PrecommitsOnWeakPolka);
        let weak = self.setup.validators.quorum().weak();
        hasty.then(|| prevotes.leading(weak)).flatten()
    }
}

//! Bugs planted on purpose, by the feature `planted-bugs` and the field `planted` of the options:
//! the simulator's oracles must catch each of them, or they would not catch the next real one.
//!
//! A rule that a bug breaks has one line for it, which asks here. Without the feature no driver
//! has a bug, which the compiler knows, so that nothing of it is left.

use super::{Driver, SignTicket};
use crate::DriverConfig;
use quorate_core::Protocol;

/// A known bug. Every driver that is to have it is configured with it, whatever its engine.
#[cfg_attr(
    not(feature = "planted-bugs"),
    expect(unreachable_pub, reason = "public with the feature only")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlantedBug {
    /// The gate lets a promise leave, and the replica's own copy of it return, as soon as it is
    /// signed: before the record that forbids its contradiction is durable (law 2 of
    /// ARCHITECTURE.md, *promise before speech*).
    ///
    /// Oracle: durability (a binding message leaves before its record is on disk). Shows with
    /// every message whose sync takes longer than its signature, without faults. A crash between
    /// the two loses the record: contradiction.
    VoteBeforeSync,
}

#[cfg(feature = "planted-bugs")]
impl PlantedBug {
    /// Every bug.
    pub const ALL: &[Self] = &[Self::VoteBeforeSync];

    /// Name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VoteBeforeSync => "vote-before-sync",
        }
    }
}

impl DriverConfig {
    /// Whether this driver has a bug.
    #[cfg(feature = "planted-bugs")]
    fn plants(&self, bug: PlantedBug) -> bool {
        self.planted == Some(bug)
    }

    /// Whether this driver has a bug: none has, in this build.
    #[cfg(not(feature = "planted-bugs"))]
    #[inline]
    const fn plants(&self, _: PlantedBug) -> bool {
        false
    }
}

impl<P: Protocol> Driver<P> {
    /// Has a message that the gate holds leave early under [`PlantedBug::VoteBeforeSync`].
    #[inline]
    pub(super) fn planted_haste(&mut self, ticket: SignTicket) {
        if self.config.plants(PlantedBug::VoteBeforeSync) {
            self.gate.waive(ticket);
        }
    }
}

#[cfg(all(test, feature = "planted-bugs"))]
mod tests;

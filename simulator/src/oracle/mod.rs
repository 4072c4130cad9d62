//! Judges of a run that share no code with the engines.
//!
//! Each oracle has a file, a memory of its own, and histories of facts on which it must fire and
//! must not. None calls an engine, or quorum arithmetic of `quorate-core`.

use crate::fact::Fact;
use quorate_core::{Kind, ReplicaId, Time};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// What the oracles know of a run from its beginning.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Voting power of each replica.
    pub powers: Vec<u64>,
    /// The replicas that may do anything; an amnesic one is among them.
    pub adversaries: BTreeSet<ReplicaId>,
    /// The protocol's order of phases.
    pub phases: Phases,
}

impl Trial {
    /// Whether a replica must follow the protocol.
    #[must_use]
    pub fn is_correct(&self, id: ReplicaId) -> bool {
        !self.adversaries.contains(&id)
    }
}

/// In which order a protocol's phases come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phases {
    /// A vote of the later kind needs a quorum of the earlier one, at the same height and view
    /// and for the same value; a decision a quorum of the later one. (PBFT, Tendermint)
    Voted {
        /// Prepare, or prevote.
        earlier: Kind,
        /// Commit, or precommit.
        later: Kind,
    },
    /// A decided block has descendants of so many consecutive views, with a quorum of votes
    /// each, itself included. (HotStuff: two or three)
    Chained {
        /// The kind of a vote.
        vote: Kind,
        /// How many.
        length: u64,
    },
}

/// An oracle has seen what must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which oracle.
    pub oracle: &'static str,
    /// When.
    pub at: Time,
    /// What.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.since(Time::ZERO).as_secs_f64();
        write!(f, "{} at {at:.6} s: {}", self.oracle, self.message)
    }
}

impl std::error::Error for Violation {}

/// A judge of one property.
pub trait Oracle: Debug + Send {
    /// The property, in a word or two.
    fn name(&self) -> &'static str;

    /// Takes in what has happened.
    ///
    /// # Errors
    ///
    /// If it must not happen, with what is wrong.
    fn observe(&mut self, now: Time, fact: &Fact) -> Result<(), String>;
}

/// All oracles of a run.
#[derive(Debug)]
pub struct Oracles {
    all: Vec<Box<dyn Oracle>>,
}

impl Oracles {
    /// Every oracle.
    #[must_use]
    pub fn new(_trial: &Trial) -> Self {
        Self { all: Vec::new() }
    }

    /// Gives a fact to all.
    ///
    /// # Errors
    ///
    /// With what the first of them objects to.
    pub fn observe(&mut self, now: Time, fact: &Fact) -> Result<(), Violation> {
        for oracle in &mut self.all {
            oracle.observe(now, fact).map_err(|message| Violation {
                oracle: oracle.name(),
                at: now,
                message,
            })?;
        }
        Ok(())
    }
}

//! Judges of a run that share no code with the engines.
//!
//! Each oracle has a file, and histories of facts on which it must fire and must not. None calls
//! an engine, or quorum arithmetic of `quorate-core`: [`Table`] is their own, and [`Ledger`] their
//! common memory of who has signed what.
//!
//! Adversaries are never judged. What they sign counts where others' signatures are judged.

mod agreement;
mod bounds;
mod contradiction;
mod durability;
mod evidence;
mod ledger;
mod liveness;
mod lock;
mod monotone;
mod once;
mod phases;
mod quorum;
mod retention;
mod support;
mod surviving;
mod uniqueness;
mod validity;

#[cfg(test)]
mod history;

pub use ledger::{Ledger, Tally};
pub use quorum::Table;

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

/// In which order a protocol's phases come, and what its locks forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phases {
    /// A vote of the later kind needs a quorum of the earlier one, at the same height and view
    /// and for the same value; a decision a quorum of the later one. Views are of all heights
    /// together, and whatever a quorum has committed every later view prepares again. (PBFT)
    Voted {
        /// Prepare.
        earlier: Kind,
        /// Commit.
        later: Kind,
    },
    /// The same, but each height has views of its own (rounds), and whoever has cast a vote of
    /// the later kind is locked on its value. (Tendermint)
    Locked {
        /// Prevote.
        earlier: Kind,
        /// Precommit.
        later: Kind,
    },
    /// A decided block has descendants of so many consecutive views, with a quorum of votes
    /// each, itself included. (HotStuff: two or three)
    Chained {
        /// The kind of a vote.
        vote: Kind,
        /// The kind of a timeout, by which a replica gives up a view.
        timeout: Kind,
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

    /// Takes in what has happened; the ledger has done so already. Of what adversaries do, an
    /// oracle is told only what they sign.
    ///
    /// # Errors
    ///
    /// If it must not happen, with what is wrong.
    fn observe(&mut self, now: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String>;
}

/// All oracles of a run.
#[derive(Debug)]
pub struct Oracles {
    ledger: Ledger,
    all: Vec<Box<dyn Oracle>>,
}

impl Oracles {
    /// Every oracle.
    ///
    /// If the adversaries have more power than may be faulty, correct replicas may well disagree:
    /// then the oracles whose properties rest on quorums' intersections are left out.
    ///
    /// # Panics
    ///
    /// If nobody has any power.
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        let ledger = Ledger::new(trial);
        let mut all: Vec<Box<dyn Oracle>> = vec![
            Box::new(contradiction::Contradiction),
            Box::new(durability::Durability::new(trial)),
            Box::new(support::Support),
            Box::new(phases::Phases::new(trial)),
            Box::new(evidence::Evidence),
            Box::new(bounds::Bounds),
            Box::new(monotone::Monotone::new(trial)),
            Box::new(retention::Retention::new(trial)),
        ];
        let table = ledger.table();
        let adversaries = trial.adversaries.iter().map(|id| table.power(*id));
        if adversaries.sum::<u64>() <= table.faulty() {
            all.push(Box::new(agreement::Agreement::new(trial)));
            all.push(Box::new(validity::Validity::default()));
            all.push(Box::new(once::Once::new(trial)));
            all.push(Box::new(uniqueness::Uniqueness));
            all.push(lock::oracle(trial));
            all.push(Box::new(liveness::Liveness::new(trial)));
        }
        Self { ledger, all }
    }

    /// The names of all oracles that judge.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(|oracle| oracle.name()).collect()
    }

    /// Gives a fact to all.
    ///
    /// # Errors
    ///
    /// With what the first of them objects to.
    pub fn observe(&mut self, now: Time, fact: &Fact) -> Result<(), Violation> {
        self.ledger.observe(fact);
        let judged = fact.by().is_none_or(|by| self.ledger.is_correct(by));
        if !judged && !matches!(fact, Fact::Signed { .. }) {
            return Ok(());
        }
        for oracle in &mut self.all {
            let verdict = oracle.observe(now, fact, &self.ledger);
            verdict.map_err(|message| Violation {
                oracle: oracle.name(),
                at: now,
                message,
            })?;
        }
        Ok(())
    }
}

//! The Tendermint consensus engine of Quorate: a pure state machine.
//!
//! It follows Buchman, Kwon and Milosevic, *The latest gossip on BFT consensus*
//! (arXiv 1807.04938), Algorithm 1, with weighted validators. Each height is decided in rounds;
//! each round has a proposer, and two votes of every replica to all: prevote and precommit. A
//! replica that sees a quorum of prevotes for a value (a *polka*) locks it and precommits it; a
//! quorum of precommits decides. A replica prevotes against its lock only when it is shown a
//! newer polka.
//!
//! One function per rule, named by the paper's line, is in the `rules` and `timeouts` modules.
//! `docs/tendermint.md` has the table, and says where and why the engine goes beyond the paper.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!(
    "the feature `planted-bugs` compiles known safety bugs in, which no release build may have: \
     build with `--profile planted` (as fast, with debug assertions), or without the feature"
);

mod admission;
mod body;
#[cfg(test)]
mod bounds;
mod config;
mod engine;
mod holdings;
mod planted;
mod promises;
mod promising;
mod proof;
mod record;
mod recovery;
mod round;
mod rules;
mod tally;
mod timeouts;
mod values;
mod waiting;

pub use body::{
    Body, CERTIFICATE_KIND, Certificate, PRECOMMIT_KIND, PREVOTE_KIND, PROPOSAL_KIND, Phase, Polka,
    Proposal, Value, Vote,
};
pub use config::Config;
pub use engine::Tendermint;
#[cfg(feature = "planted-bugs")]
pub use planted::PlantedBug;
pub use proof::CommitProof;
pub use record::Record;

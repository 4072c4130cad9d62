//! The HotStuff engine of Quorate: linear in the common case, one vote a block and replica.
//!
//! [`HotStuff`] is a pure state machine that implements [`quorate_core::Protocol`]. Blocks form a
//! chain, one a view; the votes for a block go to the leader of the next view, which makes a
//! certificate of them and proposes upon it. When certificates of blocks in consecutive views
//! line up, the lowest is decided, under one of two rules:
//!
//! | | decided by | locks | votes if |
//! |---|---|---|---|
//! | [`TwoChain`] | 2 consecutive views | the certified block | the view follows the certificate, or timeouts show that no higher one was missed |
//! | [`ThreeChain`] | 3 consecutive views | its parent | the block extends the lock, or its certificate is above it |
//!
//! A view that fails ends with timeouts to everyone, and a certificate of them.
//! `docs/hotstuff.md` describes the protocol as it is here, and how it differs from the papers.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!(
    "the feature `planted-bugs` compiles known safety bugs in, which no release build may have: \
     build with `--profile planted` (as fast, with debug assertions), or without the feature"
);

mod block;
mod body;
mod certificate;
mod commit;
mod config;
mod engine;
mod fetch;
mod holdings;
mod pacemaker;
mod planted;
mod proof;
mod propose;
mod record;
mod recover;
mod rule;
mod safety;
mod tally;
mod three_chain;
mod timeout;
mod tree;
mod triage;
mod two_chain;
mod vote;

pub use block::{Block, FullBlock, Header};
pub use body::{Advance, BlockRequest, Blocks, Body, Proposal};
pub use certificate::{Certificate, Commits, VOTE, Vote};
pub use config::Config;
pub use engine::HotStuff;
#[cfg(feature = "planted-bugs")]
pub use planted::PlantedBug;
pub use proof::Proof;
pub use record::{Proposed, Record, TimedOut, Voted};
pub use rule::{Ballot, CommitRule, Lock};
pub use three_chain::ThreeChain;
pub use timeout::{SignedVote, TIMEOUT, Timeout, TimeoutCertificate, TimeoutGroup};
pub use two_chain::TwoChain;

//! What is known of one round.

use crate::tally::Tally;
use crate::{Phase, Tendermint};
use quorate_core::{Digest, Scheme, Verified, View};

/// Where a replica stands in its round: the paper's step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Has not prevoted.
    Propose,
    /// Has prevoted, and not precommitted.
    Prevote,
    /// Has precommitted.
    Precommit,
}

/// The proposal of a round: the first that came.
#[derive(Debug)]
pub(crate) struct Proposed<S: Scheme> {
    /// As it was signed, to convict its proposer if there is a second.
    pub(crate) message: Verified<Tendermint<S>>,
    /// Digest of its payload.
    pub(crate) digest: Digest,
    /// Round of its polka: the paper's validRound, `None` for −1.
    pub(crate) valid_round: Option<View>,
}

/// Which rules that fire once in a round have fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fired {
    /// L34: the prevote timer was set.
    pub(crate) prevote_timer: bool,
    /// L36: the round's polka was acted on.
    pub(crate) polka: bool,
    /// L47: the precommit timer was set.
    pub(crate) precommit_timer: bool,
}

/// What is known of one round. Bounded: one proposal and a digest, two votes of each validator, a
/// certificate of each phase.
#[derive(Debug)]
pub(crate) struct Round<S: Scheme> {
    pub(crate) proposal: Option<Proposed<S>>,
    /// Digest of the payload that an equivocating proposer sent second. Others may have voted
    /// for it. A third is not kept.
    pub(crate) second: Option<Digest>,
    pub(crate) prevotes: Tally<S>,
    pub(crate) precommits: Tally<S>,
    pub(crate) fired: Fired,
}

impl<S: Scheme> Default for Round<S> {
    fn default() -> Self {
        Self {
            proposal: None,
            second: None,
            prevotes: Tally::default(),
            precommits: Tally::default(),
            fired: Fired::default(),
        }
    }
}

impl<S: Scheme> Round<S> {
    /// The votes of a phase.
    pub(crate) const fn tally(&self, phase: Phase) -> &Tally<S> {
        match phase {
            Phase::Prevote => &self.prevotes,
            Phase::Precommit => &self.precommits,
        }
    }

    /// The votes of a phase, to add one.
    pub(crate) const fn tally_mut(&mut self, phase: Phase) -> &mut Tally<S> {
        match phase {
            Phase::Prevote => &mut self.prevotes,
            Phase::Precommit => &mut self.precommits,
        }
    }

    /// How many votes are held, of both phases together.
    pub(crate) fn votes(&self) -> usize {
        self.prevotes.len() + self.precommits.len()
    }

    /// Whether a payload was proposed here.
    pub(crate) fn proposes(&self, digest: &Digest) -> bool {
        let first = self.proposal.as_ref().map(|proposed| &proposed.digest);
        first == Some(digest) || self.second.as_ref() == Some(digest)
    }
}

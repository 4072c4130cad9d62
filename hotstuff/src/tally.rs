//! Votes received, counted by power.

use crate::{Certificate, SignedVote, Vote};
use quorate_core::{QuorumCertificate, ReplicaId, Scheme, SignerSet, View};
use std::collections::BTreeMap;

/// What became of a vote.
#[derive(Debug)]
pub(crate) enum Counted<S: Scheme> {
    /// It counts.
    New,
    /// It was there already.
    Duplicate,
    /// The voter has voted for something else in this view: this is that vote. It stands.
    Conflict(SignedVote<S>),
}

/// Votes of one view: at most one for each replica, the first that came.
#[derive(Debug)]
struct ViewVotes<S: Scheme> {
    votes: BTreeMap<ReplicaId, (Vote, S::Signature)>,
    /// Power behind each vote. No more entries than voters.
    power: BTreeMap<Vote, u64>,
}

/// Votes by view, for views above the highest certificate and around the current one: no more
/// than the engine's window.
///
/// [`quorate_core::VoteSet`] does not fit, because it takes messages, and some votes come inside
/// timeouts.
#[derive(Debug)]
pub(crate) struct Tally<S: Scheme>(BTreeMap<View, ViewVotes<S>>);

impl<S: Scheme> Default for Tally<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S: Scheme> Tally<S> {
    pub(crate) fn add(&mut self, scheme: &S, signed: SignedVote<S>) -> Counted<S> {
        let SignedVote {
            by,
            vote,
            signature,
        } = signed;
        let view = self.0.entry(vote.view).or_insert_with(|| ViewVotes {
            votes: BTreeMap::new(),
            power: BTreeMap::new(),
        });
        if let Some((first, signature)) = view.votes.get(&by) {
            if *first == vote {
                return Counted::Duplicate;
            }
            return Counted::Conflict(SignedVote {
                by,
                vote: *first,
                signature: signature.clone(),
            });
        }
        view.votes.insert(by, (vote, signature));
        // Sums of powers of distinct validators fit, because the set's total does.
        *view.power.entry(vote).or_default() += scheme.validators().power(by);
        Counted::New
    }

    /// The certificate of what a quorum has voted in `view`.
    pub(crate) fn certificate(&self, scheme: &S, view: View) -> Option<Certificate<S>> {
        let quorum = scheme.validators().quorum().quorum();
        let votes = self.0.get(&view)?;
        let (vote, _) = votes.power.iter().find(|(_, power)| **power >= quorum)?;
        let voters = || votes.votes.iter().filter(|(_, (own, _))| own == vote);
        let mut signers = SignerSet::empty(scheme.validators().len());
        voters().for_each(|(by, _)| {
            signers.insert(*by);
        });
        let aggregate = scheme.aggregate(voters().map(|(by, (_, signature))| (*by, signature)));
        Some(Certificate {
            vote: *vote,
            proof: Some(QuorumCertificate { signers, aggregate }),
        })
    }

    /// How many votes there are, in all views together.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(|view| view.votes.len()).sum()
    }

    /// Forgets the views below `view`.
    pub(crate) fn keep_from(&mut self, view: View) {
        self.0 = self.0.split_off(&view);
    }
}

#[cfg(test)]
mod tests;

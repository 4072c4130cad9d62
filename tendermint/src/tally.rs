//! The votes of one phase of one round.

use crate::{Tendermint, Value};
use quorate_core::{
    Added, QuorumCertificate, ReplicaId, Scheme, SignerSet, ValidatorSet, Verified, VoteSet,
};

/// The votes of one phase of one round, and a certificate for one value if one came.
///
/// Holds at most one vote of each validator, the first, and at most one certificate. Certificates
/// count as they are, whatever single votes of their signers are held here.
#[derive(Debug)]
pub(crate) struct Tally<S: Scheme> {
    votes: VoteSet<Tendermint<S>>,
    certified: Option<(Value, QuorumCertificate<S>)>,
}

impl<S: Scheme> Default for Tally<S> {
    fn default() -> Self {
        Self {
            votes: VoteSet::default(),
            certified: None,
        }
    }
}

impl<S: Scheme> Tally<S> {
    /// Counts a vote of this phase and round.
    pub(crate) fn add(
        &mut self,
        validators: &ValidatorSet,
        vote: Verified<Tendermint<S>>,
    ) -> Added<Tendermint<S>> {
        self.votes.add(validators, vote)
    }

    /// Takes in a checked certificate for a value. Of two, which needs more faulty power than is
    /// assumed, the first stands.
    pub(crate) fn certify(&mut self, value: Value, certificate: QuorumCertificate<S>) {
        self.certified.get_or_insert((value, certificate));
    }

    /// What the vote of `by` held here is for.
    pub(crate) fn vote_of(&self, by: ReplicaId) -> Option<Value> {
        let vote = self.votes.get(by)?;
        Some(Value::of(vote.signed().signing().digest))
    }

    /// The value, perhaps nil, that a quorum voted for.
    pub(crate) fn decided(&self, validators: &ValidatorSet) -> Option<Value> {
        if let Some((value, _)) = &self.certified {
            return Some(*value);
        }
        if self.votes.total() < validators.quorum().quorum() {
            return None;
        }
        self.leading(validators.quorum().quorum())
    }

    /// The value, perhaps nil, with the most power behind it, if that is at least `power`.
    pub(crate) fn leading(&self, power: u64) -> Option<Value> {
        let (digest, behind) = self.votes.leading()?;
        (behind >= power).then_some(Value::of(digest))
    }

    /// How many votes are held here: no more than validators.
    pub(crate) fn len(&self) -> usize {
        self.votes.len()
    }

    /// Power of the votes held here, whatever they are for.
    pub(crate) const fn total(&self) -> u64 {
        self.votes.total()
    }

    /// Whether a quorum voted, for whatever.
    pub(crate) fn is_quorate(&self, validators: &ValidatorSet) -> bool {
        self.certified.is_some() || self.votes.total() >= validators.quorum().quorum()
    }

    /// The certificate for a value that a quorum voted for.
    pub(crate) fn certificate(&self, scheme: &S, value: Value) -> QuorumCertificate<S> {
        match &self.certified {
            Some((certified, certificate)) if *certified == value => certificate.clone(),
            _ => self.votes.certificate(scheme, value.digest()),
        }
    }

    /// Who is known to have voted for a value.
    pub(crate) fn supporters(&self, validators: &ValidatorSet, value: Value) -> SignerSet {
        if let Some((certified, certificate)) = &self.certified
            && *certified == value
        {
            return certificate.signers;
        }
        let mut signers = SignerSet::empty(validators.len());
        for vote in self.votes.iter() {
            if vote.signed().signing().digest == *value.digest() {
                signers.insert(vote.by());
            }
        }
        signers
    }
}

//! Votes for one slot, counted by power.

use crate::{
    Digest, Evidence, Protocol, QuorumCertificate, ReplicaId, Scheme, SignerSet, ValidatorSet,
    Verified,
};
use std::collections::BTreeMap;
use std::fmt;

/// What became of a vote.
#[derive(Debug)]
pub enum Added<P: Protocol> {
    /// It counts. The power behind its digest is now this.
    Counted(u64),
    /// The same vote was there already.
    Duplicate,
    /// Its sender has voted for another digest in this slot. The first vote stands.
    Conflict(Box<Evidence<P>>),
}

/// The votes of one slot: at most one for each replica, the first that came.
pub struct VoteSet<P: Protocol> {
    votes: BTreeMap<ReplicaId, Verified<P>>,
    /// Power behind each digest. No more digests than voters.
    power: BTreeMap<Digest, u64>,
    total: u64,
}

impl<P: Protocol> Default for VoteSet<P> {
    fn default() -> Self {
        Self {
            votes: BTreeMap::new(),
            power: BTreeMap::new(),
            total: 0,
        }
    }
}

impl<P: Protocol> fmt::Debug for VoteSet<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.power).finish()
    }
}

impl<P: Protocol> VoteSet<P> {
    /// Counts a vote. Its digest is that of [`crate::Body::signing`].
    ///
    /// The caller has checked that the vote is for this set's slot; a sender that is no validator
    /// counts nothing.
    pub fn add(&mut self, validators: &ValidatorSet, vote: Verified<P>) -> Added<P> {
        let digest = vote.signed().signing().digest;
        let power = validators.power(vote.by());
        if let Some(first) = self.votes.get(&vote.by()) {
            if first.signed().signing().digest == digest {
                return Added::Duplicate;
            }
            let (first, second) = (first.signed().clone(), vote.into_signed());
            return Added::Conflict(Box::new(Evidence { first, second }));
        }
        self.votes.insert(vote.by(), vote);
        // Sums of powers of distinct validators fit, because the set's total does.
        self.total += power;
        let behind = self.power.entry(digest).or_default();
        *behind += power;
        Added::Counted(*behind)
    }

    /// Power of the votes for `digest`.
    #[must_use]
    pub fn power(&self, digest: &Digest) -> u64 {
        self.power.get(digest).copied().unwrap_or(0)
    }

    /// Power of all votes, whatever they are for.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many votes there are, whatever they are for: no more than validators.
    #[must_use]
    pub fn len(&self) -> usize {
        self.votes.len()
    }

    /// Whether nobody has voted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.votes.is_empty()
    }

    /// The digest with the most power behind it, and that power.
    #[must_use]
    pub fn leading(&self) -> Option<(Digest, u64)> {
        self.power
            .iter()
            .max_by_key(|(_, power)| **power)
            .map(|(digest, power)| (*digest, *power))
    }

    /// The vote of a replica.
    #[must_use]
    pub fn get(&self, by: ReplicaId) -> Option<&Verified<P>> {
        self.votes.get(&by)
    }

    /// The votes, by ascending voter.
    pub fn iter(&self) -> impl Iterator<Item = &Verified<P>> {
        self.votes.values()
    }

    /// Combines the votes for `digest` into a certificate.
    ///
    /// Whether they are enough is for the caller to know, from [`Self::power`].
    #[must_use]
    pub fn certificate(&self, scheme: &P::Scheme, digest: &Digest) -> QuorumCertificate<P::Scheme> {
        let voters = || {
            self.votes
                .values()
                .filter(|vote| vote.signed().signing().digest == *digest)
        };
        let mut signers = SignerSet::empty(scheme.validators().len());
        voters().for_each(|vote| {
            signers.insert(vote.by());
        });
        let aggregate = scheme.aggregate(voters().map(|vote| (vote.by(), vote.signature())));
        QuorumCertificate { signers, aggregate }
    }
}

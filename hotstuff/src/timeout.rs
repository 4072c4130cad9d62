//! Timeouts, and the certificates that a quorum of them makes.

use crate::{Certificate, Vote};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Claims, Digest, Domain, Fault, Height, KeyRole, Kind, Place, QuorumCertificate, ReplicaId,
    Scheme, SignerSet, Signing, Slot, Threshold, ValidatorSet, View,
};
use std::collections::BTreeMap;

/// Kind of a timeout.
pub const TIMEOUT: Kind = 3;

/// A vote with its signature, inside another message.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedVote<S: Scheme> {
    /// Who voted.
    pub by: ReplicaId,
    /// For what.
    pub vote: Vote,
    /// Signature of `by`, with the voting key.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub signature: S::Signature,
}

impl<S: Scheme> SignedVote<S> {
    fn claim<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        let signing = self.vote.signing();
        claims.push(signing.claim(domain, self.by, &self.signature));
    }
}

/// A replica gives up a view: it will not vote in it any more.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Timeout<S: Scheme> {
    /// The view given up.
    pub view: View,
    /// The sender's highest certificate. Its view is signed; the certificate proves itself.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub high_qc: Certificate<S>,
    /// The sender's own vote of this view or of the one before. The leader it was sent to may
    /// have swallowed it: whoever collects the timeouts makes the certificate instead.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub vote: Option<SignedVote<S>>,
}

/// What the sender of a timeout signs. Equal for equal views, so that timeouts aggregate.
pub(crate) fn signing(view: View, high_qc: View) -> Signing {
    Signing {
        slot: Slot {
            kind: TIMEOUT,
            place: Place::new(Height::GENESIS, view),
        },
        digest: Digest::builder("quorate 2026 hotstuff timeout v1")
            .number(high_qc.0)
            .finish(),
        key: KeyRole::Voting,
        // A timeout lost and made again after a restart may name a higher certificate.
        exclusive: false,
    }
}

impl<S: Scheme> Timeout<S> {
    /// Whether a correct `sender` could say this.
    ///
    /// # Errors
    ///
    /// With what is wrong with it.
    pub fn check(&self, sender: ReplicaId, genesis: &Digest) -> Result<(), Fault> {
        self.high_qc.check(genesis)?;
        let own = |carried: &SignedVote<S>| {
            carried.by == sender
                && carried.vote.view > View::ZERO
                && carried.vote.view <= self.view
                && carried.vote.view.next() >= self.view
        };
        // A certificate of the view given up ends it without a timeout.
        if self.high_qc.view() < self.view && self.vote.as_ref().is_none_or(own) {
            Ok(())
        } else {
            Err(Fault::Inconsistent)
        }
    }

    pub(crate) fn claim<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        self.high_qc.claim(domain, claims);
        if let Some(vote) = &self.vote {
            vote.claim(domain, claims);
        }
    }
}

/// The replicas that gave up a view with certificates of equal views.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct TimeoutGroup<S: Scheme> {
    /// View of their highest certificates.
    pub high_qc: View,
    /// Who they are, and the proof. Alone it may be less than a quorum.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

/// A quorum has given up a view: a timeout certificate (TC).
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct TimeoutCertificate<S: Scheme> {
    /// The view given up.
    pub view: View,
    /// The signers, by the views of their highest certificates, ascending.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub groups: Vec<TimeoutGroup<S>>,
}

impl<S: Scheme> TimeoutCertificate<S> {
    /// View of the highest certificate that any of the signers had.
    #[must_use]
    pub fn highest(&self) -> View {
        self.groups.last().map_or(View::ZERO, |group| group.high_qc)
    }

    /// Whether its structure is right: ascending groups below its view, no signer twice, and a
    /// quorum of power together. That the signatures hold is claimed group by group.
    ///
    /// # Errors
    ///
    /// [`Fault::BadCertificate`] if it is not.
    pub fn check(&self, validators: &ValidatorSet) -> Result<(), Fault> {
        let mut all = SignerSet::empty(validators.len());
        let mut below = None;
        for group in &self.groups {
            let signers = &group.certificate.signers;
            let ascends = below.is_none_or(|below| group.high_qc > below);
            let fits = signers.replicas() == validators.len() && !signers.is_empty();
            if !ascends || !fits || !signers.iter().all(|id| all.insert(id)) {
                return Err(Fault::BadCertificate);
            }
            below = Some(group.high_qc);
        }
        if self.highest() < self.view && validators.reaches(&all, Threshold::Quorum) {
            Ok(())
        } else {
            Err(Fault::BadCertificate)
        }
    }

    pub(crate) fn claim<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        for group in &self.groups {
            let statement = signing(self.view, group.high_qc).statement(domain);
            claims.push(group.certificate.claim_with(Threshold::Any, statement));
        }
    }
}

/// Timeouts received, for the views from the current one on. One for each replica and view, and
/// no more views than the engine's window.
#[derive(Debug)]
pub(crate) struct Timeouts<S: Scheme>(BTreeMap<View, BTreeMap<ReplicaId, (View, S::Signature)>>);

impl<S: Scheme> Default for Timeouts<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S: Scheme> Timeouts<S> {
    /// Keeps a timeout. The first of a replica stands.
    pub(crate) fn add(
        &mut self,
        by: ReplicaId,
        view: View,
        high_qc: View,
        signature: &S::Signature,
    ) {
        self.0
            .entry(view)
            .or_default()
            .entry(by)
            .or_insert_with(|| (high_qc, signature.clone()));
    }

    /// Whether a timeout of this replica and view is there.
    pub(crate) fn has(&self, by: ReplicaId, view: View) -> bool {
        self.0.get(&view).is_some_and(|from| from.contains_key(&by))
    }

    /// How many timeouts there are, in all views together.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Forgets the views below `view`.
    pub(crate) fn prune(&mut self, view: View) {
        self.0 = self.0.split_off(&view);
    }

    /// The highest view that replicas with the power of `threshold` have reached and given up, if
    /// there is one: at least one correct replica among them has been there.
    pub(crate) fn reached(&self, validators: &ValidatorSet, threshold: Threshold) -> Option<View> {
        let mut signers = SignerSet::empty(validators.len());
        for (view, from) in self.0.iter().rev() {
            for by in from.keys() {
                signers.insert(*by);
            }
            if validators.reaches(&signers, threshold) {
                return Some(*view);
            }
        }
        None
    }

    /// The certificate that `view` is given up, if a quorum has.
    pub(crate) fn certificate(&self, scheme: &S, view: View) -> Option<TimeoutCertificate<S>> {
        let from = self.0.get(&view)?;
        let validators = scheme.validators();
        let power: u64 = from.keys().map(|by| validators.power(*by)).sum();
        if power < validators.quorum().quorum() {
            return None;
        }
        let mut views: Vec<View> = from.values().map(|(high_qc, _)| *high_qc).collect();
        views.sort_unstable();
        views.dedup();
        let group = |high_qc: View| {
            let members = || from.iter().filter(move |(_, (own, _))| *own == high_qc);
            let mut signers = SignerSet::empty(validators.len());
            members().for_each(|(by, _)| {
                signers.insert(*by);
            });
            let aggregate =
                scheme.aggregate(members().map(|(by, (_, signature))| (*by, signature)));
            TimeoutGroup {
                high_qc,
                certificate: QuorumCertificate { signers, aggregate },
            }
        };
        let groups = views.into_iter().map(group).collect();
        Some(TimeoutCertificate { view, groups })
    }
}

#[cfg(test)]
mod tests;

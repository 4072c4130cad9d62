//! A cluster's worth of keys, and claims made with them.

#![allow(dead_code, reason = "each test program uses a part")]

use quorate_core::{
    Claim, Claims, Digest, KeyRole, QuorumCertificate, ReplicaId, Scheme, SignerSet, Statement,
    Threshold, ValidatorSet,
};
use quorate_crypto::{KeyedScheme, LocalSigner, ReplicaKeys};
use std::sync::Arc;

pub(crate) fn keys(seed: u8) -> Arc<ReplicaKeys> {
    Arc::new(ReplicaKeys::from_seed(&[seed; 32]))
}

/// Validators with these powers, and their signers in order.
pub(crate) struct Cluster<S: KeyedScheme> {
    pub(crate) scheme: S,
    pub(crate) signers: Vec<LocalSigner<S>>,
}

impl<S: KeyedScheme> Cluster<S> {
    pub(crate) fn new(powers: &[u64]) -> Self {
        let keys: Vec<_> = (0..powers.len()).map(|index| keys(index as u8)).collect();
        let members = keys.iter().zip(powers);
        let validators = members.map(|(keys, power)| S::validator(keys, *power));
        let validators = ValidatorSet::new(validators.collect()).unwrap();
        let scheme = S::open(Arc::new(validators)).unwrap();
        let signers = keys
            .into_iter()
            .map(|keys| scheme.signer(keys).unwrap())
            .collect();
        Self { scheme, signers }
    }

    pub(crate) fn vote(&self, by: usize, statement: Statement) -> S::Signature {
        self.signers[by].sign_now(KeyRole::Voting, statement)
    }

    /// A certificate that says that `named` signed, made of the signatures of `signed`.
    pub(crate) fn certificate(
        &self,
        named: &[u16],
        signed: &[usize],
        statement: Statement,
    ) -> QuorumCertificate<S> {
        let votes: Vec<_> = signed.iter().map(|by| self.vote(*by, statement)).collect();
        let parts = signed
            .iter()
            .map(|by| ReplicaId(*by as u16))
            .zip(votes.iter());
        QuorumCertificate {
            signers: signers(self.signers.len(), named),
            aggregate: self.scheme.aggregate(parts),
        }
    }

    pub(crate) fn holds(&self, certificate: &QuorumCertificate<S>, statement: Statement) -> bool {
        holds(
            &self.scheme,
            certificate.claim_with(Threshold::Quorum, statement),
        )
    }

    /// Aggregate checks that `action` costs.
    pub(crate) fn aggregate_checks(&self, action: impl FnOnce()) -> u64 {
        let before = self.scheme.counters().aggregate_checks;
        action();
        self.scheme.counters().aggregate_checks - before
    }
}

pub(crate) fn statement(number: u8) -> Statement {
    Statement(Digest([number; 32]))
}

pub(crate) fn signers(replicas: usize, named: &[u16]) -> SignerSet {
    let mut set = SignerSet::empty(replicas);
    for id in named {
        set.insert(ReplicaId(*id));
    }
    set
}

pub(crate) fn claim<'a, S: Scheme>(claim: Claim<'a, S>) -> Claims<'a, S> {
    let mut claims = Claims::default();
    claims.push(claim);
    claims
}

/// A claim that `by` signed with its voting key.
pub(crate) fn voted<S: Scheme>(
    by: u16,
    statement: Statement,
    signature: &S::Signature,
) -> Claims<'_, S> {
    claim(Claim::Signed {
        by: ReplicaId(by),
        key: KeyRole::Voting,
        statement,
        signature,
    })
}

pub(crate) fn holds<S: Scheme>(scheme: &S, one: Claim<'_, S>) -> bool {
    scheme.verify(&[claim(one)]) == [true]
}

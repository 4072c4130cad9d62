//! Quorum certificates: who signed, and the proof.

use crate::{Claim, Scheme, SignerSet, Statement, Threshold};
use borsh::{BorshDeserialize, BorshSerialize};

/// Signatures of several replicas on one statement.
///
/// The statement is not part of it: an engine's certificate types carry the fields (view, digest,
/// ...) from which everyone computes it. Attributable, because the bitmap names the signers.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct QuorumCertificate<S: Scheme> {
    /// Who signed: a bitmap of exactly as many bits as there are validators.
    pub signers: SignerSet,
    /// Their signatures, combined.
    pub aggregate: S::Aggregate,
}

impl<S: Scheme> QuorumCertificate<S> {
    /// The claim that these signers, with a quorum of the power, signed `statement`.
    #[must_use]
    pub const fn claim(&self, statement: Statement) -> Claim<'_, S> {
        self.claim_with(Threshold::Quorum, statement)
    }

    /// The claim that these signers, with the power that `threshold` asks, signed `statement`.
    #[must_use]
    pub const fn claim_with(&self, threshold: Threshold, statement: Statement) -> Claim<'_, S> {
        Claim::Certified {
            by: &self.signers,
            threshold,
            statement,
            aggregate: &self.aggregate,
        }
    }
}

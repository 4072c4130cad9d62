//! What proves a decision.

use crate::{Phase, Value, Vote};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{Claims, Digest, Domain, Fault, Height, Proof, QuorumCertificate, Scheme, View};

/// A quorum of precommits for one value in one round.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct CommitProof<S: Scheme> {
    /// Round of the precommits.
    pub round: View,
    /// The precommits.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

impl<S: Scheme> Proof<S> for CommitProof<S> {
    fn claims<'a>(
        &'a self,
        domain: &Domain,
        height: Height,
        payload: &Digest,
        claims: &mut Claims<'a, S>,
    ) -> Result<(), Fault> {
        let value = Value::of(*payload);
        // Precommits for nil decide nothing, and nothing is decided at genesis.
        if value == Value::NIL || height == Height::GENESIS {
            return Err(Fault::BadCertificate);
        }
        let vote = Vote {
            height,
            round: self.round,
            value,
        };
        claims.push(
            self.certificate
                .claim(vote.statement(Phase::Precommit, domain)),
        );
        Ok(())
    }
}

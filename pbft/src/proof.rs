//! What proves a PBFT decision.

use crate::body::COMMIT;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Claims, Digest, Domain, Fault, Height, Place, Proof, QuorumCertificate, Scheme, Slot, View,
};

/// A quorum of commits in one view. Convinces anyone who knows the validators: what a quorum has
/// committed, a quorum has prepared, and every later view proposes it again (OSDI '99, section
/// 4.5.2, invariants A.1.4 and A.1.5 of the thesis).
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct CommitCertificate<S: Scheme> {
    /// The view in which they committed.
    pub view: View,
    /// Who, and the proof.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

impl<S: Scheme> Proof<S> for CommitCertificate<S> {
    fn claims<'a>(
        &'a self,
        domain: &Domain,
        height: Height,
        payload: &Digest,
        claims: &mut Claims<'a, S>,
    ) -> Result<(), Fault> {
        let slot = Slot {
            kind: COMMIT,
            place: Place::new(height, self.view),
        };
        let statement = domain.statement(slot, payload);
        claims.push(self.certificate.claim(statement));
        Ok(())
    }
}

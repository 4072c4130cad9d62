//! Checkpoints: what a quorum says the state is, after a height.

use crate::{
    Claim, Digest, Domain, Height, Kind, Place, QuorumCertificate, Scheme, Slot, Statement, View,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// Kind of a signed checkpoint. Shared by all engines: certificates of HotStuff and Tendermint
/// certify order, not results, so the replicas of every engine sign these.
pub const CHECKPOINT_KIND: Kind = crate::wire::FIRST_SERVICE_KIND;

/// What a replica signs every K heights: where it is, and what its state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct CheckpointClaim {
    /// The height just executed.
    pub height: Height,
    /// Digest of the payload decided there.
    pub payload: Digest,
    /// Digest of the application's state and of the reply table after it.
    pub state: Digest,
}

impl CheckpointClaim {
    /// The statement that is signed, with the voting key.
    #[must_use]
    pub fn statement(&self, domain: &Domain) -> Statement {
        let place = Place::new(self.height, View::ZERO);
        let content = Digest::builder("quorate 2026 checkpoint v1")
            .digest(&self.payload)
            .digest(&self.state)
            .finish();
        domain.statement(
            Slot {
                kind: CHECKPOINT_KIND,
                place,
            },
            &content,
        )
    }
}

/// A checkpoint that a quorum has signed: stable. What garbage collection waits for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Checkpoint<S: Scheme> {
    /// What they signed.
    pub claim: CheckpointClaim,
    /// Who, and the proof.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

impl<S: Scheme> Checkpoint<S> {
    /// The claim that a quorum signed it.
    #[must_use]
    pub fn certified(&self, domain: &Domain) -> Claim<'_, S> {
        self.certificate.claim(self.claim.statement(domain))
    }
}

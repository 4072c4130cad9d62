//! What can be wrong with a validator's keys.

use quorate_core::ReplicaId;

/// A validator has a key that the scheme refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validator {validator}: {fault}")]
pub struct KeyError {
    /// Whose key it is.
    pub validator: ReplicaId,
    /// What is wrong with it.
    pub fault: KeyFault,
}

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// The bytes are not the canonical encoding of a point of edwards25519.
    #[error("the identity key is not a canonical ed25519 public key")]
    IdentityEncoding,
    /// Under a key of small order, signatures on one statement hold for others.
    #[error("the identity key has small order: anyone could sign for it")]
    IdentitySmallOrder,
    /// The key has a component of small order, which no honest key generation yields.
    #[error("the identity key is not in the prime-order subgroup")]
    IdentityTorsion,
    /// The scheme needs a voting key and there is none.
    #[error("the voting key is missing: the bls scheme needs one, with its proof of possession")]
    VotingMissing,
    /// The scheme votes with the identity key, and there is a voting key that nobody would use.
    #[error("there is a voting key, but the ed25519 scheme votes with the identity key")]
    VotingUnexpected,
    /// The bytes are not the canonical compressed encoding of a point of the curve.
    #[error("the voting key is not a canonical compressed BLS12-381 G2 point of 96 bytes")]
    VotingEncoding,
    /// The identity of the group is the public key of nobody and everybody.
    #[error("the voting key is the point at infinity")]
    VotingInfinity,
    /// The point is on the curve but not in the group.
    #[error("the voting key is not in the prime-order subgroup")]
    VotingSubgroup,
    /// The proof does not show that the owner of this identity key has this voting key.
    #[error("the voting key's proof of possession does not hold for this key and identity")]
    VotingProof,
}

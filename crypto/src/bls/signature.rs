//! Signatures of the BLS scheme.

use super::curve;
use blst::min_sig;
use borsh::io::{Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::sync::OnceLock;

/// One replica's signature in the BLS scheme, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum BlsSignature {
    /// By the ed25519 identity key.
    Identity([u8; 64]),
    /// By the BLS voting key.
    Voting(VoteSignature),
}

/// A BLS signature: a compressed point of G1, unchecked.
///
/// The point is decoded once, when it is first needed, and kept: decoding costs a square root,
/// and what was decoded to be checked is added up later.
#[derive(Clone)]
pub struct VoteSignature {
    bytes: [u8; 48],
    point: OnceLock<Option<min_sig::Signature>>,
}

impl VoteSignature {
    /// The signature with this encoding, whatever it is worth.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 48]) -> Self {
        Self {
            bytes,
            point: OnceLock::new(),
        }
    }

    /// The encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 48] {
        &self.bytes
    }

    pub(super) fn of(point: min_sig::Signature) -> Self {
        Self {
            bytes: point.compress(),
            point: OnceLock::from(Some(point)),
        }
    }

    /// The point, if the bytes are the canonical encoding of one in the subgroup that is not
    /// infinity.
    pub(super) fn point(&self) -> Option<&min_sig::Signature> {
        self.point
            .get_or_init(|| curve::decode(&self.bytes))
            .as_ref()
    }
}

impl PartialEq for VoteSignature {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for VoteSignature {}

impl fmt::Debug for VoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BLS signature {:02x?}…", &self.bytes[..4])
    }
}

impl BorshSerialize for VoteSignature {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        writer.write_all(&self.bytes)
    }
}

impl BorshDeserialize for VoteSignature {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        Ok(Self::from_bytes(<[u8; 48]>::deserialize_reader(reader)?))
    }
}

/// The sum of several replicas' BLS signatures on one statement: a compressed point of G1,
/// unchecked.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlsAggregate(pub [u8; 48]);

impl fmt::Debug for BlsAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BLS aggregate {:02x?}…", &self.0[..4])
    }
}

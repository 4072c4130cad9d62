//! What replicas say to each other, before it is signed.

use crate::{
    Claim, Claims, Digest, Domain, KeyRole, Kind, Payload, Place, ReplicaId, Scheme, Slot,
    Statement,
};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt::Debug;

/// What exactly a body's sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// What kind of statement it is, and where it belongs.
    pub slot: Slot,
    /// What it says there: a digest of all its content that the signature must cover.
    pub digest: Digest,
    /// The key that signs it.
    pub key: KeyRole,
    /// Whether a correct replica signs at most one digest in this slot, so that two are evidence.
    pub exclusive: bool,
}

impl Signing {
    /// The statement in a domain.
    #[must_use]
    pub fn statement(&self, domain: &Domain) -> Statement {
        domain.statement(self.slot, &self.digest)
    }

    /// The claim that `by` signed it in a domain, with `signature`.
    #[must_use]
    pub fn claim<'a, S: Scheme>(
        &self,
        domain: &Domain,
        by: ReplicaId,
        signature: &'a S::Signature,
    ) -> Claim<'a, S> {
        Claim::Signed {
            by,
            key: self.key,
            statement: self.statement(domain),
            signature,
        }
    }
}

/// What a replica says to others, before it is signed.
///
/// The encoding is borsh. Decoding must bound what it allocates by the length of the input, which
/// borsh does for collections of bytes and of types that are not zero-sized.
pub trait Body<S: Scheme>:
    Clone + Debug + Send + Sync + BorshSerialize + BorshDeserialize + 'static
{
    /// Kind of the message, below 128: it selects counters and is part of the envelope.
    fn kind(&self) -> Kind;

    /// Name of a kind, for people: `prepare`, `vote`.
    fn kind_name(kind: Kind) -> &'static str;

    /// Whether a correct replica that says this must still know it after a restart.
    fn binds(&self) -> bool;

    /// Which height and view it is about.
    fn place(&self) -> Place;

    /// What the sender signs. Votes for one block share one statement, so they aggregate.
    fn signing(&self) -> Signing;

    /// Lists the certificates and signed bodies that this one carries.
    fn carried<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>);

    /// The payload that travels in this body. Such bodies use the transport's block channel.
    fn payload(&self) -> Option<&Payload> {
        None
    }
}

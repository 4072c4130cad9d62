//! Decisions.

use crate::{Claims, Domain, Fault, Height, Payload, Proof, Protocol, Scheme};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::sync::Arc;

/// A decided payload and the proof that it is decided. Cheap to clone.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Decision<P: Protocol> {
    /// Its place in the order.
    pub height: Height,
    /// What was decided.
    pub payload: Payload,
    /// Convinces anyone who knows the validators.
    #[borsh(
        serialize_with = "write_shared",
        deserialize_with = "read_shared",
        bound(serialize = "", deserialize = "")
    )]
    pub proof: Arc<P::Proof>,
}

fn write_shared<T: BorshSerialize, W: borsh::io::Write>(
    shared: &Arc<T>,
    writer: &mut W,
) -> borsh::io::Result<()> {
    T::serialize(shared, writer)
}

fn read_shared<T: BorshDeserialize, R: borsh::io::Read>(
    reader: &mut R,
) -> borsh::io::Result<Arc<T>> {
    T::deserialize_reader(reader).map(Arc::new)
}

impl<P: Protocol> Decision<P> {
    /// Whether the proof convinces, with the keys of the decision's epoch and nothing else.
    ///
    /// # Errors
    ///
    /// With what is wrong with the proof.
    pub fn verify(&self, domain: &Domain, scheme: &P::Scheme) -> Result<(), Fault> {
        let mut claims = Claims::default();
        self.proof
            .claims(domain, self.height, self.payload.digest(), &mut claims)?;
        // No claims would hold of anything.
        let claimed = !claims.is_empty();
        match scheme.verify(&[claims])[..] {
            [true] if claimed => Ok(()),
            _ => Err(Fault::BadCertificate),
        }
    }
}

impl<P: Protocol> Clone for Decision<P> {
    fn clone(&self) -> Self {
        Self {
            height: self.height,
            payload: self.payload.clone(),
            proof: Arc::clone(&self.proof),
        }
    }
}

impl<P: Protocol> fmt::Debug for Decision<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.height, self.payload)
    }
}

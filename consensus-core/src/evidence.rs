//! Proof that a replica contradicted itself.

use crate::{Claims, Domain, Protocol, ReplicaId, Scheme, Signed};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// Two statements by one replica in one slot that no correct replica makes both of.
///
/// Self-contained: [`Evidence::check`] needs the epoch's keys and nothing else.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Evidence<P: Protocol> {
    /// The statement seen first.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub first: Signed<P>,
    /// The one that contradicts it.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub second: Signed<P>,
}

/// Why evidence does not convict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Two replicas made the statements.
    #[error("the statements are by different replicas")]
    DifferentSigners,
    /// The statements are about different things, so they do not contradict.
    #[error("the statements fill different slots")]
    DifferentSlots,
    /// A correct replica may fill this slot more than once.
    #[error("a correct replica may say more than one thing in this slot")]
    NotExclusive,
    /// Both say the same.
    #[error("the statements are equal")]
    Equal,
    /// A signature does not hold in this chain and epoch. An invalid signature accuses nobody.
    #[error("a signature does not hold")]
    BadSignature,
}

impl<P: Protocol> Clone for Evidence<P> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            second: self.second.clone(),
        }
    }
}

impl<P: Protocol> fmt::Debug for Evidence<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, but also {:?}", self.first, self.second.body)
    }
}

impl<P: Protocol> Evidence<P> {
    /// Convicts a replica, or says why not. Shares nothing with the engine that found it.
    ///
    /// # Errors
    ///
    /// If the two do not contradict each other, or a signature does not hold.
    pub fn check(&self, domain: &Domain, scheme: &P::Scheme) -> Result<ReplicaId, EvidenceError> {
        let (first, second) = (self.first.signing(), self.second.signing());
        if self.first.by != self.second.by {
            return Err(EvidenceError::DifferentSigners);
        }
        if first.slot != second.slot {
            return Err(EvidenceError::DifferentSlots);
        }
        if !first.exclusive || !second.exclusive {
            return Err(EvidenceError::NotExclusive);
        }
        if first.digest == second.digest {
            return Err(EvidenceError::Equal);
        }
        // Only the two signatures matter: what the bodies carry is not what contradicts.
        let claims = [&self.first, &self.second].map(|signed| {
            let mut claims = Claims::default();
            let signing = signed.signing();
            claims.push(crate::Claim::Signed {
                by: signed.by,
                key: signing.key,
                statement: signing.statement(domain),
                signature: &signed.signature,
            });
            claims
        });
        if scheme.verify(&claims).iter().all(|holds| *holds) {
            Ok(self.first.by)
        } else {
            Err(EvidenceError::BadSignature)
        }
    }
}

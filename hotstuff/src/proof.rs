//! What proves a decision to anyone who knows the validators.

use crate::{Certificate, Header};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{Claims, Digest, Domain, Fault, Height, Scheme};

/// A certificate, and the way down from what it commits to the decided block.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Proof<S: Scheme> {
    /// A quorum's votes. They say which block they commit.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: Certificate<S>,
    /// The headers from the block that is committed down to the decided one, both included, each
    /// the parent of the one before. As many as there are heights between them, and one.
    pub path: Vec<Header>,
}

impl<S: Scheme> Proof<S> {
    /// The decided block: its name and its header.
    #[must_use]
    pub fn decided(&self) -> Option<(Digest, &Header)> {
        let header = self.path.last()?;
        Some((header.id(), header))
    }

    /// Whether the path leads from what the certificate commits to this height and payload.
    fn leads_to(&self, height: Height, payload: &Digest) -> bool {
        let Some(commits) = self.certificate.vote.commits else {
            return false;
        };
        let steps = commits.height.0.checked_sub(height.0);
        let heights = steps.and_then(|steps| steps.checked_add(1));
        // The length first: it bounds the hashing by what was paid for on the wire.
        if height == Height::GENESIS || heights != Some(self.path.len() as u64) {
            return false;
        }
        let mut expected = (commits.block, commits.height);
        for header in &self.path {
            if (header.id(), header.height) != expected {
                return false;
            }
            expected = (header.parent, header.height.previous());
        }
        self.path
            .last()
            .is_some_and(|decided| decided.height == height && decided.payload == *payload)
    }
}

impl<S: Scheme> quorate_core::Proof<S> for Proof<S> {
    fn claims<'a>(
        &'a self,
        domain: &Domain,
        height: Height,
        payload: &Digest,
        claims: &mut Claims<'a, S>,
    ) -> Result<(), Fault> {
        if self.certificate.proof.is_none() || !self.leads_to(height, payload) {
            return Err(Fault::BadCertificate);
        }
        self.certificate.claim(domain, claims);
        Ok(())
    }
}

//! Blocks: what is proposed, voted for and chained.

use crate::Certificate;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{Digest, Fault, Height, Payload, Scheme, View};

/// The fields that a block's name covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// View in which it was proposed.
    pub view: View,
    /// One more than the parent's.
    pub height: Height,
    /// The block below. It is the one that the block's certificate certifies.
    pub parent: Digest,
    /// View of the parent, hence of the certificate for it.
    pub parent_view: View,
    /// Digest of the payload.
    pub payload: Digest,
}

impl Header {
    /// The block's name: a digest of its fixed-width fields.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::builder("quorate 2026 hotstuff block v1")
            .number(self.view.0)
            .number(self.height.0)
            .digest(&self.parent)
            .number(self.parent_view.0)
            .digest(&self.payload)
            .finish()
    }
}

/// A block: its header, and the certificate for its parent.
///
/// The name covers what the certificate certifies, not who signed it: any quorum will do.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Block<S: Scheme> {
    /// What its name covers.
    pub header: Header,
    /// The certificate for its parent (`justify` in the paper).
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub justify: Certificate<S>,
}

impl<S: Scheme> Block<S> {
    /// The block that extends what `justify` certifies.
    #[must_use]
    pub const fn extending(justify: Certificate<S>, view: View, payload: Digest) -> Self {
        let header = Header {
            view,
            height: justify.vote.height.next(),
            parent: justify.vote.block,
            parent_view: justify.vote.view,
            payload,
        };
        Self { header, justify }
    }

    /// Whether the block is well-formed: its header says what its certificate says, and its view
    /// is above its parent's.
    ///
    /// # Errors
    ///
    /// With what is wrong with it.
    pub fn check(&self, genesis: &Digest) -> Result<(), Fault> {
        self.justify.check(genesis)?;
        let (header, vote) = (&self.header, &self.justify.vote);
        let follows = header.parent == vote.block
            && header.parent_view == vote.view
            && vote.height.0.checked_add(1) == Some(header.height.0)
            && header.view > vote.view
            // The last view has no next, so nothing can be built upon it.
            && header.view.0 < u64::MAX;
        if follows {
            Ok(())
        } else {
            Err(Fault::Inconsistent)
        }
    }
}

/// A block with its payload, as replicas hand them on.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct FullBlock<S: Scheme> {
    /// The block.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub block: Block<S>,
    /// Its payload.
    pub payload: Payload,
}

impl<S: Scheme> FullBlock<S> {
    /// Whether block and payload are well-formed and belong together.
    ///
    /// # Errors
    ///
    /// With what is wrong.
    pub fn check(&self, genesis: &Digest) -> Result<(), Fault> {
        self.block.check(genesis)?;
        if self.block.header.payload == *self.payload.digest() {
            Ok(())
        } else {
            Err(Fault::Inconsistent)
        }
    }
}

//! What replicas say to each other.

use crate::certificate::VOTE;
use crate::timeout::{self, TIMEOUT};
use crate::{Block, Certificate, FullBlock, Timeout, TimeoutCertificate, Vote};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Claims, Digest, Domain, Height, KeyRole, Kind, Payload, Place, Scheme, Signing, Slot, View,
};

pub(crate) const PROPOSAL: Kind = 1;
const ADVANCE: Kind = 4;
const BLOCK_REQUEST: Kind = 5;
const BLOCKS: Kind = 6;

/// A leader's proposal.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Proposal<S: Scheme> {
    /// The block with its payload.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub full: FullBlock<S>,
    /// How the view began, unless the block's own certificate says it: the view before was given
    /// up.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub timeout: Option<TimeoutCertificate<S>>,
}

/// Certificates that let whoever is behind enter the sender's view.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Advance<S: Scheme> {
    /// The highest certificate.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub high_qc: Certificate<S>,
    /// The highest certificate of timeouts, if it is above.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub timeout: Option<TimeoutCertificate<S>>,
}

/// Asks for a block that a certificate names, and for those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockRequest {
    /// The block.
    pub block: Digest,
    /// No blocks at or below this height are wanted.
    pub above: Height,
}

/// Answers a [`BlockRequest`]: the block, and below it as many of its ancestors as fit.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Blocks<S: Scheme> {
    /// The blocks, each the parent of the one before.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub blocks: Vec<FullBlock<S>>,
}

/// A message of the engine.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum Body<S: Scheme> {
    /// A leader proposes a block. To all.
    Proposal(#[borsh(bound(serialize = "", deserialize = ""))] Proposal<S>),
    /// A replica votes for a block. To the leader of the next view only.
    Vote(Vote),
    /// A replica gives up a view. To all.
    Timeout(#[borsh(bound(serialize = "", deserialize = ""))] Timeout<S>),
    /// Certificates for whoever is behind. To all, beside a repeated timeout.
    Advance(#[borsh(bound(serialize = "", deserialize = ""))] Advance<S>),
    /// Asks one replica for blocks.
    BlockRequest(BlockRequest),
    /// Answers it.
    Blocks(#[borsh(bound(serialize = "", deserialize = ""))] Blocks<S>),
}

/// The signature of a body that promises nothing: by the identity key, in no exclusive slot.
fn unbinding(kind: Kind, digest: Digest) -> Signing {
    Signing {
        slot: Slot {
            kind,
            place: Place::default(),
        },
        digest,
        key: KeyRole::Identity,
        exclusive: false,
    }
}

impl<S: Scheme> Proposal<S> {
    /// A leader signs the block's name. Certificates prove themselves, and a leader that repeats
    /// a proposal may have others by then.
    fn signing(&self) -> Signing {
        let header = &self.full.block.header;
        Signing {
            slot: Slot {
                kind: PROPOSAL,
                place: Place::new(Height::GENESIS, header.view),
            },
            digest: header.id(),
            key: KeyRole::Identity,
            exclusive: true,
        }
    }
}

impl<S: Scheme> Advance<S> {
    fn signing(&self) -> Signing {
        let given_up = self.timeout.as_ref().map_or(View::ZERO, |tc| tc.view);
        let digest = Digest::builder("quorate 2026 hotstuff advance v1")
            .number(self.high_qc.view().0)
            .number(given_up.0)
            .finish();
        unbinding(ADVANCE, digest)
    }
}

impl BlockRequest {
    fn signing(&self) -> Signing {
        let digest = Digest::builder("quorate 2026 hotstuff block request v1")
            .digest(&self.block)
            .number(self.above.0)
            .finish();
        unbinding(BLOCK_REQUEST, digest)
    }
}

impl<S: Scheme> Blocks<S> {
    fn signing(&self) -> Signing {
        let names = self.blocks.iter().fold(
            Digest::builder("quorate 2026 hotstuff blocks v1").number(self.blocks.len() as u64),
            |names, full| names.digest(&full.block.header.id()),
        );
        unbinding(BLOCKS, names.finish())
    }
}

impl<S: Scheme> quorate_core::Body<S> for Body<S> {
    fn kind(&self) -> Kind {
        match self {
            Self::Proposal(_) => PROPOSAL,
            Self::Vote(_) => VOTE,
            Self::Timeout(_) => TIMEOUT,
            Self::Advance(_) => ADVANCE,
            Self::BlockRequest(_) => BLOCK_REQUEST,
            Self::Blocks(_) => BLOCKS,
        }
    }

    fn kind_name(kind: Kind) -> &'static str {
        match kind {
            PROPOSAL => "proposal",
            VOTE => "vote",
            TIMEOUT => "timeout",
            ADVANCE => "advance",
            BLOCK_REQUEST => "block_request",
            BLOCKS => "blocks",
            _ => "unknown",
        }
    }

    fn binds(&self) -> bool {
        matches!(self, Self::Proposal(_) | Self::Vote(_) | Self::Timeout(_))
    }

    fn place(&self) -> Place {
        match self {
            Self::Proposal(proposal) => {
                let header = &proposal.full.block.header;
                Place::new(header.height, header.view)
            }
            Self::Vote(vote) => Place::new(vote.height, vote.view),
            Self::Timeout(timeout) => Place::new(timeout.high_qc.vote.height, timeout.view),
            Self::Advance(advance) => {
                Place::new(advance.high_qc.vote.height, advance.high_qc.view())
            }
            Self::BlockRequest(request) => Place::new(request.above, View::ZERO),
            Self::Blocks(blocks) => blocks.blocks.first().map_or_else(Place::default, |full| {
                Place::new(full.block.header.height, full.block.header.view)
            }),
        }
    }

    fn signing(&self) -> Signing {
        match self {
            Self::Proposal(proposal) => proposal.signing(),
            Self::Vote(vote) => vote.signing(),
            Self::Timeout(timeout) => timeout::signing(timeout.view, timeout.high_qc.view()),
            Self::Advance(advance) => advance.signing(),
            Self::BlockRequest(request) => request.signing(),
            Self::Blocks(blocks) => blocks.signing(),
        }
    }

    fn carried<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        match self {
            Self::Proposal(proposal) => {
                proposal.full.block.justify.claim(domain, claims);
                if let Some(timeout) = &proposal.timeout {
                    timeout.claim(domain, claims);
                }
            }
            Self::Vote(_) | Self::BlockRequest(_) => {}
            Self::Timeout(timeout) => timeout.claim(domain, claims),
            Self::Advance(advance) => {
                advance.high_qc.claim(domain, claims);
                if let Some(timeout) = &advance.timeout {
                    timeout.claim(domain, claims);
                }
            }
            Self::Blocks(blocks) => {
                for full in &blocks.blocks {
                    full.block.justify.claim(domain, claims);
                }
            }
        }
    }

    fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Proposal(proposal) => Some(&proposal.full.payload),
            Self::Blocks(blocks) => blocks.blocks.first().map(|full| &full.payload),
            Self::Vote(_) | Self::Timeout(_) | Self::Advance(_) | Self::BlockRequest(_) => None,
        }
    }
}

impl<S: Scheme> Proposal<S> {
    /// The proposed block.
    #[must_use]
    pub const fn block(&self) -> &Block<S> {
        &self.full.block
    }
}

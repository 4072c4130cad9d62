//! What a replica remembers of its own promises.

use crate::{Polka, Value, Vote};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{Digest, Height, Scheme, View};

/// An entry of the safety log. Together, the records of a height say what the replica may still
/// sign there.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum Record<S: Scheme> {
    /// It proposed. The payload was logged before.
    Proposed {
        /// Height.
        height: Height,
        /// Round.
        round: View,
        /// Digest of the payload.
        payload: Digest,
        /// What justified a re-proposal.
        #[borsh(bound(serialize = "", deserialize = ""))]
        polka: Option<Polka<S>>,
    },
    /// It prevoted. If not for nil, the payload was logged before.
    Prevoted(Vote),
    /// It precommitted. If not for nil, the payload was logged before, and it is locked on it.
    Precommitted {
        /// The vote.
        vote: Vote,
        /// The polka that it saw; `None` exactly if the vote is for nil.
        #[borsh(bound(serialize = "", deserialize = ""))]
        polka: Option<Polka<S>>,
    },
    /// It learned of a polka too late to lock it, but will propose its value (L42, L43).
    Valid {
        /// Height.
        height: Height,
        /// The value, not nil.
        value: Value,
        /// The polka.
        #[borsh(bound(serialize = "", deserialize = ""))]
        polka: Polka<S>,
    },
}

impl<S: Scheme> Record<S> {
    /// The height that it is about.
    #[must_use]
    pub const fn height(&self) -> Height {
        match self {
            Self::Proposed { height, .. } | Self::Valid { height, .. } => *height,
            Self::Prevoted(vote) | Self::Precommitted { vote, .. } => vote.height,
        }
    }
}

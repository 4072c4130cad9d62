//! Small numbers with a meaning, each a type of its own so that they cannot be mixed up.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            BorshSerialize, BorshDeserialize, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Index of a replica in the validator set of its epoch, counted from zero.
    ReplicaId(u16), "r"
);
number!(
    /// Place in the decided order. The first decision has height 1; 0 is the genesis.
    Height(u64), "h"
);
number!(
    /// View (PBFT, HotStuff) or round (Tendermint).
    View(u64), "v"
);
number!(
    /// Span of heights with one validator set.
    Epoch(u64), "e"
);
number!(
    /// Names the replicated service. Nothing that is signed for one chain is valid on another.
    ChainId(u64), "c"
);
number!(
    /// Place of an entry in the safety log, counted from one without gaps.
    Seq(u64), "s"
);
number!(
    /// Ties an answer of the application to the question.
    Ticket(u64), "t"
);

impl Height {
    /// Before the first decision.
    pub const GENESIS: Self = Self(0);

    /// The height above. Saturates: the last height is out of anybody's reach.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The height below, or genesis.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl View {
    /// The first view or round.
    pub const ZERO: Self = Self(0);

    /// The view above. Saturates, so that a peer that claims the last view overflows nothing.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The view below, or the first.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl Seq {
    /// Before the first entry.
    pub const NONE: Self = Self(0);

    /// The place after this one.
    ///
    /// # Panics
    ///
    /// After 2⁶⁴−1 entries, which no disk holds.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl ReplicaId {
    /// As an index into per-replica tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A height, and a view (PBFT, HotStuff) or round (Tendermint).
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Place {
    /// Height (PBFT: sequence number) that is being decided.
    pub height: Height,
    /// View or round.
    pub view: View,
}

impl Place {
    /// The place of `view` at `height`.
    #[must_use]
    pub const fn new(height: Height, view: View) -> Self {
        Self { height, view }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.height, self.view)
    }
}

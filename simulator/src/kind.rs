//! Engines and schemes by name.

use std::fmt;
use std::str::FromStr;

/// An engine variant, chosen at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineKind {
    /// PBFT.
    Pbft,
    /// HotStuff with the two-chain commit rule.
    HotStuffTwoChain,
    /// HotStuff with the three-chain commit rule.
    HotStuffThreeChain,
    /// Tendermint.
    Tendermint,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Pbft,
        Self::HotStuffTwoChain,
        Self::HotStuffThreeChain,
        Self::Tendermint,
    ];

    /// Its name on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pbft => "pbft",
            Self::HotStuffTwoChain => "hotstuff-two-chain",
            Self::HotStuffThreeChain => "hotstuff-three-chain",
            Self::Tendermint => "tendermint",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How simulated replicas sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemeKind {
    /// A keyed hash: nobody in the world can forge it, and it costs next to nothing.
    #[default]
    Mock,
    /// Ed25519.
    Ed25519,
    /// BLS12-381.
    Bls,
}

impl SchemeKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mock, Self::Ed25519, Self::Bls];

    /// Its name on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Ed25519 => "ed25519",
            Self::Bls => "bls",
        }
    }
}

impl fmt::Display for SchemeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The name.
    pub name: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.name, self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

impl FromStr for EngineKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName {
            name: name.into(),
            known: Self::ALL.iter().map(|kind| kind.name()).collect(),
        })
    }
}

impl FromStr for SchemeKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName {
            name: name.into(),
            known: Self::ALL.iter().map(|kind| kind.name()).collect(),
        })
    }
}

//! Which engine, which scheme: chosen by name at run time, compiled in by feature.

use quorate_core::Validator;
use quorate_crypto::{Bls, Ed25519, KeyedScheme, ReplicaKeys};
use std::fmt;
use std::str::FromStr;

/// A consensus engine.
///
/// Every variant exists in every build; which of them can be started is decided by the crate's
/// features ([`Engine::compiled`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// PBFT: a stable leader, all-to-all votes, parallel slots. Feature `pbft`.
    Pbft,
    /// HotStuff with the two-chain commit rule: linear, decides in two views. Feature `hotstuff`.
    HotStuffTwoChain,
    /// HotStuff with the three-chain commit rule of the original paper. Feature `hotstuff`.
    HotStuffThreeChain,
    /// Tendermint: a proposer for each height, two rounds of all-to-all votes. Feature
    /// `tendermint`.
    Tendermint,
}

impl Engine {
    /// The engines that this build can start.
    #[must_use]
    pub const fn compiled() -> &'static [Self] {
        const HOTSTUFF: &[Engine] = &[Engine::HotStuffTwoChain, Engine::HotStuffThreeChain];
        match (
            cfg!(feature = "pbft"),
            cfg!(feature = "hotstuff"),
            cfg!(feature = "tendermint"),
        ) {
            (false, false, false) => &[],
            (true, false, false) => &[Self::Pbft],
            (false, true, false) => HOTSTUFF,
            (false, false, true) => &[Self::Tendermint],
            (true, true, false) => &[Self::Pbft, Self::HotStuffTwoChain, Self::HotStuffThreeChain],
            (true, false, true) => &[Self::Pbft, Self::Tendermint],
            (false, true, true) => &[
                Self::HotStuffTwoChain,
                Self::HotStuffThreeChain,
                Self::Tendermint,
            ],
            (true, true, true) => &[
                Self::Pbft,
                Self::HotStuffTwoChain,
                Self::HotStuffThreeChain,
                Self::Tendermint,
            ],
        }
    }

    /// The engine of a build with one engine feature; `None` if there are several or none, and
    /// one must be named. With `hotstuff` alone it is the two-chain rule.
    ///
    /// A feature that some other crate switches on never changes which engine runs: it makes this
    /// `None`, and starting without a choice an error.
    #[must_use]
    pub fn only() -> Option<Self> {
        match Self::compiled() {
            [one] | [one @ Self::HotStuffTwoChain, Self::HotStuffThreeChain] => Some(*one),
            _ => None,
        }
    }

    /// Name in configuration, logs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pbft => "pbft",
            Self::HotStuffTwoChain => "hotstuff-two-chain",
            Self::HotStuffThreeChain => "hotstuff-three-chain",
            Self::Tendermint => "tendermint",
        }
    }

    /// The scheme that suits the engine: BLS where votes are collected by one replica, ed25519
    /// where everybody hears every vote.
    #[must_use]
    pub const fn usual_scheme(self) -> SchemeKind {
        match self {
            Self::HotStuffTwoChain | Self::HotStuffThreeChain => SchemeKind::Bls,
            Self::Pbft | Self::Tendermint => SchemeKind::Ed25519,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no {what}; choose one of {choices}")]
pub struct UnknownName {
    found: String,
    what: &'static str,
    choices: &'static str,
}

impl FromStr for Engine {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let all = [
            Self::Pbft,
            Self::HotStuffTwoChain,
            Self::HotStuffThreeChain,
            Self::Tendermint,
        ];
        all.into_iter()
            .find(|engine| engine.name() == text)
            .ok_or_else(|| UnknownName {
                found: text.into(),
                what: "engine",
                choices: "pbft, hotstuff-two-chain, hotstuff-three-chain, tendermint",
            })
    }
}

/// How votes are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SchemeKind {
    /// One ed25519 key a replica; certificates are lists of signatures.
    Ed25519,
    /// ed25519 for identity, BLS12-381 for votes; certificates are one signature and a bitmap.
    Bls,
}

impl SchemeKind {
    /// Name in configuration, logs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Bls => "bls",
        }
    }
}

impl SchemeKind {
    /// The public side of a replica's keys, as the scheme registers it: with `power`, and for BLS
    /// with a proof that the replica has the private key.
    #[must_use]
    pub fn validator(self, keys: &ReplicaKeys, power: u64) -> Validator {
        match self {
            Self::Ed25519 => Ed25519::validator(keys, power),
            Self::Bls => Bls::validator(keys, power),
        }
    }
}

impl fmt::Display for SchemeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SchemeKind {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let all = [Self::Ed25519, Self::Bls];
        all.into_iter()
            .find(|scheme| scheme.name() == text)
            .ok_or_else(|| UnknownName {
                found: text.into(),
                what: "scheme",
                choices: "ed25519, bls",
            })
    }
}

//! Bugs that the engines and the driver can have on purpose: the oracles must catch each.

use crate::EngineKind;

/// A planted bug, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// In PBFT.
    Pbft(quorate_pbft::PlantedBug),
    /// In HotStuff, under either commit rule.
    HotStuff(quorate_hotstuff::PlantedBug),
    /// In Tendermint.
    Tendermint(quorate_tendermint::PlantedBug),
    /// In the driver, under every engine.
    Driver(quorate_replica::PlantedBug),
}

impl Planted {
    /// Every bug.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let pbft = quorate_pbft::PlantedBug::ALL.iter().copied();
        let hotstuff = quorate_hotstuff::PlantedBug::ALL.iter().copied();
        let tendermint = quorate_tendermint::PlantedBug::ALL.iter().copied();
        let driver = quorate_replica::PlantedBug::ALL.iter().copied();
        pbft.map(Self::Pbft)
            .chain(hotstuff.map(Self::HotStuff))
            .chain(tendermint.map(Self::Tendermint))
            .chain(driver.map(Self::Driver))
            .collect()
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pbft(bug) => bug.name(),
            Self::HotStuff(bug) => bug.name(),
            Self::Tendermint(bug) => bug.name(),
            Self::Driver(bug) => bug.name(),
        }
    }

    /// The engines that can have it.
    #[must_use]
    pub const fn engines(self) -> &'static [EngineKind] {
        match self {
            Self::Pbft(_) => &[EngineKind::Pbft],
            Self::HotStuff(_) => &[EngineKind::HotStuffTwoChain, EngineKind::HotStuffThreeChain],
            Self::Tendermint(_) => &[EngineKind::Tendermint],
            Self::Driver(_) => &EngineKind::ALL,
        }
    }

    /// The oracle that must catch it.
    #[must_use]
    pub const fn oracle(self) -> &'static str {
        use quorate_hotstuff::PlantedBug as HotStuff;
        use quorate_pbft::PlantedBug as Pbft;
        use quorate_tendermint::PlantedBug as Tendermint;
        match self {
            Self::Pbft(Pbft::PreparesOnWeakQuorum)
            | Self::HotStuff(HotStuff::CommitsAcrossGaps)
            | Self::Tendermint(Tendermint::PrecommitsOnWeakPolka) => "phases",
            Self::Pbft(Pbft::DecidesOnWeakQuorum) => "support",

            Self::Pbft(Pbft::RestartForgetsVotes)
            | Self::HotStuff(HotStuff::VotesForEachProposal | HotStuff::RestartForgetsVote)
            | Self::Tendermint(Tendermint::RestartForgetsVotes) => "contradiction",
            Self::Pbft(_) | Self::HotStuff(_) | Self::Tendermint(_) => "lock",
            Self::Driver(_) => "durability",
        }
    }
}

//! Engines as options.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use quorate_simulator::EngineKind;

/// One engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OneEngine(pub(crate) EngineKind);

impl ValueEnum for OneEngine {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(EngineKind::Pbft),
            Self(EngineKind::HotStuffTwoChain),
            Self(EngineKind::HotStuffThreeChain),
            Self(EngineKind::Tendermint),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// One engine, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineChoice {
    One(OneEngine),
    All,
}

impl EngineChoice {
    /// The engines, in order.
    pub(crate) fn kinds(self) -> Vec<EngineKind> {
        match self {
            Self::One(OneEngine(kind)) => vec![kind],
            Self::All => EngineKind::ALL.to_vec(),
        }
    }
}

impl ValueEnum for EngineChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::One(OneEngine(EngineKind::Pbft)),
            Self::One(OneEngine(EngineKind::HotStuffTwoChain)),
            Self::One(OneEngine(EngineKind::HotStuffThreeChain)),
            Self::One(OneEngine(EngineKind::Tendermint)),
            Self::All,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::One(engine) => engine.to_possible_value(),
            Self::All => Some(PossibleValue::new("all")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_is_an_option() {
        let kinds: Vec<_> = OneEngine::value_variants().iter().map(|it| it.0).collect();
        assert_eq!(kinds, EngineKind::ALL);
        assert_eq!(
            EngineChoice::value_variants().len(),
            EngineKind::ALL.len() + 1
        );
        assert_eq!(EngineChoice::All.kinds(), EngineKind::ALL);
    }
}

//! The production driver with each engine in the simulated world.

/// A test for each engine.
macro_rules! for_each_engine {
    ($($name:ident),+ $(,)?) => {
        mod pbft {
            $(#[test] fn $name() { super::$name::<quorate_pbft::Pbft<quorate_core::testing::Mock>>(); })+
        }
        mod hotstuff_two_chain {
            $(#[test] fn $name() { super::$name::<quorate_hotstuff::HotStuff<quorate_core::testing::Mock, quorate_hotstuff::TwoChain>>(); })+
        }
        mod hotstuff_three_chain {
            $(#[test] fn $name() { super::$name::<quorate_hotstuff::HotStuff<quorate_core::testing::Mock, quorate_hotstuff::ThreeChain>>(); })+
        }
        mod tendermint {
            $(#[test] fn $name() { super::$name::<quorate_tendermint::Tendermint<quorate_core::testing::Mock>>(); })+
        }
    };
}
use for_each_engine;

mod adversaries;
mod behind;
mod idle;
mod seeds;

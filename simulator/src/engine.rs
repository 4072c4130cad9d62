//! The engines as the simulator starts them: with the timeouts and leaders of production.

use quorate_core::testing::Mock;
use quorate_core::{Protocol, Rotation, ValidatorSet};
use quorate_hotstuff::{CommitRule, HotStuff};
use quorate_pbft::Pbft;
use quorate_tendermint::Tendermint;
use std::time::Duration;

/// The longest that a timeout grows to, as in production.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// An engine that the simulator can run.
pub trait Engine: Protocol<Scheme = Mock> {
    /// The engine's options for a request or view timeout.
    fn config(timeout: Duration) -> Self::Config;

    /// Who leads where.
    #[must_use]
    fn leaders(validators: &ValidatorSet) -> Rotation {
        Rotation::by_view(validators)
    }
}

impl Engine for Pbft<Mock> {
    fn config(timeout: Duration) -> Self::Config {
        let mut config = quorate_pbft::Config::default();
        config.request_timeout = timeout;
        config.timeout_max = TIMEOUT_MAX.max(timeout);
        config
    }
}

impl<R: CommitRule> Engine for HotStuff<Mock, R> {
    fn config(timeout: Duration) -> Self::Config {
        let mut config = quorate_hotstuff::Config::default();
        config.view_timeout = timeout;
        config.timeout_max = TIMEOUT_MAX.max(timeout);
        config
    }
}

impl Engine for Tendermint<Mock> {
    fn config(timeout: Duration) -> Self::Config {
        let mut config = quorate_tendermint::Config::default();
        config.propose_timeout = timeout;
        config.vote_timeout = timeout / 2;
        config.timeout_step = timeout / 4;
        config.timeout_max = TIMEOUT_MAX.max(timeout);
        config
    }

    fn leaders(validators: &ValidatorSet) -> Rotation {
        Rotation::by_height(validators)
    }
}

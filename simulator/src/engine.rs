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
        quorate_pbft::Config {
            request_timeout: timeout,
            timeout_max: TIMEOUT_MAX.max(timeout),
            ..quorate_pbft::Config::default()
        }
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
        quorate_tendermint::Config {
            propose_timeout: timeout,
            vote_timeout: timeout / 2,
            timeout_step: timeout / 4,
            timeout_max: TIMEOUT_MAX.max(timeout),
        }
    }

    fn leaders(validators: &ValidatorSet) -> Rotation {
        Rotation::by_height(validators)
    }
}

//! The engine's options.

use std::time::Duration;

/// Options of the PBFT engine.
///
/// `window` must be the same in all replicas of an epoch: it bounds what a view change may carry,
/// and replicas that disagree on it reject each other's. The others are each replica's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long a request may wait, or a proposal stay undecided, before the replica gives up on
    /// the primary; also how long it first waits for a new view. Doubled for each view that ends
    /// before it has served for eight timeouts, halved after every eight that it serves.
    pub request_timeout: Duration,
    /// What the doubling never exceeds.
    pub timeout_max: Duration,
    /// L: how many heights above the stable checkpoint are open to agreement. The primary uses
    /// the lower half only, so that a replica whose checkpoint is a little behind is not cut off.
    /// Checkpoints must come at least every L/4 heights. At least 4.
    pub window: u64,
    /// Most undecided slots that the primary has proposed at any time. At least 1.
    pub in_flight: u64,
    /// The known bug that this replica has; `None` for none.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::PlantedBug>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(2),
            timeout_max: Duration::from_secs(60),
            window: 256,
            in_flight: 4,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }
}

impl Config {
    /// How long to wait in a view after `failed` failures.
    pub(crate) fn timeout(&self, failed: u32) -> Duration {
        let factor = 1u32.checked_shl(failed.min(31)).unwrap_or(u32::MAX);
        self.request_timeout
            .saturating_mul(factor)
            .min(self.timeout_max.max(self.request_timeout))
    }

    /// What `failed` failures are after one more: no more than double the timeout to its end, or
    /// it would take as many views that serve to come down again.
    pub(crate) fn after_failure(&self, failed: u32) -> u32 {
        if self.timeout(failed) < self.timeout_max {
            failed.saturating_add(1)
        } else {
            failed
        }
    }

    /// How long a view must serve before the timeout after `failed` failures is halved.
    pub(crate) fn settling(&self, failed: u32) -> Duration {
        self.timeout(failed).saturating_mul(8)
    }

    /// How long nothing may be decided before the replica repeats its last votes and asks others
    /// what it has missed: early enough for an answer before anybody gives up on the primary, and
    /// no earlier, because a busy cluster is far more often slow than it loses messages, and
    /// repeating everything in flight makes it slower.
    pub(crate) fn patience(&self) -> Duration {
        self.request_timeout / 2
    }

    /// How often a replica repeats its view change, and how often it is told where the others are.
    pub(crate) fn pace(&self) -> Duration {
        self.request_timeout / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_until_the_timeout_has_reached_its_end() {
        let config = Config::default();
        let failures = (0..1000).fold(0, |failed, _| config.after_failure(failed));
        assert_eq!(config.timeout(failures), config.timeout_max);
        assert!(config.timeout(failures - 1) < config.timeout_max);

        let constant = Config {
            timeout_max: Duration::from_millis(1),
            ..config
        };
        assert_eq!(constant.after_failure(0), 0);
        assert_eq!(constant.timeout(0), constant.request_timeout);
    }
}

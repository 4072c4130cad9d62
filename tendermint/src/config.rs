//! The engine's options.

use quorate_core::View;
use std::time::Duration;

/// How long a replica waits, by step. Liveness depends on these, safety never does.
///
/// A step of round r waits its base plus r times [`Self::timeout_step`], at most
/// [`Self::timeout_max`]: once messages arrive within a bound, some round is long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long round 0 waits for its proposal. It includes building, syncing, sending and
    /// checking the payload, and what an idle proposer waits for requests.
    pub propose_timeout: Duration,
    /// How long round 0 waits for a verdict once a quorum has voted without one, in prevotes and
    /// again in precommits; and after how long a replica that is still waiting repeats itself.
    pub vote_timeout: Duration,
    /// What each further round of a height adds to both.
    pub timeout_step: Duration,
    /// The longest that any step waits.
    pub timeout_max: Duration,
    /// The known bug that this replica has; `None` for none.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::PlantedBug>,
}

impl Default for Config {
    fn default() -> Self {
        Self::scaled(Duration::from_secs(1), Duration::from_secs(10))
    }
}

impl Config {
    /// The usual proportions: half of `propose_timeout` for votes, and a quarter more each round,
    /// up to `timeout_max`.
    #[must_use]
    pub fn scaled(propose_timeout: Duration, timeout_max: Duration) -> Self {
        Self {
            propose_timeout,
            vote_timeout: propose_timeout / 2,
            timeout_step: propose_timeout / 4,
            timeout_max,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }

    /// How long `round` waits for its proposal.
    #[must_use]
    pub fn propose(&self, round: View) -> Duration {
        self.grown(self.propose_timeout, round)
    }

    /// How long `round` waits for votes.
    #[must_use]
    pub fn vote(&self, round: View) -> Duration {
        self.grown(self.vote_timeout, round)
    }

    fn grown(&self, base: Duration, round: View) -> Duration {
        let rounds = u32::try_from(round.0).unwrap_or(u32::MAX);
        base.saturating_add(self.timeout_step.saturating_mul(rounds))
            .min(self.timeout_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_the_round_up_to_a_maximum() {
        let config = Config::default();
        assert_eq!(config.propose(View(0)), Duration::from_secs(1));
        assert_eq!(config.propose(View(2)), Duration::from_millis(1500));
        assert_eq!(config.vote(View(1)), Duration::from_millis(750));
        assert_eq!(config.vote(View(u64::MAX)), Duration::from_secs(10));
    }

    #[test]
    fn the_longest_durations_do_not_overflow() {
        let config = Config {
            propose_timeout: Duration::MAX,
            timeout_step: Duration::MAX,
            timeout_max: Duration::MAX,
            ..Config::default()
        };
        assert_eq!(config.propose(View(u64::MAX)), Duration::MAX);
    }
}

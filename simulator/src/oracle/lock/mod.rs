//! Locks: what may have been decided is not voted against.
//!
//! Every protocol has its rule, derived here from signatures and blocks alone, never from what an
//! engine says of its lock.

mod committed;
mod rounds;
mod three_chain;
mod two_chain;

use super::{Oracle, Phases, Trial};

/// The name of all of them: a run has one.
const NAME: &str = "lock";

/// The rule of the trial's protocol.
pub(crate) fn oracle(trial: &Trial) -> Box<dyn Oracle> {
    match trial.phases {
        Phases::Voted { earlier, later } => Box::new(committed::Committed { earlier, later }),
        Phases::Locked { earlier, later } => Box::new(rounds::Rounds { earlier, later }),
        Phases::Chained {
            vote,
            timeout,
            length: 2,
        } => Box::new(two_chain::TwoChain::new(trial, vote, timeout)),
        Phases::Chained { vote, .. } => Box::new(three_chain::ThreeChain::new(trial, vote)),
    }
}

#[cfg(test)]
mod tests;

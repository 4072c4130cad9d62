//! Why a simulation has failed.

use crate::EngineKind;
use crate::oracle::Violation;
use quorate_core::ReplicaId;
use std::fmt;
use std::time::Duration;

/// A simulation has failed, or cannot do what it is asked. It says with which engine and seed, so
/// that it can be repeated.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterError {
    /// The engine that ran.
    pub engine: EngineKind,
    /// The seed of the run.
    pub seed: u64,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// An oracle has seen what must not be, or something has panicked. The simulation is over.
    Violation(Violation),
    /// What was waited for has not come.
    Unmet {
        /// For how long it was waited, in virtual time.
        within: Duration,
        /// Where each replica stands, one a line.
        standing: String,
    },
    /// The adversaries have more power than the cluster tolerates.
    TooManyAdversaries {
        /// The adversaries' voting power.
        power: u64,
        /// How much is tolerated.
        tolerated: u64,
    },
    /// The powers make no cluster: there are none, one is zero, or there are too many.
    Powers(String),
    /// No replica has this number.
    UnknownReplica {
        /// The number.
        replica: u16,
        /// How many replicas there are; the numbers begin with 0.
        replicas: usize,
    },
    /// The replica must be up for this, and is down.
    Down(ReplicaId),
    /// The replica is up already.
    Up(ReplicaId),
    /// The application or the mempool refuses a request.
    Refused(String),
    /// The request has been executed, and its reply is no longer kept.
    ReplyForgotten,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Unmet { within, standing } => {
                write!(
                    f,
                    "what was waited for has not come in {within:?}\n{standing}"
                )
            }
            Self::TooManyAdversaries { power, tolerated } => write!(
                f,
                "the adversaries have power {power}, and {tolerated} is tolerated; \
                 `allow_too_many` runs it all the same"
            ),
            Self::Powers(why) => f.write_str(why),
            Self::UnknownReplica { replica, replicas } => {
                write!(
                    f,
                    "there is no replica {replica}: they are 0 to {}",
                    replicas - 1
                )
            }
            Self::Down(id) => write!(f, "{id:?} is down"),
            Self::Up(id) => write!(f, "{id:?} is up already"),
            Self::Refused(why) => write!(f, "the request is refused: {why}"),
            Self::ReplyForgotten => f.write_str("the reply is no longer kept"),
        }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}: {}", self.engine, self.seed, self.cause)
    }
}

/// As for people: this is what a test shows that ends with an error.
impl fmt::Debug for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ClusterError {}

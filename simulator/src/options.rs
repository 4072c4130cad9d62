//! What a world is made of.

use crate::Clock;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What the network does to messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    /// How long a message takes at least, evenly spread. Messages overtake each other.
    pub delay: RangeInclusive<Duration>,
    /// What comes on top: exponential, with this mean.
    pub tail: Duration,
    /// Messages lost, in a thousand.
    pub loss: u32,
    /// Messages that arrive twice, in a thousand.
    pub duplication: u32,
    /// Messages held back, in a thousand.
    pub reordering: u32,
    /// How long they are: exponential, with this mean.
    pub held: Duration,
}

/// How long disks take, and how often they fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// A sync of the safety log.
    pub sync: RangeInclusive<Duration>,
    /// Storing one decision in the block store.
    pub store: RangeInclusive<Duration>,
    /// Syncs of the safety log that fail, in ten thousand. The log takes nothing from then on,
    /// until its replica restarts.
    pub sync_failures: u32,
    /// Decisions that cannot be stored, in ten thousand. Nothing is stored from then on, until the
    /// replica restarts.
    pub store_failures: u32,
}

/// How long work off the driver's thread takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Signing.
    pub sign: RangeInclusive<Duration>,
    /// Checking a batch of signatures, a payload or a proof.
    pub check: RangeInclusive<Duration>,
    /// Executing a decision.
    pub execute: RangeInclusive<Duration>,
    /// Reading the block store.
    pub read: RangeInclusive<Duration>,
}

/// What a [`crate::World`] is made of. The same options give the same run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Seed of everything random.
    pub seed: u64,
    /// Voting power of each replica.
    pub powers: Vec<u64>,
    /// The engine's request or view timeout.
    pub timeout: Duration,
    /// How long an idle rotating leader holds back an empty block; a quarter of the timeout at
    /// most.
    pub idle_interval: Duration,
    /// Heights between checkpoints.
    pub checkpoint_interval: u64,
    /// The replicas' clocks; those without one show virtual time.
    pub clocks: Vec<Clock>,
    /// The network.
    pub network: NetworkOptions,
    /// The disks.
    pub disk: DiskOptions,
    /// The processors.
    pub work: Work,
    /// Whether to keep a readable trace, printed when a check fails.
    pub trace: bool,
    /// A bug that all replicas have.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::Planted>,
}

const fn micros(from: u64, to: u64) -> RangeInclusive<Duration> {
    Duration::from_micros(from)..=Duration::from_micros(to)
}

impl Options {
    /// Equal replicas, 1 to 5 ms apart, whose disks take 0.1 to 1 ms; nothing is lost.
    ///
    /// The environment variable `QUORATE_TRACE` turns the trace on.
    #[must_use]
    pub fn new(seed: u64, replicas: usize) -> Self {
        Self {
            seed,
            powers: vec![1; replicas],
            timeout: Duration::from_secs(1),
            idle_interval: Duration::from_millis(200),
            checkpoint_interval: 16,
            clocks: Vec::new(),
            network: NetworkOptions {
                delay: micros(1_000, 5_000),
                tail: Duration::ZERO,
                loss: 0,
                duplication: 0,
                reordering: 0,
                held: Duration::ZERO,
            },
            disk: DiskOptions {
                sync: micros(100, 1_000),
                store: micros(500, 5_000),
                sync_failures: 0,
                store_failures: 0,
            },
            work: Work {
                sign: micros(20, 100),
                check: micros(50, 200),
                execute: micros(20, 200),
                read: micros(100, 1_000),
            },
            trace: std::env::var_os("QUORATE_TRACE").is_some(),
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }

    /// The clock of a replica.
    pub(crate) fn clock(&self, index: usize) -> Clock {
        self.clocks.get(index).copied().unwrap_or_default()
    }

    /// With so many messages in a thousand lost, and a third as many doubled.
    #[must_use]
    pub const fn lossy(mut self, per_mille: u32) -> Self {
        self.network.loss = per_mille;
        self.network.duplication = per_mille / 3;
        self
    }
}

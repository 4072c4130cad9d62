//! What a world is made of.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What the network does to messages.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// How long a message takes. Messages overtake each other.
    pub delay: RangeInclusive<Duration>,
    /// Messages lost, in a thousand.
    pub loss: u32,
    /// Messages that arrive twice, in a thousand.
    pub duplication: u32,
}

/// How long disks take.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// A sync of the safety log.
    pub sync: RangeInclusive<Duration>,
    /// Storing one decision in the block store.
    pub store: RangeInclusive<Duration>,
}

/// How long work off the driver's thread takes.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of everything random.
    pub seed: u64,
    /// Voting power of each replica.
    pub powers: Vec<u64>,
    /// The engine's request or view timeout.
    pub timeout: Duration,
    /// Heights between checkpoints.
    pub checkpoint_interval: u64,
    /// The network.
    pub network: NetworkOptions,
    /// The disks.
    pub disk: DiskOptions,
    /// The processors.
    pub work: Work,
    /// Whether to keep a readable trace, printed when a check fails.
    pub trace: bool,
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
            checkpoint_interval: 16,
            network: NetworkOptions {
                delay: micros(1_000, 5_000),
                loss: 0,
                duplication: 0,
            },
            disk: DiskOptions {
                sync: micros(100, 1_000),
                store: micros(500, 5_000),
            },
            work: Work {
                sign: micros(20, 100),
                check: micros(50, 200),
                execute: micros(20, 200),
                read: micros(100, 1_000),
            },
            trace: std::env::var_os("QUORATE_TRACE").is_some(),
        }
    }

    /// With so many messages in a thousand lost, and a third as many doubled.
    #[must_use]
    pub const fn lossy(mut self, per_mille: u32) -> Self {
        self.network.loss = per_mille;
        self.network.duplication = per_mille / 3;
        self
    }
}

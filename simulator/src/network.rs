//! Which messages arrive, and when.

use crate::NetworkOptions;
use quorate_core::ReplicaId;
use quorate_core::testing::Random;
use std::collections::BTreeSet;
use std::time::Duration;

/// The links between the replicas. Each kind of fault has random numbers of its own: switching
/// one off does not move the others.
#[derive(Debug)]
pub(crate) struct Network {
    options: NetworkOptions,
    delay: Random,
    loss: Random,
    duplication: Random,
    /// Links that carry nothing, by sender and receiver.
    cut: BTreeSet<(ReplicaId, ReplicaId)>,
}

impl Network {
    pub(crate) fn new(options: NetworkOptions, seed: u64) -> Self {
        Self {
            options,
            delay: stream(seed, 1),
            loss: stream(seed, 2),
            duplication: stream(seed, 3),
            cut: BTreeSet::new(),
        }
    }

    /// After how long the copies of a message arrive: none, one or two.
    pub(crate) fn route(&mut self, from: ReplicaId, to: ReplicaId) -> Vec<Duration> {
        let lost = self.loss.chance(self.options.loss);
        let doubled = self.duplication.chance(self.options.duplication);
        let delay = self.delay.duration(&self.options.delay);
        if lost || self.cut.contains(&(from, to)) {
            return Vec::new();
        }
        let mut delays = vec![delay];
        if doubled {
            delays.push(delay + self.duplication.duration(&self.options.delay));
        }
        delays
    }

    /// Whether a message on its way still arrives.
    pub(crate) fn carries(&self, from: ReplicaId, to: ReplicaId) -> bool {
        !self.cut.contains(&(from, to))
    }

    /// Cuts one direction of a link.
    pub(crate) fn cut(&mut self, from: ReplicaId, to: ReplicaId) {
        self.cut.insert((from, to));
    }

    /// Mends every link.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// Changes what is lost and doubled from now on.
    pub(crate) const fn set_loss(&mut self, loss: u32, duplication: u32) {
        self.options.loss = loss;
        self.options.duplication = duplication;
    }
}

/// The random numbers of one kind of fault.
pub(crate) fn stream(seed: u64, kind: u64) -> Random {
    let mut mixer = Random::new(seed ^ kind.rotate_left(48));
    Random::new(mixer.number())
}

//! Which messages arrive, and when.

use crate::NetworkOptions;
use crate::partition::Partition;
use crate::stream::{exponential, stream};
use quorate_core::testing::Random;
use quorate_core::{ReplicaId, Time};
use std::collections::BTreeSet;
use std::time::Duration;

/// What the network has done to messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounts {
    /// Messages given to it, by recipient.
    pub sent: u64,
    /// Lost at random.
    pub lost: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// Held back, so that later ones overtake them.
    pub reordered: u64,
    /// Not carried because a link was cut when they left or would have arrived.
    pub cut: u64,
    /// Partitions that began.
    pub partitions: u64,
    /// How often flapping partitions have changed.
    pub flaps: u64,
}

/// The links between the replicas. Each kind of fault has random numbers of its own, and takes as
/// many of them whatever happens: switching one off does not move the others.
#[derive(Debug)]
pub(crate) struct Network {
    options: NetworkOptions,
    delay: Random,
    loss: Random,
    duplication: Random,
    reordering: Random,
    /// Links that carry nothing, by sender and receiver, until all are mended.
    cut: BTreeSet<(ReplicaId, ReplicaId)>,
    partitions: Vec<Partition>,
    /// Whether messages get lost, doubled and held back.
    faulty: bool,
    counts: NetworkCounts,
}

/// When the copies of a message arrive: none, one or two.
pub(crate) type Arrivals = [Option<Duration>; 2];

impl Network {
    pub(crate) fn new(options: NetworkOptions, seed: u64) -> Self {
        Self {
            options,
            delay: stream(seed, "network delay"),
            loss: stream(seed, "network loss"),
            duplication: stream(seed, "network duplication"),
            reordering: stream(seed, "network reordering"),
            cut: BTreeSet::new(),
            partitions: Vec::new(),
            faulty: true,
            counts: NetworkCounts::default(),
        }
    }

    pub(crate) const fn counts(&self) -> NetworkCounts {
        self.counts
    }

    /// After how long the copies of a message arrive.
    pub(crate) fn route(&mut self, from: ReplicaId, to: ReplicaId, now: Time) -> Arrivals {
        let options = &self.options;
        let lost = self.loss.chance(options.loss);
        let doubled = self.duplication.chance(options.duplication);
        let apart = self.duplication.duration(&options.delay);
        let held = self.reordering.chance(options.reordering);
        let holding = exponential(&mut self.reordering, options.held);
        let tail = exponential(&mut self.delay, options.tail);
        let mut delay = self.delay.duration(&options.delay) + tail;
        self.counts.sent += 1;
        if self.is_cut(from, to, now) {
            self.counts.cut += 1;
            return [None; 2];
        }
        if !self.faulty {
            return [Some(delay), None];
        }
        if lost {
            self.counts.lost += 1;
            return [None; 2];
        }
        if held {
            self.counts.reordered += 1;
            delay += holding;
        }
        self.counts.duplicated += u64::from(doubled);
        [Some(delay), doubled.then_some(delay + apart)]
    }

    fn is_cut(&self, from: ReplicaId, to: ReplicaId, now: Time) -> bool {
        let mut partitions = self.partitions.iter();
        self.cut.contains(&(from, to)) || partitions.any(|it| it.cuts(from, to, now))
    }

    /// Whether a message on its way still arrives.
    pub(crate) fn carries(&mut self, from: ReplicaId, to: ReplicaId, now: Time) -> bool {
        let cut = self.is_cut(from, to, now);
        self.counts.cut += u64::from(cut);
        !cut
    }

    /// Cuts one direction of a link.
    pub(crate) fn cut(&mut self, from: ReplicaId, to: ReplicaId) {
        self.cut.insert((from, to));
    }

    /// A partition begins.
    pub(crate) fn part(&mut self, partition: Partition) {
        self.counts.partitions += 1;
        self.partitions.push(partition);
    }

    /// Mends every link.
    pub(crate) fn heal(&mut self, now: Time) {
        self.cut.clear();
        for partition in self.partitions.drain(..) {
            self.counts.flaps += partition.flaps(now);
        }
    }

    /// Changes what is lost and doubled from now on.
    pub(crate) const fn set_loss(&mut self, loss: u32, duplication: u32) {
        self.options.loss = loss;
        self.options.duplication = duplication;
    }

    /// Loses, doubles and holds back nothing from now on.
    pub(crate) const fn calm(&mut self) {
        self.faulty = false;
    }

    /// Does to messages what the options say, from now on.
    pub(crate) const fn trouble(&mut self) {
        self.faulty = true;
    }
}

#[cfg(test)]
mod tests;

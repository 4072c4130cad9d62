//! What a test does to a cluster.

use super::{Cluster, Event, Load, What};
use crate::testing::Mock;
use crate::{Input, Payload, Protocol, ReplicaId, Signed};
use std::time::Duration;

impl<P: Protocol<Scheme = Mock>> Cluster<P> {
    /// From now on nothing that the replica says reaches others; it hears them.
    pub fn silence(&mut self, id: ReplicaId) {
        self.silent.insert(id);
    }

    /// Ends [`Cluster::silence`].
    pub fn unsilence(&mut self, id: ReplicaId) {
        self.silent.remove(&id);
    }

    /// Loses everything that `from` sends to `to` from now on.
    pub fn cut(&mut self, from: ReplicaId, to: ReplicaId) {
        self.cuts.insert((from, to));
    }

    /// Ends [`Cluster::cut`] for one direction of one link.
    pub fn heal(&mut self, from: ReplicaId, to: ReplicaId) {
        self.cuts.remove(&(from, to));
    }

    /// Cuts every link between replicas of different groups. A replica in no group is alone.
    pub fn partition(&mut self, groups: &[&[ReplicaId]]) {
        let group = |id: ReplicaId| groups.iter().position(|group| group.contains(&id));
        for from in self.ids() {
            for to in self.ids() {
                if from != to && (group(from).is_none() || group(from) != group(to)) {
                    self.cut(from, to);
                }
            }
        }
    }

    /// Restores every link.
    pub fn heal_all(&mut self) {
        self.cuts.clear();
    }

    /// Loses the messages between replicas for which `blocks(from, to, body)` says so, until the
    /// next call.
    pub fn block(&mut self, blocks: impl FnMut(ReplicaId, ReplicaId, &P::Body) -> bool + 'static) {
        self.filter = Some(Box::new(blocks));
    }

    /// Ends [`Cluster::block`].
    pub fn unblock(&mut self) {
        self.filter = None;
    }

    /// Makes a replica faulty: for each body that it would send to another replica, `rewrite(to,
    /// body)` says what it signs and sends instead, and to whom: nothing, something else, several.
    /// Its own engine goes on believing that it said what it meant to.
    pub fn corrupt(
        &mut self,
        id: ReplicaId,
        rewrite: impl FnMut(ReplicaId, &P::Body) -> Vec<(ReplicaId, P::Body)> + 'static,
    ) {
        self.faulty.insert(id);
        self.corruptions.insert(id, Box::new(rewrite));
    }

    /// Makes `by` faulty and has it say `body` to `to`, signed, over the usual network.
    pub fn say(&mut self, by: ReplicaId, to: ReplicaId, body: P::Body) {
        self.faulty.insert(by);
        let signed = self.sign(by, body).into_signed();
        self.travel(by, to, signed);
    }

    /// Delivers a message to `to` now, through a relay that vouches for nothing. Its signature
    /// need not hold.
    pub fn inject(&mut self, to: ReplicaId, signed: Signed<P>) {
        let what = What::Arrive(None, signed);
        self.queue_at(
            self.now,
            Event {
                to,
                run: None,
                what,
            },
        );
    }

    /// Gives an engine an input now, whatever the contract says.
    pub fn input(&mut self, to: ReplicaId, input: Input<P>) {
        self.after(Duration::ZERO, to, What::Input(input));
    }

    /// Which payloads every application accepts, from now on. At first, all.
    pub fn accept(&mut self, accepts: impl Fn(&Payload) -> bool + 'static) {
        self.accepts = Box::new(accepts);
    }

    /// Changes what clients do.
    pub fn set_load(&mut self, load: Load) {
        self.options.load = load;
        for id in self.ids() {
            self.keep_loaded(id);
        }
    }
}

//! Starts, crashes, and what survives them.

use crate::adversary::Power;
use crate::disk::{Log, Store};
use crate::fact::Fact;
use crate::node::Fuse;
use crate::trace::Happening;
use crate::world::What;
use crate::{Engine, World};
use quorate_core::{Height, ReplicaId, Setup};
use std::sync::Arc;

impl<P: Engine> World<P> {
    /// Starts a replica from what its disks have.
    pub fn start(&mut self, id: ReplicaId) {
        let setup = Setup {
            me: id,
            chain: self.domain.chain,
            epoch: self.domain.epoch,
            validators: Arc::clone(&self.validators),
            scheme: self.scheme.clone(),
            leaders: Arc::new(self.leaders.clone()),
            config: P::config(&self.options),
        };
        let now = self.now;
        let application = (self.application)(id);
        self.nodes[id.index()].start(now, setup, &self.options, application);
        let (run, stored) = {
            let node = &self.nodes[id.index()];
            (
                node.run,
                node.store.last().map_or(Height::GENESIS, |it| it.height),
            )
        };
        self.trace(id, || Happening::Started {
            run,
            stored: stored.0,
        });
        self.tell(&Fact::Started {
            by: id,
            run,
            stored,
        });
        self.tell_executed(id);
        if self.nodes[id.index()].run > 1 {
            self.checks.counts.restarts += 1;
        }
        self.settle(id);
        self.resubmit(id);
    }

    /// The power of a replica fails.
    pub fn crash(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        node.running = None;
        let amnesia = node.fuse.take().is_some_and(|fuse| fuse.amnesia);
        let counts = &mut self.checks.counts.disk;
        node.log.crash(&mut self.crash_random, counts);
        node.store.crash(&mut self.crash_random, counts);
        if amnesia {
            node.log = Log::new();
            node.store = Store::new();
            counts.amnesias += 1;
        }
        let durable = node.log.durable_to();
        self.trace(id, || Happening::Crashed {
            durable: durable.0,
            amnesia,
        });
        self.tell(&Fact::Crashed {
            by: id,
            durable,
            amnesia,
        });
    }

    /// The power of a replica fails after so many more actions, in the midst of others.
    pub fn crash_after(&mut self, id: ReplicaId, actions: u64) {
        self.arm(
            id,
            Fuse {
                left: actions,
                unsynced: 1,
                amnesia: false,
            },
        );
    }

    /// The power of a replica is about to fail.
    pub(crate) fn arm(&mut self, id: ReplicaId, fuse: Fuse) {
        self.nodes[id.index()].fuse = Some(fuse);
    }

    /// Whether a replica's power is about to fail.
    pub(crate) fn is_armed(&self, id: ReplicaId) -> bool {
        self.nodes[id.index()].fuse.is_some()
    }

    /// No replica crashes of itself any more.
    pub fn disarm(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.fuse = None);
    }

    /// Another action is carried out. Whether the power fails before it.
    pub(crate) fn burns_out(&mut self, id: ReplicaId) -> bool {
        let node = &mut self.nodes[id.index()];
        let Some(fuse) = &mut node.fuse else {
            return false;
        };
        if fuse.left == 0 {
            return true;
        }
        let cost = if node.log.is_unsynced() {
            fuse.unsynced
        } else {
            1
        };
        fuse.left = fuse.left.saturating_sub(cost);
        false
    }

    /// The power of an adversary that crashes again and again goes off, or comes back.
    pub(crate) fn switch(&mut self, id: ReplicaId) {
        let power = if self.is_up(id) {
            self.crash(id);
            Power::Off
        } else {
            self.start(id);
            Power::On
        };
        self.checks.counts.acts += 1;
        let after = power.lasts(self.options.timeout, &mut self.adversary_random);
        self.schedule(after, id, What::Switch);
    }
}

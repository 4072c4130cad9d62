//! One event after another.

use crate::disk::Finished;
use crate::fact::Fact;
use crate::node::TICK_RESOLUTION;
use crate::trace::Happening;
use crate::world::What;
use crate::{Engine, World};
use quorate_core::{Frame, ReplicaId, Time};
use quorate_replica::driver::Event;
use std::time::Duration;

/// More ticks than this at one moment are a loop.
const TICKS_IN_PLACE: u32 = 100;

impl<P: Engine> World<P> {
    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now.after(duration);
        while self.queue.next().is_some_and(|at| at <= end) {
            self.step();
            self.must_hold();
        }
        self.now = end;
    }

    /// Lets time pass until something holds, for at most `bound`. Returns whether it holds.
    pub fn run_until(&mut self, bound: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.after(bound);
        while !holds(self) {
            if self.queue.next().is_none_or(|at| at > end) {
                self.now = end;
                return holds(self);
            }
            self.step();
            self.must_hold();
        }
        true
    }

    fn must_hold(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}");
        }
    }

    /// Adds an event at a replica.
    pub(crate) fn schedule(&mut self, after: Duration, id: ReplicaId, what: What<P>) {
        self.schedule_at(self.now.after(after), id, what);
    }

    /// Adds an event at a replica, at a time.
    pub(crate) fn schedule_at(&mut self, at: Time, id: ReplicaId, what: What<P>) {
        if what.is_work()
            && let Some(running) = &mut self.nodes[id.index()].running
        {
            running.outstanding += 1;
        }
        self.queue.push(at, (id, what));
    }

    /// The next event happens.
    pub(crate) fn step(&mut self) {
        let Some((at, (id, what))) = self.queue.pop() else {
            return;
        };
        assert!(at >= self.now, "time goes on");
        self.now = at;
        if matches!(what, What::Switch) {
            return self.switch(id);
        }
        let node = &self.nodes[id.index()];
        let current = node.run;
        let Some(running) = &mut self.nodes[id.index()].running else {
            return;
        };
        if what.run().is_some_and(|run| run != current) {
            return;
        }
        if what.is_work() {
            running.outstanding -= 1;
        }
        self.audit.number(at.0);
        self.audit.number(u64::from(id.0));
        match what {
            What::Arrives(from, frame) => self.arrives(id, from, &frame),
            What::Event(_, event) => self.handle(id, event),
            What::Tick(_) => self.tick(id),
            What::Switch => unreachable!("whether it is up or not"),
            What::Synced(_) => self.synced(id),
            What::Executed(_, decision) => self.execute(id, decision),
            What::Stored(_) => self.stored(id),
        }
    }

    /// A sync has ended. If it failed, the driver hears nothing of its log any more, as in
    /// production, so that nothing that binds leaves the replica.
    fn synced(&mut self, id: ReplicaId) {
        let failed = self.sync_random.below(10_000) < u64::from(self.options.disk.sync_failures);
        let log = &mut self.nodes[id.index()].log;
        if failed && self.troubled {
            log.fail_sync();
            self.checks.counts.disk.sync_failures += 1;
            self.note(id, || "a sync has failed".into());
            return;
        }
        let to = log.end_sync();
        self.trace(id, || Happening::Durable { record: to.0 });
        self.tell(&Fact::Durable { by: id, to });
        self.handle(id, Event::Durable(to));
    }

    /// The block store has written what it was given, or not: then it writes nothing any more.
    fn stored(&mut self, id: ReplicaId) {
        let failed = self.store_random.below(10_000) < u64::from(self.options.disk.store_failures);
        let store = &mut self.nodes[id.index()].store;
        if failed && self.troubled && !store.has_failed() {
            store.fail();
            self.checks.counts.disk.store_failures += 1;
            self.note(id, || "the block store has failed".into());
            return;
        }
        if let Some(Finished::Block(height)) = store.finish() {
            self.trace(id, || Happening::Stored { height: height.0 });
            self.tell(&Fact::Stored { by: id, height });
            self.handle(id, Event::Stored(height));
        }
    }

    fn arrives(&mut self, id: ReplicaId, from: ReplicaId, frame: &Frame) {
        if !self.network.carries(from, id, self.now) {
            return;
        }
        self.checks.counts.messages += 1;
        self.audit.bytes(&frame.bytes);
        let running = self.nodes[id.index()].running.as_ref();
        let running = running.expect("messages reach replicas that are up");
        let event = crate::inbound::decode(running, &self.domain, from, frame);
        match event {
            Ok(event) => self.handle(id, event),
            Err(fault) => self.blames(id, from, fault),
        }
    }

    fn tick(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        let local = node.local(self.now);
        let running = node.running.as_mut().expect("it is up");
        running.tick = None;
        if running.driver.deadline().is_some_and(|at| at <= local) {
            running.ticks_in_place += 1;
            assert!(
                running.ticks_in_place < TICKS_IN_PLACE,
                "{id:?} spins: {:?}",
                running.driver.status()
            );
            self.checks.counts.ticks += 1;
            self.handle(id, Event::Tick);
        } else {
            self.schedule_tick(id);
        }
    }

    /// Gives the driver an event, and carries out what follows.
    pub(crate) fn handle(&mut self, id: ReplicaId, event: Event<P>) {
        self.checks.counts.events += 1;
        self.trace_event(id, &event);
        let node = &mut self.nodes[id.index()];
        let local = node.local(self.now);
        let running = node
            .running
            .as_mut()
            .expect("events reach replicas that are up");
        running.driver.handle(local, event);
        self.settle(id);
        self.tell_standing(id);
    }

    pub(crate) fn schedule_tick(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        let Some(deadline) = node.running.as_ref().and_then(|it| it.driver.deadline()) else {
            return;
        };
        let at = node.global(deadline).max(self.now);
        let (now, run) = (self.now, node.run);
        let running = node.running.as_mut().expect("it is up");
        if at > now {
            running.ticks_in_place = 0;
        }
        if running.tick.is_some_and(|tick| tick <= at) {
            return;
        }
        running.tick = Some(at);
        let wait = at.since(now).max(TICK_RESOLUTION);
        self.schedule(wait, id, What::Tick(run));
    }
}

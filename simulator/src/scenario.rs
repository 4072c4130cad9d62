//! Faults drawn from a seed.

use crate::stream::{pick, stream};
use crate::{Engine, World};
use quorate_core::ReplicaId;
use quorate_core::testing::Random;
use std::time::Duration;

/// How a world is troubled.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Steps, of up to 400 ms each.
    pub steps: u32,
    /// Requests at a step, at most.
    pub requests: u64,
    /// Crashes, in a thousand steps; a crashed replica restarts after a while.
    pub crashes: u32,
    /// Cuts, in a thousand steps; they heal after a while.
    pub cuts: u32,
    /// How many replicas may be down at a time.
    pub down_max: usize,
    /// A replica that never speaks.
    pub silent: Option<ReplicaId>,
    /// How long the replicas have after the faults to do what is left.
    pub bound: Duration,
}

impl Default for Scenario {
    /// Load without faults.
    fn default() -> Self {
        Self {
            steps: 20,
            requests: 4,
            crashes: 0,
            cuts: 0,
            down_max: 1,
            silent: None,
            bound: Duration::from_secs(30),
        }
    }
}

impl Scenario {
    /// Troubles a world whose replicas are down, ends the faults, and requires that everything
    /// is done within the bound.
    ///
    /// # Panics
    ///
    /// If a check fails.
    pub fn run<P: Engine>(&self, world: &mut World<P>, seed: u64) {
        let mut random = stream(seed, "scenario");
        let usable = |world: &World<P>| {
            let ids = world.ids().into_iter();
            ids.filter(|id| Some(*id) != self.silent)
                .collect::<Vec<_>>()
        };
        for id in usable(world) {
            world.start(id);
        }
        for _ in 0..self.steps {
            self.trouble(world, &mut random, &usable(world));
            let up = usable(world).into_iter().filter(|id| world.is_up(*id));
            let up: Vec<_> = up.collect();
            for _ in 0..random.below(self.requests + 1) {
                if let Some(at) = pick(&mut random, &up).filter(|at| world.is_up(*at)) {
                    world.submit(at);
                }
            }
            let pause = Duration::ZERO..=Duration::from_millis(400);
            world.run_for(random.duration(&pause));
        }
        for id in usable(world) {
            if !world.is_up(id) {
                world.start(id);
            }
        }
        world.end_faults();
        world.disarm();
        world.must_settle(self.bound);
    }

    fn trouble<P: Engine>(&self, world: &mut World<P>, random: &mut Random, ids: &[ReplicaId]) {
        let down: Vec<_> = ids.iter().filter(|id| !world.is_up(**id)).collect();
        if random.chance(self.crashes)
            && down.len() < self.down_max
            && let Some(id) = pick(random, ids).filter(|id| world.is_up(*id))
        {
            world.crash_after(id, random.below(60));
        }
        if random.chance(400)
            && let Some(id) = down.first()
        {
            world.start(**id);
        }
        if random.chance(self.cuts) {
            let group: Vec<_> = ids.iter().copied().filter(|_| random.chance(400)).collect();
            world.cut(&group);
        } else if random.chance(300) {
            world.heal();
        }
    }
}

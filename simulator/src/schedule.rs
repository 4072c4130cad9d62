//! What befalls a world in the course of a run.

use crate::node::Fuse;
use crate::oracle::Violation;
use crate::partition::{Direction, Partition};
use crate::queue::Queue;
use crate::run::Failure;
use crate::stream::{exponential, pick, shuffle, stream};
use crate::{Engine, Setting, World};
use quorate_core::testing::Random;
use quorate_core::{QuorumPower, ReplicaId, Time};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often an operator looks for replicas whose storage has failed.
const INSPECTION: Duration = Duration::from_secs(2);

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Clients submit.
    Submit,
    /// A replica is about to crash.
    Crash(ReplicaId),
    /// A replica that crashed starts again.
    Restart(ReplicaId),
    /// Links are cut.
    Part,
    /// Links are mended.
    Mend,
    /// An operator restarts what has failed.
    Inspect,
}

/// What happens of itself, and what is yet to come.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    setting: &'a Setting,
    ids: Vec<ReplicaId>,
    agenda: Queue<Act>,
    /// Whether things go wrong.
    troubled: bool,
    /// Replicas that are down for good.
    stopped: BTreeSet<ReplicaId>,
    load: Random,
    crashes: Random,
    partitions: Random,
    ends: Random,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(setting: &'a Setting) -> Self {
        let seed = setting.seed();
        Self {
            ids: (0..setting.replicas() as u16).map(ReplicaId).collect(),
            agenda: Queue::default(),
            troubled: false,
            stopped: BTreeSet::new(),
            load: stream(seed, "schedule: load"),
            crashes: stream(seed, "schedule: crashes"),
            partitions: stream(seed, "schedule: partitions"),
            ends: stream(seed, "schedule: end"),
            setting,
        }
    }

    /// Everything in its order. Returns how long the quorum at the end took.
    pub(crate) fn run<P: Engine>(&mut self, world: &mut World<P>) -> Result<Duration, Failure> {
        self.begin(world);
        for _ in 0..self.setting.phases.rounds {
            self.calm(world);
            self.pass(world, self.setting.phases.calm)?;
            self.trouble(world);
            self.pass(world, self.setting.phases.trouble)?;
        }
        self.end(world)
    }

    /// Only the first stretch without trouble.
    pub(crate) fn calm_stretch<P: Engine>(
        &mut self,
        world: &mut World<P>,
    ) -> Result<(), Violation> {
        self.begin(world);
        self.calm(world);
        self.pass(world, self.setting.phases.calm)
    }

    fn begin<P: Engine>(&mut self, world: &mut World<P>) {
        for (id, behaviours) in &self.setting.adversaries {
            world.corrupt(*id, behaviours);
        }
        for id in &self.setting.amnesic {
            world.distrust(*id);
        }
        for id in self.ids.clone() {
            world.start(id);
        }
        self.agenda.push(world.now(), Act::Submit);
        self.agenda
            .push(world.now().after(INSPECTION), Act::Inspect);
    }

    /// Nothing goes wrong any more; what is down starts soon.
    fn calm<P: Engine>(&mut self, world: &mut World<P>) {
        self.troubled = false;
        world.calm();
    }

    /// Things go wrong from now on.
    fn trouble<P: Engine>(&mut self, world: &mut World<P>) {
        self.troubled = true;
        world.trouble();
        for id in self.ids.clone() {
            self.plan_crash(world.now(), id);
        }
        self.plan_partition(world.now());
    }

    fn plan_crash(&mut self, now: Time, id: ReplicaId) {
        let every = self.setting.troubles.crash_every;
        if every > Duration::ZERO {
            let at = now.after(exponential(&mut self.crashes, every));
            self.agenda.push(at, Act::Crash(id));
        }
    }

    fn plan_partition(&mut self, now: Time) {
        let every = self.setting.troubles.part_every;
        if every > Duration::ZERO {
            let at = now.after(exponential(&mut self.partitions, every));
            self.agenda.push(at, Act::Part);
        }
    }

    /// Lets time pass, and whatever is due happen.
    fn pass<P: Engine>(&mut self, world: &mut World<P>, time: Duration) -> Result<(), Violation> {
        let end = world.now().after(time);
        while let Some(at) = self.agenda.next().filter(|at| *at <= end) {
            world.try_run_to(at)?;
            self.act(world);
        }
        world.try_run_to(end)
    }

    /// The next act happens.
    fn act<P: Engine>(&mut self, world: &mut World<P>) {
        let Some((_, act)) = self.agenda.pop() else {
            return;
        };
        match act {
            Act::Submit => self.submit(world),
            Act::Crash(id) => self.crash(world, id),
            Act::Restart(id) => self.restart(world, id),
            Act::Part => self.part(world),
            Act::Mend => world.heal(),
            Act::Inspect => self.inspect(world),
        }
    }

    fn submit<P: Engine>(&mut self, world: &mut World<P>) {
        let load = &self.setting.load;
        for _ in 0..=self.load.below(load.burst.max(1)) {
            let up: Vec<_> = self
                .ids
                .iter()
                .copied()
                .filter(|id| world.is_up(*id))
                .collect();
            // The last one may have brought its replica down.
            if let Some(at) = pick(&mut self.load, &up) {
                world.submit(at);
            }
        }
        let next = world.now().after(exponential(&mut self.load, load.every));
        self.agenda.push(next, Act::Submit);
    }

    /// The power of a replica fails at one of its next outputs, ten times likelier at one that
    /// finds the log unsynced.
    fn crash<P: Engine>(&mut self, world: &mut World<P>, id: ReplicaId) {
        /// What an output costs that finds the log unsynced; another one costs one.
        const UNSYNCED: u64 = 10;
        if !self.troubled {
            return;
        }
        let forgets = self.setting.amnesic.contains(&id)
            && self.crashes.chance(self.setting.troubles.amnesia);
        let outputs = self.crashes.below(30 * UNSYNCED);
        let down = self.crashes.duration(&self.setting.troubles.down);
        if world.is_up(id) {
            let fuse = Fuse {
                left: outputs,
                unsynced: UNSYNCED,
                amnesia: forgets,
            };
            world.arm(id, fuse);
        }
        self.agenda.push(world.now().after(down), Act::Restart(id));
        self.plan_crash(world.now().after(down), id);
    }

    fn restart<P: Engine>(&mut self, world: &mut World<P>, id: ReplicaId) {
        if self.stopped.contains(&id) {
            return;
        }
        // Its power is about to fail, and it has had nothing to say since.
        if world.is_up(id) && world.is_armed(id) {
            world.crash(id);
        }
        if !world.is_up(id) {
            world.start(id);
        }
    }

    fn part<P: Engine>(&mut self, world: &mut World<P>) {
        if !self.troubled {
            return;
        }
        let partition = self.partition(world.now());
        world.part(partition);
        let lasts = self.partitions.duration(&self.setting.troubles.part_for);
        self.agenda.push(world.now().after(lasts), Act::Mend);
        self.plan_partition(world.now().after(lasts));
    }

    /// Isolates one, splits in two, or cuts here and there.
    fn partition(&mut self, now: Time) -> Partition {
        let troubles = &self.setting.troubles;
        let random = &mut self.partitions;
        let direction = match (random.chance(troubles.one_way), random.chance(500)) {
            (false, _) => Direction::Both,
            (true, false) => Direction::Out,
            (true, true) => Direction::In,
        };
        let flapping = random.chance(troubles.flapping);
        let period = random.duration(&troubles.flap_period);
        let mut group = self.ids.clone();
        shuffle(random, &mut group);
        let size = 1 + random.below(group.len() as u64 - 1) as usize;
        let partition = match random.below(3) {
            0 => Partition::around(&group[..1], &self.ids, direction, now),
            1 => Partition::around(&group[..size], &self.ids, direction, now),
            _ => {
                let per_mille = 50 + random.below(500) as u32;
                Partition::scattered(random, &self.ids, per_mille, now)
            }
        };
        if flapping {
            partition.flapping(period)
        } else {
            partition
        }
    }

    fn inspect<P: Engine>(&mut self, world: &mut World<P>) {
        for id in self.ids.clone() {
            if world.is_up(id) && world.storage_failed(id) {
                world.crash(id);
                let soon = self.crashes.duration(&self.setting.troubles.down);
                self.agenda.push(world.now().after(soon), Act::Restart(id));
            }
        }
        self.agenda
            .push(world.now().after(INSPECTION), Act::Inspect);
    }

    /// All but F are healed, the rest is stopped, the adversaries stay; what waits must be done.
    fn end<P: Engine>(&mut self, world: &mut World<P>) -> Result<Duration, Failure> {
        self.calm(world);
        world.heal();
        world.disarm();
        let chosen = self.choose();
        let faulty = self.setting.faulty();
        for id in self.ids.clone() {
            let stays = chosen.contains(&id);
            if world.is_up(id) && (world.storage_failed(id) || !stays && !faulty.contains(&id)) {
                world.crash(id);
            }
            if stays && !world.is_up(id) {
                world.start(id);
            } else if !stays && !world.is_up(id) {
                self.stopped.insert(id);
            }
        }
        let within = self.setting.phases.liveness;
        world.healed(&chosen, within);
        let (begun, goal) = (world.now(), world.counts().decided + 3);
        for id in &chosen {
            world.submit(*id);
        }
        let first_new = world.next_request();
        let done = |world: &World<P>| {
            let mut chosen = chosen.iter();
            chosen.all(|id| world.executed(*id).0 >= goal && !world.waits_older(*id, first_new))
        };
        while !done(world) {
            if world.now().since(begun) > within {
                let lines: Vec<_> = self.ids.iter().map(|id| world.describe(*id)).collect();
                return Err(Failure {
                    oracle: "liveness".into(),
                    at: world.now(),
                    message: format!(
                        "{chosen:?} have not decided up to {goal} and executed what waits in \
                         {within:?}\n{}",
                        lines.join("\n")
                    ),
                });
            }
            self.pass(world, Duration::from_millis(100))?;
        }
        world.ended();
        world.verdict()?;
        Ok(world.now().since(begun))
    }

    /// The replicas that must decide at the end: all correct ones, or so many that the others have
    /// at most F, which is what every protocol promises to live with. (A bare quorum can be less,
    /// and rotating leaders then may never get enough views in a row.)
    fn choose(&mut self) -> Vec<ReplicaId> {
        let powers = &self.setting.world.powers;
        let power = QuorumPower::of(powers.iter().sum()).expect("replicas have power");
        let faulty = self.setting.faulty();
        let correct = self.ids.iter().copied().filter(|id| !faulty.contains(id));
        let mut chosen: Vec<_> = correct.collect();
        if self.ends.chance(300) {
            return chosen;
        }
        shuffle(&mut self.ends, &mut chosen);
        let mut sum = 0;
        chosen.retain(|id| {
            let needed = sum < power.total() - power.faulty();
            sum += if needed { powers[id.index()] } else { 0 };
            needed
        });
        chosen.sort_unstable();
        chosen
    }
}

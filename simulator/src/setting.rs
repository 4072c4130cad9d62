//! Everything that a seed decides.

use crate::stream::{shuffle, stream};
use crate::{Behaviour, Clock, DiskOptions, NetworkOptions, Options, SchemeKind, Work};
use quorate_core::testing::Random;
use quorate_core::{QuorumPower, ReplicaId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a run is made of, drawn from a seed ([`Self::draw`]); every field may be changed before
/// the run. Equal settings give equal runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Replicas, network, disks, clocks, timeouts. Its seed is the run's.
    pub world: Options,
    /// How the replicas sign.
    pub scheme: SchemeKind,
    /// The adversaries, by what they do.
    pub adversaries: BTreeMap<ReplicaId, Vec<Behaviour>>,
    /// Replicas that may lose their disks when they crash. They count as faulty too.
    pub amnesic: BTreeSet<ReplicaId>,
    /// What the clients do.
    pub load: Load,
    /// What goes wrong.
    pub troubles: Troubles,
    /// The phases of a run.
    pub phases: Phases,
}

/// What the clients do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The mean time between submissions.
    pub every: Duration,
    /// Most requests at once.
    pub burst: u64,
}

/// What goes wrong while there is trouble, beyond what [`Options`] has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Troubles {
    /// The mean time between the crashes of one replica; none if zero.
    pub crash_every: Duration,
    /// How long a crashed replica stays down.
    pub down: RangeInclusive<Duration>,
    /// Crashes of an amnesic replica after which its disks are empty, in a thousand.
    pub amnesia: u32,
    /// The mean time between the beginnings of partitions; none if zero.
    pub part_every: Duration,
    /// How long a partition lasts.
    pub part_for: RangeInclusive<Duration>,
    /// Partitions that let one direction through, in a thousand.
    pub one_way: u32,
    /// Partitions that flap, in a thousand.
    pub flapping: u32,
    /// Every how long they change.
    pub flap_period: RangeInclusive<Duration>,
}

/// The phases of a run: stretches without and with trouble in turn, and then the last one, in
/// which the replicas that are left must decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phases {
    /// How often a stretch without and one with trouble follow each other.
    pub rounds: u32,
    /// How long a stretch without trouble is.
    pub calm: Duration,
    /// How long a stretch with trouble is.
    pub trouble: Duration,
    /// How long a quorum may take at the end to decide and to execute what waits.
    pub liveness: Duration,
}

const fn millis(from: u64, to: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(from)..=Duration::from_millis(to)
}

/// A range of durations up to a random one, from a tenth of it.
fn up_to(random: &mut Random, longest: RangeInclusive<Duration>) -> RangeInclusive<Duration> {
    let longest = random.duration(&longest);
    longest / 10..=longest
}

/// Zero in so many of a thousand cases.
fn unless<T: Default>(random: &mut Random, per_mille: u32, value: T) -> T {
    if random.chance(per_mille) {
        T::default()
    } else {
        value
    }
}

impl Setting {
    /// Draws everything from a seed, and each part with random numbers of its own.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut random = stream(seed, "setting");
        let scheme = scheme(&mut stream(seed, "setting: scheme"));
        // Real signatures cost a thousand times more than mock ones: few replicas make few.
        let sizes = if scheme == SchemeKind::Mock { 7 } else { 2 };
        let replicas = 4 + random.below(sizes) as usize;
        let mut world = Options::new(seed, replicas);
        if random.chance(300) {
            world.powers.fill_with(|| 1 + random.below(4));
        }
        world.timeout = random.duration(&millis(300, 4_000));
        world.idle_interval = random.duration(&millis(100, 1_000));
        world.checkpoint_interval = 2 + random.below(31);
        world.network = network(&mut stream(seed, "setting: network"), world.timeout);
        world.disk = disk(&mut stream(seed, "setting: disk"));
        world.clocks = clocks(&mut stream(seed, "setting: clocks"), replicas);
        world.work = work(&mut stream(seed, "setting: work"));
        let troubles = troubles(&mut stream(seed, "setting: troubles"), world.timeout);
        let load = load(&mut stream(seed, "setting: load"));
        let phases = phases(&mut stream(seed, "setting: phases"), &world);
        let mut setting = Self {
            world,
            scheme,
            adversaries: BTreeMap::new(),
            amnesic: BTreeSet::new(),
            load,
            troubles,
            phases,
        };
        setting.corrupt(&mut stream(seed, "setting: adversaries"));
        setting
    }

    /// A run of so many replicas in which nothing goes wrong.
    #[must_use]
    pub fn faultless(seed: u64, replicas: usize) -> Self {
        let none = Duration::ZERO;
        let world = Options::new(seed, replicas);
        Self {
            scheme: SchemeKind::Mock,
            adversaries: BTreeMap::new(),
            amnesic: BTreeSet::new(),
            load: Load {
                every: Duration::from_secs(1),
                burst: 1,
            },
            troubles: Troubles {
                crash_every: none,
                down: none..=none,
                amnesia: 0,
                part_every: none,
                part_for: none..=none,
                one_way: 0,
                flapping: 0,
                flap_period: none..=none,
            },
            phases: Phases {
                rounds: 1,
                calm: Duration::from_secs(60),
                trouble: none,
                liveness: liveness(&world),
            },
            world,
        }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.world.seed
    }

    /// How many replicas there are.
    #[must_use]
    pub const fn replicas(&self) -> usize {
        self.world.powers.len()
    }

    /// Another number of replicas, each with power 1. Of the faulty ones as many stay as are
    /// tolerated, those with the lowest numbers first.
    ///
    /// # Panics
    ///
    /// If it is zero.
    pub fn set_replicas(&mut self, replicas: usize) {
        self.world.powers = vec![1; replicas];
        self.world.clocks.truncate(replicas);
        let power = QuorumPower::of(replicas as u64).expect("there is a replica");
        let stays = self.faulty().into_iter().filter(|id| id.index() < replicas);
        let stays: BTreeSet<_> = stays.take(power.faulty() as usize).collect();
        self.adversaries.retain(|id, _| stays.contains(id));
        self.amnesic.retain(|id| stays.contains(id));
        self.phases.liveness = liveness(&self.world);
    }

    /// Another timeout of the engine, and the time for the end that goes with it.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.world.timeout = timeout;
        self.phases.liveness = liveness(&self.world);
    }

    /// Every replica that is not bound by the protocol.
    #[must_use]
    pub fn faulty(&self) -> BTreeSet<ReplicaId> {
        let adversaries = self.adversaries.keys().copied();
        adversaries.chain(self.amnesic.iter().copied()).collect()
    }

    /// Draws who is faulty, and how: power of at most F.
    fn corrupt(&mut self, random: &mut Random) {
        let power = QuorumPower::of(self.world.powers.iter().sum()).expect("replicas have power");
        let mut left = unless(random, 250, power.faulty());
        let mut ids: Vec<_> = (0..self.replicas() as u16).map(ReplicaId).collect();
        shuffle(random, &mut ids);
        for id in ids {
            let power = self.world.powers[id.index()];
            if power > left || random.chance(150) {
                continue;
            }
            left -= power;
            if random.chance(200) {
                self.amnesic.insert(id);
            } else {
                self.adversaries.insert(id, behaviours(random));
            }
        }
    }
}

/// One to three things that an adversary does.
fn behaviours(random: &mut Random) -> Vec<Behaviour> {
    let mut all = Behaviour::ALL.to_vec();
    shuffle(random, &mut all);
    let count = 1 + random.below(3).min(random.below(3)) as usize;
    all.truncate(count);
    all
}

fn network(random: &mut Random, timeout: Duration) -> NetworkOptions {
    let shortest = random.duration(&(Duration::from_micros(50)..=timeout / 40));
    let spread = random.duration(&(Duration::ZERO..=timeout / 40));
    let tail = random.duration(&(Duration::ZERO..=timeout / 40));
    let loss = random.below(100) as u32;
    let duplication = random.below(60) as u32;
    let reordering = random.below(50) as u32;
    NetworkOptions {
        delay: shortest..=shortest + spread,
        tail: unless(random, 200, tail),
        loss: unless(random, 250, loss),
        duplication: unless(random, 250, duplication),
        reordering: unless(random, 250, reordering),
        held: random.duration(&(timeout / 50..=timeout)),
    }
}

fn disk(random: &mut Random) -> DiskOptions {
    let sync_failures = random.below(40) as u32;
    let store_failures = random.below(20) as u32;
    DiskOptions {
        sync: up_to(
            random,
            Duration::from_micros(100)..=Duration::from_millis(30),
        ),
        store: up_to(
            random,
            Duration::from_micros(500)..=Duration::from_millis(100),
        ),
        sync_failures: unless(random, 500, sync_failures),
        store_failures: unless(random, 700, store_failures),
    }
}

fn clocks(random: &mut Random, replicas: usize) -> Vec<Clock> {
    // From a good clock's ten parts in a million to three percent.
    let most = [10, 200, 5_000, 30_000][random.below(4) as usize];
    let clock = |_| Clock {
        offset: random.duration(&(Duration::ZERO..=Duration::from_secs(1_000))),
        drift: random.below(2 * most + 1) as i32 - most as i32,
    };
    (0..replicas).map(clock).collect()
}

fn work(random: &mut Random) -> Work {
    let micros = Duration::from_micros;
    Work {
        sign: up_to(random, micros(10)..=micros(500)),
        check: up_to(random, micros(10)..=micros(1_000)),
        execute: up_to(random, micros(10)..=micros(20_000)),
        read: up_to(random, micros(10)..=micros(5_000)),
    }
}

fn scheme(random: &mut Random) -> SchemeKind {
    match random.below(200) {
        0 => SchemeKind::Ed25519,
        1 => SchemeKind::Bls,
        _ => SchemeKind::Mock,
    }
}

fn troubles(random: &mut Random, timeout: Duration) -> Troubles {
    let crash_every = random.duration(&millis(2_000, 40_000));
    let part_every = random.duration(&millis(1_000, 12_000));
    let longest_down = random.duration(&millis(100, 8_000));
    let longest_part = random.duration(&(timeout / 2..=timeout * 5));
    Troubles {
        crash_every: unless(random, 200, crash_every),
        down: Duration::from_millis(1)..=longest_down,
        amnesia: random.below(1_000) as u32,
        part_every: unless(random, 250, part_every),
        part_for: timeout / 20..=longest_part,
        one_way: random.below(800) as u32,
        flapping: random.below(600) as u32,
        flap_period: timeout / 4..=timeout * 3 / 2,
    }
}

fn load(random: &mut Random) -> Load {
    Load {
        every: random.duration(&millis(150, 1_500)),
        burst: 1 + random.below(6),
    }
}

fn phases(random: &mut Random, world: &Options) -> Phases {
    let rounds = 1 + random.below(3) as u32;
    Phases {
        rounds,
        calm: Duration::from_secs(24) / rounds,
        trouble: Duration::from_secs(36) / rounds,
        liveness: liveness(world),
    }
}

/// How long a quorum may take, when all faults are over, to decide and to execute what waits.
///
/// A view that leads nowhere takes the longest timeout that the engine has. The adversaries and
/// the stopped replicas may lead as many views in a row as they have power; then those who are
/// left must meet in a view, and lead as many of them as a decision takes.
fn liveness(world: &Options) -> Duration {
    let power: u64 = world.powers.iter().sum();
    let views = power / 3 + 6;
    crate::engine::longest(world.timeout) * u32::try_from(views).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_stays_within_the_budget() {
        let (mut adversaries, mut amnesic, mut real, mut weighted) = (0, 0, 0, 0);
        for seed in 0..2_000 {
            let setting = Setting::draw(seed);
            assert_eq!(setting, Setting::draw(seed));
            let powers = &setting.world.powers;
            assert!((4..=10).contains(&powers.len()));
            let faulty = setting.faulty();
            let power: u64 = faulty.iter().map(|id| powers[id.index()]).sum();
            let total: u64 = powers.iter().sum();
            assert!(3 * power < total, "{faulty:?} of {powers:?}");
            let phases = &setting.phases;
            assert!((phases.calm + phases.trouble) * phases.rounds >= Duration::from_secs(59));
            adversaries += setting.adversaries.len();
            amnesic += setting.amnesic.len();
            real += usize::from(setting.scheme != SchemeKind::Mock);
            weighted += usize::from(powers.iter().any(|power| *power > 1));
        }
        assert!(
            adversaries > 1_000 && amnesic > 200,
            "{adversaries}, {amnesic}"
        );
        assert!((5..60).contains(&real), "{real} of about 20");
        assert!((400..800).contains(&weighted), "{weighted}");
    }
}

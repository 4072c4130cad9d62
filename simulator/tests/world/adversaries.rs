//! Clusters with replicas that do not follow the protocol.

use quorate_core::ReplicaId;
use quorate_core::testing::Random;
use quorate_simulator::{Behaviour, Engine, Options, World};
use std::time::Duration;

/// Seeds for each behaviour: `QUORATE_ADVERSARY_SEEDS` how many, `QUORATE_SEED` only this one.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("QUORATE_SEED") {
        return seed..seed + 1;
    }
    0..number("QUORATE_ADVERSARY_SEEDS").unwrap_or(default)
}

/// A world with these adversaries, under load, with so many cuts in a thousand steps: the others
/// stay in agreement (the oracles say so on every event), and when the network is whole they
/// execute what is left, and what is new.
fn withstand<P: Engine>(
    options: Options,
    adversaries: &[(ReplicaId, Vec<Behaviour>)],
    cuts: u32,
) -> u64 {
    let mut random = Random::new(options.seed ^ 0xad7e);
    let mut world = World::<P>::new(options);
    for (id, behaviours) in adversaries {
        world.corrupt(*id, behaviours);
    }
    let ids = world.ids().into_iter();
    let correct: Vec<_> = ids.filter(|id| world.is_correct(*id)).collect();
    world.ids().into_iter().for_each(|id| world.start(id));
    for _ in 0..30 {
        for _ in 0..random.below(5) {
            let at = correct[random.below(correct.len() as u64) as usize];
            world.submit(at);
        }
        // Not only when nothing is under way.
        let moment = Duration::ZERO..=Duration::from_millis(if cuts > 0 { 60 } else { 0 });
        world.run_for(random.duration(&moment));
        if random.chance(cuts) {
            let ids = world.ids().into_iter();
            let group: Vec<_> = ids.filter(|_| random.chance(400)).collect();
            world.cut(&group);
        } else if random.chance(300) {
            world.heal();
        }
        let pause = Duration::ZERO..=Duration::from_millis(400);
        world.run_for(random.duration(&pause));
    }
    world.end_faults();
    settle(&mut world, &correct);
    for at in &correct {
        world.submit(*at);
    }
    settle(&mut world, &correct);
    let counts = world.counts();
    assert!(
        counts.requests > 0 && counts.decided > 0,
        "nothing happened"
    );
    counts.acts
}

/// Correct replicas execute what waits at them, and get as far as each other.
fn settle<P: Engine>(world: &mut World<P>, correct: &[ReplicaId]) {
    let bound = Duration::from_secs(60);
    let level = |world: &World<P>| {
        let heights = correct.iter().map(|id| world.executed(*id).0);
        let (low, high) = heights.fold((u64::MAX, 0), |(low, high), height| {
            (low.min(height), high.max(height))
        });
        high - low <= 2 * world.ids().len() as u64
    };
    if !world.run_until(bound, |world| world.waiting() == 0 && level(world)) {
        let lines: Vec<_> = world.ids().iter().map(|id| world.describe(*id)).collect();
        panic!(
            "{} requests wait after {bound:?} without other faults\n{}",
            world.waiting(),
            lines.join("\n")
        );
    }
}

fn options(seed: u64, replicas: usize) -> Options {
    let mut options = Options::new(seed, replicas).lossy(10 * (seed as u32 % 6));
    options.checkpoint_interval = 8;
    options
}

/// One of four.
fn alone<P: Engine>(behaviours: &[Behaviour]) {
    let mut acts = 0;
    for seed in seeds(20) {
        let id = ReplicaId(seed as u16 % 4);
        acts += withstand::<P>(options(seed, 4), &[(id, behaviours.to_vec())], 0);
    }
    assert!(acts > 0, "{behaviours:?} did nothing");
    println!("{}: {behaviours:?}: {acts} acts", P::NAME);
}

fn silent<P: Engine>() {
    alone::<P>(&[Behaviour::Silent]);
}

fn crash_loop<P: Engine>() {
    alone::<P>(&[Behaviour::CrashLoop]);
}

fn equivocate<P: Engine>() {
    alone::<P>(&[Behaviour::Equivocate]);
}

fn withhold<P: Engine>() {
    alone::<P>(&[Behaviour::Withhold]);
}

fn select<P: Engine>() {
    alone::<P>(&[Behaviour::Select]);
}

fn slow_drip<P: Engine>() {
    alone::<P>(&[Behaviour::SlowDrip]);
}

fn lie<P: Engine>() {
    alone::<P>(&[Behaviour::Lie]);
}

fn outdated<P: Engine>() {
    alone::<P>(&[Behaviour::Outdated]);
}

fn garbage<P: Engine>() {
    alone::<P>(&[Behaviour::Garbage]);
}

fn false_checkpoint<P: Engine>() {
    alone::<P>(&[Behaviour::FalseCheckpoint]);
}

fn composed<P: Engine>() {
    alone::<P>(&[Behaviour::Lie, Behaviour::Equivocate, Behaviour::Select]);
    alone::<P>(&[Behaviour::Lie, Behaviour::Withhold, Behaviour::CrashLoop]);
}

/// One of the behaviours that a mind makes.
fn any(random: &mut Random) -> Behaviour {
    Behaviour::ALL[random.below(Behaviour::ALL.len() as u64) as usize]
}

/// Two of seven, which do different things.
fn two_of_seven<P: Engine>() {
    for seed in seeds(30) {
        let mut random = Random::new(seed);
        let first = random.below(7) as u16;
        let second = (first + 1 + random.below(6) as u16) % 7;
        let adversaries = [first, second].map(|id| (ReplicaId(id), vec![any(&mut random)]));
        withstand::<P>(options(seed, 7), &adversaries, 0);
    }
}

/// Two behaviours at once, one of them a lie, while the network falls apart and comes together.
fn liars_in_trouble<P: Engine>() {
    for seed in seeds(40) {
        let mut random = Random::new(seed);
        let (replicas, count) = if seed % 3 == 0 { (7, 2) } else { (4, 1) };
        let first = random.below(replicas) as u16;
        let liars = (0..count).map(|index| {
            let id = ReplicaId((first + index) % replicas as u16);
            let second = [Behaviour::Equivocate, Behaviour::Lie, any(&mut random)];
            let second = second[random.below(3) as usize];
            let mut behaviours = vec![Behaviour::Lie];
            behaviours.extend((second != Behaviour::Lie).then_some(second));
            (id, behaviours)
        });
        let liars: Vec<_> = liars.collect();
        withstand::<P>(options(seed, replicas as usize), &liars, 250);
    }
}

super::for_each_engine!(
    silent,
    crash_loop,
    equivocate,
    withhold,
    select,
    slow_drip,
    lie,
    outdated,
    garbage,
    false_checkpoint,
    composed,
    two_of_seven,
    liars_in_trouble,
);

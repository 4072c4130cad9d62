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

/// A world with these adversaries, under load: the others stay in agreement (the oracles say so on
/// every event), and when the network is whole they execute what is left, and what is new.
fn withstand<P: Engine>(options: Options, adversaries: &[(ReplicaId, Vec<Behaviour>)]) -> u64 {
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
    for seed in seeds(40) {
        let id = ReplicaId(seed as u16 % 4);
        acts += withstand::<P>(options(seed, 4), &[(id, behaviours.to_vec())]);
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

/// Two of seven, which do different things.
fn two_of_seven<P: Engine>() {
    let mut random = Random::new(7);
    let mut any = || Behaviour::ALL[random.below(Behaviour::ALL.len() as u64) as usize];
    let chosen: Vec<_> = (0..200).map(|_| [any(), any()]).collect();
    for seed in seeds(60) {
        let first = ReplicaId(seed as u16 % 7);
        let second = ReplicaId((first.0 + 1 + (seed / 7) as u16 % 6) % 7);
        let [one, other] = chosen[seed as usize % chosen.len()];
        let adversaries = [(first, vec![one]), (second, vec![other])];
        withstand::<P>(options(seed, 7), &adversaries);
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
);

//! Many seeds of each kind of trouble.

use quorate_core::ReplicaId;
use quorate_simulator::{Engine, Options, Scenario, World};
use std::time::Duration;

/// The seeds of a run: `QUORATE_SEEDS` how many, `QUORATE_SEED` only this one.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("QUORATE_SEED") {
        return seed..seed + 1;
    }
    0..number("QUORATE_SEEDS").unwrap_or(30)
}

/// Four or seven replicas.
const fn size(seed: u64) -> usize {
    if seed.is_multiple_of(3) { 7 } else { 4 }
}

fn run<P: Engine>(options: impl Fn(u64) -> Options, scenario: impl Fn(u64) -> Scenario) {
    let (mut requests, mut repeated) = (0, 0);
    for seed in seeds() {
        let mut world = World::<P>::new(options(seed));
        scenario(seed).run(&mut world, seed);
        let counts = world.counts();
        assert!(
            counts.requests > 0 && counts.decided > 0,
            "nothing happened"
        );
        requests += counts.requests;
        repeated += counts.repeated;
    }
    println!("{}: {requests} requests, {repeated} repeated", P::NAME);
}

fn plain(seed: u64) -> Options {
    Options::new(seed, size(seed))
}

fn happy_path<P: Engine>() {
    run::<P>(plain, |_| Scenario {
        bound: Duration::from_secs(2),
        ..Scenario::default()
    });
}

fn lossy<P: Engine>() {
    let options = |seed| plain(seed).lossy(20 + 10 * (seed as u32 % 10));
    run::<P>(options, |_| Scenario::default());
}

fn crashes<P: Engine>() {
    let scenario = |seed| Scenario {
        steps: 30,
        crashes: 300,
        down_max: (size(seed) - 1) / 3,
        ..Scenario::default()
    };
    run::<P>(plain, scenario);
}

/// More go down than the others can do without; all come back.
fn many_crashes<P: Engine>() {
    let options = |seed| plain(seed).lossy(10);
    let scenario = |seed| Scenario {
        steps: 30,
        crashes: 500,
        down_max: size(seed),
        ..Scenario::default()
    };
    run::<P>(options, scenario);
}

/// Block stores lag behind the logs: what a checkpoint lets a replica forget must be stored.
fn slow_stores<P: Engine>() {
    let options = |seed| {
        let mut options = plain(seed);
        options.checkpoint_interval = 4;
        options.disk.store = Duration::from_millis(1)..=Duration::from_millis(80);
        options
    };
    let scenario = |seed| Scenario {
        crashes: 500,
        down_max: size(seed),
        ..Scenario::default()
    };
    run::<P>(options, scenario);
}

/// Seed 309: Tendermint forgot promises of heights whose records came before those of a lower one.
fn slow_stores_regression<P: Engine>() {
    let mut options = plain(309);
    options.checkpoint_interval = 4;
    options.disk.store = Duration::from_millis(1)..=Duration::from_millis(80);
    let scenario = Scenario {
        crashes: 500,
        down_max: size(309),
        ..Scenario::default()
    };
    scenario.run(&mut World::<P>::new(options), 309);
}

fn silent<P: Engine>() {
    let scenario = |seed| Scenario {
        silent: Some(ReplicaId(seed as u16 % 4)),
        ..Scenario::default()
    };
    run::<P>(plain, scenario);
}

fn partitions<P: Engine>() {
    let options = |seed| plain(seed).lossy(10);
    let scenario = |_| Scenario {
        steps: 30,
        cuts: 300,
        ..Scenario::default()
    };
    run::<P>(options, scenario);
}

fn everything<P: Engine>() {
    let options = |seed| plain(seed).lossy(30);
    let scenario = |seed| Scenario {
        steps: 40,
        cuts: 200,
        crashes: 200,
        down_max: size(seed) / 2,
        bound: Duration::from_secs(60),
        ..Scenario::default()
    };
    run::<P>(options, scenario);
}

/// The same options give the same run.
fn runs_repeat<P: Engine>() {
    let run = |seed| {
        let mut world = World::<P>::new(plain(seed).lossy(50));
        let scenario = Scenario {
            crashes: 300,
            cuts: 200,
            ..Scenario::default()
        };
        scenario.run(&mut world, seed);
        (world.now(), world.counts(), world.latency())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

fn all_restart<P: Engine>() {
    for seed in seeds() {
        let mut world = World::<P>::started(plain(seed));
        for round in 0..5 {
            for id in world.ids() {
                world.submit(id);
            }
            world.run_for(Duration::from_millis(1 + (seed * 7 + round * 13) % 60));
            world.ids().into_iter().for_each(|id| world.crash(id));
            world.run_for(Duration::from_millis(10));
            world.ids().into_iter().for_each(|id| world.start(id));
        }
        world.must_settle(Duration::from_secs(20));
        assert!(world.counts().requests > 0, "nothing happened");
    }
}

super::for_each_engine!(
    happy_path,
    lossy,
    crashes,
    many_crashes,
    slow_stores,
    slow_stores_regression,
    silent,
    partitions,
    everything,
    runs_repeat,
    all_restart,
);

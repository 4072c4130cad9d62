//! Clusters with nothing to do, and what then comes.

use quorate_core::ReplicaId;
use quorate_simulator::{Engine, Options, World};
use std::time::Duration;

fn idle_is_calm<P: Engine>() {
    let mut world = World::<P>::started(Options::new(1, 4));
    world.run_for(Duration::from_secs(10));
    let before = world.counts();
    world.run_for(Duration::from_secs(60));
    let after = world.counts();
    let events = after.events - before.events;
    let heights = after.decided - before.decided;
    println!(
        "{}: {} events, {} heights in a minute",
        P::NAME,
        events,
        heights
    );
    assert_eq!(after.timed_out, 0, "idle views are given up");
    assert!(
        events / 60 < 1_000,
        "{events} events in a minute of idleness"
    );
}

fn requests_after_idleness<P: Engine>() {
    for seed in 0..8 {
        let mut world = World::<P>::started(Options::new(seed, 4));
        for round in 0..8u16 {
            world.run_for(Duration::from_millis(7_000 + 37 * u64::from(round)));
            world.submit(ReplicaId(round % 4));
            world.must_settle(Duration::from_secs(2));
        }
        let latency = world.latency();
        if seed == 0 {
            println!(
                "{}: mean {:?}, longest {:?}",
                P::NAME,
                latency.mean(),
                latency.max
            );
        }
        assert!(latency.max < Duration::from_millis(500), "{latency:?}");
        assert_eq!(world.counts().timed_out, 0, "a view was given up");
    }
}

super::for_each_engine!(idle_is_calm, requests_after_idleness);

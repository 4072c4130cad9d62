//! Replicas that were away for long, and checkpoints.

use quorate_core::ReplicaId;
use quorate_simulator::{Engine, Options, World};
use std::time::Duration;

/// Decides at least so many heights, with a request in many of them.
fn decide<P: Engine>(world: &mut World<P>, heights: u64, at: ReplicaId) {
    let goal = world.counts().decided + heights;
    while world.counts().decided < goal {
        world.submit(at);
        world.run_for(Duration::from_millis(12));
    }
}

/// A replica that was cut off for a thousand heights gets them from the others.
fn cut_off_for_long<P: Engine>() {
    let mut world = World::<P>::started(Options::new(3, 4));
    decide(&mut world, 20, ReplicaId(0));
    world.cut(&[ReplicaId(3)]);
    decide(&mut world, 1_000, ReplicaId(0));
    world.must_settle_but_for(Duration::from_secs(5), ReplicaId(3));
    world.heal();
    let before = world.now();
    world.must_settle(Duration::from_secs(20));
    println!("{}: level after {:?}", P::NAME, world.now().since(before));
    world.submit(ReplicaId(3));
    world.must_settle(Duration::from_secs(5));
}

/// The same with a replica that was down, while there is load.
fn down_for_long<P: Engine>() {
    let mut world = World::<P>::started(Options::new(4, 4));
    decide(&mut world, 20, ReplicaId(0));
    world.crash(ReplicaId(3));
    decide(&mut world, 1_000, ReplicaId(0));
    world.start(ReplicaId(3));
    let before = world.now();
    decide(&mut world, 20, ReplicaId(1));
    world.must_settle(Duration::from_secs(20));
    println!("{}: level after {:?}", P::NAME, world.now().since(before));
}

/// Checkpoints become stable, and logs stay short.
fn checkpoints_keep_logs_short<P: Engine>() {
    let mut world = World::<P>::started(Options::new(5, 4));
    decide(&mut world, 500, ReplicaId(0));
    world.must_settle(Duration::from_secs(5));
    for id in world.ids() {
        let (stable, executed) = (world.stable(id), world.executed(id));
        assert!(
            stable.0 + 40 > executed.0,
            "{id:?}: {stable:?} of {executed:?}"
        );
        let entries = world.log_entries(id);
        assert!(entries < 800, "{id:?} has {entries} entries in its log");
    }
}

/// All replicas crash around a checkpoint, again and again: it becomes stable all the same.
fn crashes_around_checkpoints<P: Engine>() {
    for seed in 0..20 {
        let mut options = Options::new(seed, 4);
        options.checkpoint_interval = 8;
        let mut world = World::<P>::started(options);
        for round in 0..6 {
            decide(&mut world, 6, ReplicaId(0));
            world.run_for(Duration::from_millis((seed * 3 + round * 5) % 17));
            world.ids().into_iter().for_each(|id| world.crash(id));
            world.ids().into_iter().for_each(|id| world.start(id));
        }
        world.must_settle(Duration::from_secs(20));
        world.run_for(Duration::from_secs(3));
        for id in world.ids() {
            let (stable, executed) = (world.stable(id), world.executed(id));
            assert!(
                stable.0 + 24 >= executed.0,
                "{id:?}: {stable:?} of {executed:?}"
            );
        }
    }
}

super::for_each_engine!(
    cut_off_for_long,
    down_for_long,
    checkpoints_keep_logs_short,
    crashes_around_checkpoints,
);

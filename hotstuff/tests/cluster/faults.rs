//! Silence, loss, partitions and crashes.

use crate::{World, lowest, options, others, seconds, under_both_rules};
use quorate_core::testing::Options;
use quorate_core::{Height, ReplicaId};
use quorate_hotstuff::{Body, CommitRule};
use std::time::Duration;

/// Without the votes that timeouts carry, three-chain would never decide here.
fn no_silent_replica_stops_four<R: CommitRule>() {
    for silent in 0..4 {
        let silent = ReplicaId(silent);
        let mut world = World::<R>::new(options(u64::from(silent.0) + 1, &[1; 4]));
        world.silence(silent);
        let up = others(&world, &[silent]);
        world.run_for(seconds(20));
        let view = world.engine(up[0]).map(|engine| engine.view().0);
        let height = lowest(&world, &up).0;
        // Three of four views have a leader that speaks, and each of their blocks is decided.
        let views = view.expect("it is up");
        assert!(
            height * 100 >= views * 70,
            "{height} decisions in {views} views\n{}",
            world.report()
        );
        assert!(height >= 100, "only {height} decisions\n{}", world.report());
    }
}

fn silent_leaders_one_after_the_other<R: CommitRule>() {
    let mut world = World::<R>::new(options(5, &[1; 7]));
    let silent = [ReplicaId(2), ReplicaId(3)];
    silent.iter().for_each(|id| world.silence(*id));
    let up = others(&world, &silent);
    world.expect(
        "the others decide",
        |world| lowest(world, &up) >= Height(60),
        seconds(60),
    );
}

fn silent_leaders_apart<R: CommitRule>() {
    let mut world = World::<R>::new(options(6, &[1; 7]));
    let silent = [ReplicaId(1), ReplicaId(4)];
    silent.iter().for_each(|id| world.silence(*id));
    let up = others(&world, &silent);
    world.expect(
        "the others decide",
        |world| lowest(world, &up) >= Height(60),
        seconds(60),
    );
}

fn a_tenth_of_all_messages_lost<R: CommitRule>() {
    for seed in 0..20 {
        let mut world = World::<R>::new(Options {
            loss: 100,
            duplication: 50,
            ..options(seed, &[1; 4])
        });
        let ids = world.ids();
        world.expect(
            "everyone decides",
            |world| lowest(world, &ids) >= Height(20),
            seconds(120),
        );
    }
}

/// What was lost by one replica it gets back, block by block or as decisions.
fn who_was_cut_off_catches_up<R: CommitRule>() {
    for (seed, gap) in [(1, 20), (2, 200), (3, 2000)] {
        let mut world = World::<R>::new(options(seed, &[1; 4]));
        let alone = ReplicaId(3);
        let rest = others(&world, &[alone]);
        world.partition(&[&rest]);
        world.run_for(Duration::from_millis(gap * 10));
        world.heal_all();
        let target = Height(lowest(&world, &rest).0 + 20);
        world.expect(
            "it is there again",
            |world| world.decided(alone) >= target,
            seconds(30),
        );
    }
}

fn state_transfer<R: CommitRule>() {
    let mut world = World::<R>::new(Options {
        transfer_beyond: Some(16),
        ..options(4, &[1; 4])
    });
    let alone = ReplicaId(3);
    let rest = others(&world, &[alone]);
    world.partition(&[&rest]);
    world.run_for(seconds(10));
    world.heal_all();
    let target = Height(lowest(&world, &rest).0 + 50);
    world.expect(
        "it is there again",
        |world| world.decided(alone) >= target,
        seconds(30),
    );
}

/// Proposals never reach one replica, by any view's leader: it fetches every block.
fn without_any_proposal<R: CommitRule>() {
    let mut world = World::<R>::new(options(8, &[1; 4]));
    let deaf = ReplicaId(2);
    world.block(move |_, to, body| to == deaf && matches!(body, Body::Proposal(_)));
    let rest = others(&world, &[deaf]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(30),
        seconds(60),
    );
    world.unblock();
    world.expect(
        "so does it",
        |world| world.decided(deaf) >= Height(40),
        seconds(60),
    );
}

fn a_power_cut_of_everyone<R: CommitRule>() {
    for seed in 0..40 {
        let mut world = World::<R>::new(options(seed, &[1; 4]));
        let ids = world.ids();
        for round in 1..=6 {
            world.run_for(Duration::from_micros(20_011 * (seed + 1) % 97_000 + 1));
            ids.iter().for_each(|id| world.stop(*id));
            ids.iter().for_each(|id| world.restart(*id));
            if round == 3 {
                world.run_for(Duration::from_millis(150));
            }
        }
        let target = Height(lowest(&world, &ids).0 + 20);
        world.expect(
            "they go on",
            |world| lowest(world, &ids) >= target,
            seconds(60),
        );
    }
}

fn a_single_replica_restarts<R: CommitRule>() {
    for seed in 0..20 {
        let mut world = World::<R>::new(options(seed, &[1]));
        let only = ReplicaId(0);
        for _ in 0..5 {
            world.run_for(Duration::from_micros(7_013 * (seed + 1) % 9_000 + 500));
            world.restart(only);
        }
        let target = world.decided(only).0 + 20;
        world.expect(
            "it goes on",
            |world| world.decided(only).0 >= target,
            seconds(10),
        );
    }
}

/// Each in turn, while the others work.
fn a_rolling_restart<R: CommitRule>() {
    let mut world = World::<R>::new(options(11, &[1; 4]));
    for round in 0..12 {
        let id = ReplicaId(round % 4);
        world.stop(id);
        world.run_for(Duration::from_millis(300));
        world.restart(id);
        world.run_for(Duration::from_millis(300));
    }
    let ids = world.ids();
    let target = Height(lowest(&world, &ids).0 + 20);
    world.expect(
        "all go on",
        |world| lowest(world, &ids) >= target,
        seconds(60),
    );
}

/// Every other view fails, so that no two consecutive ones line up: the undecided chain grows past
/// its bound, in empty blocks, and is decided at once when the world is better.
fn a_long_undecided_chain<R: CommitRule>() {
    let mut world = options::<R>(13, &[1; 4]);
    world.config.undecided = 4;
    let mut world = World::<R>::new(world);
    world.block(|_, _, body| {
        matches!(body, Body::Proposal(proposal) if proposal.block().header.view.0 % 2 == 0)
    });
    world.run_for(seconds(60));
    assert!(
        world.heights().iter().all(|height| height.0 < 4),
        "{}",
        world.report()
    );
    world.unblock();
    let ids = world.ids();
    world.expect(
        "all is decided",
        |world| lowest(world, &ids) >= Height(30),
        seconds(15),
    );
    let empty = |height: u64| {
        let decision = world.decision(ReplicaId(0), Height(height));
        decision.is_some_and(|decision| decision.payload.is_empty())
    };
    assert!((1..30).filter(|height| empty(*height)).count() > 10);
}

/// Nobody has a quorum; nobody decides; and once they have one again, they go on soon.
fn a_partition_without_quorum<R: CommitRule>() {
    let mut world = World::<R>::new(options(12, &[1; 4]));
    world.run_for(Duration::from_millis(500));
    let (left, right) = ([ReplicaId(0), ReplicaId(1)], [ReplicaId(2), ReplicaId(3)]);
    world.partition(&[&left, &right]);
    world.run_for(Duration::from_millis(100));
    let heights = world.heights();
    world.run_for(seconds(30));
    assert_eq!(heights, world.heights(), "nobody decides without a quorum");
    world.heal_all();
    let ids = world.ids();
    let target = Height(lowest(&world, &ids).0 + 20);
    world.expect(
        "they go on",
        |world| lowest(world, &ids) >= target,
        seconds(15),
    );
}

under_both_rules!(
    no_silent_replica_stops_four,
    silent_leaders_one_after_the_other,
    silent_leaders_apart,
    a_tenth_of_all_messages_lost,
    who_was_cut_off_catches_up,
    state_transfer,
    without_any_proposal,
    a_power_cut_of_everyone,
    a_single_replica_restarts,
    a_rolling_restart,
    a_long_undecided_chain,
    a_partition_without_quorum,
);

//! The common case.

use crate::{World, lowest, options, seconds, under_both_rules};
use quorate_core::testing::{Load, Options};
use quorate_core::{Height, Note, ReplicaId};
use quorate_hotstuff::CommitRule;
use std::time::Duration;

fn clusters_of_every_shape_decide<R: CommitRule>() {
    let shapes: [&[u64]; 8] = [
        &[1],
        &[1; 4],
        &[1; 5],
        &[1; 7],
        &[1; 10],
        &[3, 1, 4, 1, 5],
        &[10, 1, 1],
        &[1, 1],
    ];
    for powers in shapes {
        let mut world = World::<R>::new(options(1, powers));
        let ids = world.ids();
        world.expect(
            "everyone decides",
            |world| lowest(world, &ids) >= Height(50),
            seconds(5),
        );
        let given_up = world
            .notes()
            .iter()
            .any(|(_, note)| matches!(note, Note::TimedOut(..)));
        assert!(!given_up, "no view fails in {powers:?}");
    }
}

/// Linear: a proposal to everyone, and a vote from everyone to one.
fn a_decision_costs_two_messages_a_replica<R: CommitRule>() {
    let mut world = World::<R>::new(options(1, &[1; 16]));
    let first = ReplicaId(0);
    world.expect(
        "they decide",
        |world| world.decided(first) >= Height(20),
        seconds(10),
    );
    let before: u64 = (1..=127).map(|kind| world.sent(kind)).sum();
    let height = world.decided(first).0;
    world.expect(
        "they decide",
        |world| world.decided(first) >= Height(320),
        seconds(60),
    );
    let after: u64 = (1..=127).map(|kind| world.sent(kind)).sum();
    let decisions = world.decided(first).0 - height;
    let hundredths = (after - before) * 100 / (decisions * 16);
    assert!(
        hundredths <= 210,
        "{hundredths} hundredths of n messages a decision"
    );
}

/// Requests that nothing follows are decided all the same, and quickly: empty blocks follow.
fn the_last_request_is_decided<R: CommitRule>() {
    let mut world = World::<R>::new(Options {
        load: Load::Idle,
        ..options(3, &[1; 4])
    });
    world.run_for(seconds(1));
    let ids = world.ids();
    for _ in 0..5 {
        let before: usize = payloads(&world);
        world.submit(1);
        let all_have = |world: &World<R>| payloads(world) > before;
        world.expect(
            "the request is decided",
            all_have,
            Duration::from_millis(200),
        );
    }
    let given_up = world.notes().iter();
    let given_up = given_up.filter(|(_, note)| matches!(note, Note::TimedOut(..)));
    assert_eq!(given_up.count(), 0, "an idle cluster gives up no view");
    assert!(lowest(&world, &ids) > Height(5));
}

fn payloads<R: CommitRule>(world: &World<R>) -> usize {
    let first = ReplicaId(0);
    let heights = (1..=world.decided(first).0).map(Height);
    heights
        .filter(|height| {
            world
                .decision(first, *height)
                .is_some_and(|decision| !decision.payload.is_empty())
        })
        .count()
}

/// The same options give the same run.
fn runs_repeat<R: CommitRule>() {
    let run = || {
        let mut world = World::<R>::new(Options {
            loss: 20,
            duplication: 50,
            ..options(9, &[1; 4])
        });
        world.run_for(seconds(3));
        world.fingerprint()
    };
    assert_eq!(run(), run());
}

under_both_rules!(
    clusters_of_every_shape_decide,
    a_decision_costs_two_messages_a_replica,
    the_last_request_is_decided,
    runs_repeat,
);

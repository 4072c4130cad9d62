//! Crashes: whatever was not durable is lost, and nothing that was said is contradicted.

use crate::{cluster, expect_progress, options, others};
use quorate_core::testing::{Cluster, Options};
use quorate_core::{Height, ReplicaId};
use quorate_tendermint::{PRECOMMIT_KIND, PREVOTE_KIND, PROPOSAL_KIND};
use std::time::Duration;

#[test]
fn a_power_cut_of_everyone_at_any_moment_is_survived() {
    for millis in 0..60 {
        let mut cluster = Cluster::new(Options {
            // Slow disks, so that much is lost.
            disk: Duration::from_millis(1)..=Duration::from_millis(8),
            ..options(millis, &[1; 4])
        });
        cluster.run_for(Duration::from_millis(7 * millis));
        let ids = cluster.ids();
        ids.iter().for_each(|id| cluster.restart(*id));
        expect_progress(
            &mut cluster,
            "progress after the power cut",
            &ids,
            5,
            Duration::from_secs(20),
        );
    }
}

#[test]
fn replicas_that_have_all_spoken_and_not_been_heard_repeat_themselves() {
    for kind in [PROPOSAL_KIND, PREVOTE_KIND, PRECOMMIT_KIND] {
        let mut cluster = cluster(21, &[1; 4]);
        // Everything of the kind is lost from now on, so nobody gets past it.
        cluster.block(move |_, _, body| quorate_core::Body::kind(body) == kind);
        cluster.run_for(Duration::from_secs(2));
        let ids = cluster.ids();
        ids.iter().for_each(|id| cluster.stop(*id));
        cluster.unblock();
        ids.iter().for_each(|id| cluster.restart(*id));
        expect_progress(&mut cluster, "progress", &ids, 5, Duration::from_secs(20));
    }
}

#[test]
fn replicas_that_restart_in_turn_all_the_time_go_on() {
    for seed in 0..8 {
        let mut cluster = cluster(seed, &[1; 4]);
        for turn in 0..40 {
            cluster.run_for(Duration::from_millis(60));
            cluster.restart(ReplicaId(turn % 4));
        }
        let ids = cluster.ids();
        expect_progress(&mut cluster, "progress", &ids, 5, Duration::from_secs(20));
    }
}

#[test]
fn a_replica_that_was_down_catches_up() {
    for transfer_beyond in [None, Some(16)] {
        let mut cluster = Cluster::new(Options {
            transfer_beyond,
            ..options(22, &[1; 4])
        });
        let late = ReplicaId(1);
        cluster.run_for(Duration::from_millis(200));
        cluster.stop(late);
        let rest = others(&cluster, &[late]);
        expect_progress(
            &mut cluster,
            "the rest",
            &rest,
            100,
            Duration::from_secs(120),
        );
        cluster.restart(late);
        let ids = cluster.ids();
        expect_progress(&mut cluster, "everyone", &ids, 5, Duration::from_secs(20));
    }
}

#[test]
fn a_replica_alone_restarts_where_it_was() {
    let mut cluster = cluster(23, &[1]);
    let me = [ReplicaId(0)];
    for _ in 0..50 {
        cluster.run_for(Duration::from_millis(9));
        cluster.restart(me[0]);
    }
    assert!(cluster.decided(me[0]) > Height(0));
    expect_progress(&mut cluster, "progress", &me, 5, Duration::from_secs(5));
}

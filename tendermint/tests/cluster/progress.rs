//! What goes well, and what single faults cost.

use crate::{all_decided, cluster, expect_progress, options, others};
use quorate_core::testing::{Cluster, Load, Options};
use quorate_core::{Height, Note, ReplicaId, View};
use quorate_tendermint::{CERTIFICATE_KIND, PRECOMMIT_KIND, PREVOTE_KIND, PROPOSAL_KIND};
use std::time::Duration;

#[test]
fn correct_replicas_decide_in_round_zero() {
    for powers in [
        vec![1],
        vec![1; 2],
        vec![1; 3],
        vec![1; 4],
        vec![1; 5],
        vec![1; 7],
        vec![1; 10],
        vec![5, 1, 1, 1],
        vec![3, 2, 2, 1, 1],
        vec![u32::MAX.into(), 1, 1 << 31, 7],
    ] {
        let mut cluster = cluster(3, &powers);
        let ids = cluster.ids();
        expect_progress(
            &mut cluster,
            "thirty heights",
            &ids,
            30,
            Duration::from_secs(3),
        );
        let late = cluster
            .notes()
            .iter()
            .find(|(_, note)| matches!(note, Note::Entered(_, round) if *round > View::ZERO));
        assert_eq!(late, None, "{powers:?}");
    }
}

#[test]
fn a_height_without_faults_costs_a_proposal_and_two_rounds_of_votes() {
    let mut cluster = cluster(4, &[1; 4]);
    let ids = cluster.ids();
    expect_progress(&mut cluster, "progress", &ids, 20, Duration::from_secs(3));
    let heights = cluster.heights().into_iter().max().expect("replicas").0 + 1;
    assert!(cluster.sent(PROPOSAL_KIND) <= 3 * heights);
    assert!(cluster.sent(PREVOTE_KIND) <= 12 * heights);
    assert!(cluster.sent(PRECOMMIT_KIND) <= 12 * heights);
    assert_eq!(cluster.sent(CERTIFICATE_KIND), 0);
}

#[test]
fn no_single_silent_replica_stops_four() {
    for silent in 0..4 {
        let silent = ReplicaId(silent);
        let mut cluster = cluster(5, &[1; 4]);
        cluster.silence(silent);
        let correct = others(&cluster, &[silent]);
        // Every fourth height waits for one proposal and for one round of nil votes.
        expect_progress(
            &mut cluster,
            "progress without one replica",
            &correct,
            12,
            Duration::from_secs(8),
        );
    }
}

#[test]
fn two_silent_proposers_in_a_row_do_not_stop_seven() {
    for first in 0..7 {
        let silent = [ReplicaId(first), ReplicaId((first + 1) % 7)];
        let mut cluster = cluster(6, &[1; 7]);
        silent.iter().for_each(|id| cluster.silence(*id));
        let correct = others(&cluster, &silent);
        expect_progress(
            &mut cluster,
            "progress without two replicas",
            &correct,
            14,
            Duration::from_secs(20),
        );
    }
}

#[test]
fn a_silent_heavy_replica_within_the_faulty_power_stops_nobody() {
    // A total of 10: up to 3 may be faulty.
    let mut cluster = cluster(7, &[3, 2, 2, 2, 1]);
    cluster.silence(ReplicaId(0));
    let correct = others(&cluster, &[ReplicaId(0)]);
    expect_progress(
        &mut cluster,
        "progress",
        &correct,
        10,
        Duration::from_secs(30),
    );
}

#[test]
fn too_many_silent_replicas_stop_everyone_until_one_is_back() {
    let mut cluster = cluster(8, &[1; 4]);
    cluster.silence(ReplicaId(0));
    cluster.silence(ReplicaId(1));
    let stuck = cluster.run_until(
        |cluster| all_decided(cluster, &[ReplicaId(2)], 1),
        Duration::from_secs(60),
    );
    assert!(!stuck, "two of four decide alone");
    cluster.unsilence(ReplicaId(1));
    let ids = others(&cluster, &[ReplicaId(0)]);
    expect_progress(
        &mut cluster,
        "progress with three of four",
        &ids,
        5,
        Duration::from_secs(30),
    );
}

#[test]
fn a_request_after_a_long_idle_time_is_decided_at_once() {
    let mut cluster = Cluster::new(Options {
        load: Load::Idle,
        ..options(9, &[1; 4])
    });
    // The application here never offers an empty payload: rounds fail until a request comes.
    cluster.run_for(Duration::from_secs(120));
    cluster.submit(1);
    let ids = cluster.ids();
    expect_progress(
        &mut cluster,
        "the request",
        &ids,
        1,
        Duration::from_secs(30),
    );
}

#[test]
fn losses_and_doubled_messages_are_survived() {
    for seed in 0..20 {
        let mut cluster = Cluster::new(Options {
            loss: 100,
            duplication: 100,
            ..options(seed, &[1; 4])
        });
        let ids = cluster.ids();
        expect_progress(
            &mut cluster,
            "progress in spite of losses",
            &ids,
            30,
            Duration::from_secs(120),
        );
    }
}

#[test]
fn a_replica_that_was_cut_off_catches_up() {
    for transfer_beyond in [None, Some(20)] {
        let mut cluster = Cluster::new(Options {
            transfer_beyond,
            ..options(10, &[1; 4])
        });
        let late = ReplicaId(2);
        cluster.partition(&[&[ReplicaId(0), ReplicaId(1), ReplicaId(3)]]);
        let rest = others(&cluster, &[late]);
        expect_progress(&mut cluster, "the rest", &rest, 40, Duration::from_secs(60));
        assert_eq!(cluster.decided(late), Height(0));
        cluster.heal_all();
        let ids = cluster.ids();
        expect_progress(
            &mut cluster,
            "everyone is together again",
            &ids,
            10,
            Duration::from_secs(30),
        );
    }
}

#[test]
fn equal_seeds_give_equal_runs() {
    let run = |seed| {
        let mut cluster = Cluster::new(Options {
            loss: 50,
            ..options(seed, &[1; 4])
        });
        cluster.run_for(Duration::from_secs(5));
        cluster.fingerprint()
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}

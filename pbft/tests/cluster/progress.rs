//! Nothing but silence and loss.

use crate::{Engine, SECOND, options, others, r, reached, with_powers};
use quorate_core::testing::{Cluster, Load, Options};
use quorate_core::{Note, View};
use quorate_pbft::{COMMIT, PRE_PREPARE, PREPARE};
use std::time::Duration;

#[test]
fn every_size_and_weight_decides_without_a_view_change() {
    let weights: [&[u64]; 9] = [
        &[1],
        &[1, 1],
        &[1; 4],
        &[1; 5],
        &[1; 7],
        &[1; 10],
        &[5, 1, 1, 1, 1, 1],
        &[10, 20, 30, 40],
        &[u32::MAX as u64; 6],
    ];
    for powers in weights {
        let mut cluster = Cluster::<Engine>::new(with_powers(3, powers));
        let ids = cluster.ids();
        cluster.expect("100 decisions", reached(ids.clone(), 100), 10 * SECOND);
        for id in ids {
            assert_eq!(
                cluster.status(id).unwrap().place.view,
                View::ZERO,
                "{powers:?}"
            );
        }
    }
}

#[test]
fn a_decision_costs_one_round_of_each_phase() {
    let mut cluster = Cluster::<Engine>::new(Options {
        load: Load::Idle,
        ..options(4)
    });
    cluster.submit(10);
    let ids = cluster.ids();
    cluster.expect("ten decisions", reached(ids, 10), SECOND);
    cluster.run_for(10 * SECOND);
    // To the three others each: one pre-prepare, three prepares, four commits.
    assert_eq!(cluster.sent(PRE_PREPARE), 10 * 3);
    assert_eq!(cluster.sent(PREPARE), 10 * 9);
    assert_eq!(cluster.sent(COMMIT), 10 * 12);
}

#[test]
fn no_single_silent_replica_stops_four() {
    for silent in 0..4 {
        let mut cluster = Cluster::<Engine>::new(options(5));
        cluster.silence(r(silent));
        let ids = others(&cluster, &[r(silent)]);
        cluster.expect("decisions", reached(ids, 50), 10 * SECOND);
    }
}

#[test]
fn as_many_as_may_fail_are_silent() {
    for (powers, silent) in [
        (vec![1; 7], vec![0, 1]),
        (vec![1; 10], vec![0, 1, 2]),
        (vec![10, 20, 30, 40], vec![2]),
        (vec![1; 5], vec![0]),
        (vec![1; 6], vec![5]),
    ] {
        let mut cluster = Cluster::<Engine>::new(with_powers(6, &powers));
        let silent: Vec<_> = silent.into_iter().map(r).collect();
        for id in &silent {
            cluster.silence(*id);
        }
        let ids = others(&cluster, &silent);
        cluster.expect("decisions", reached(ids, 50), 60 * SECOND);
    }
}

#[test]
fn one_more_silent_replica_halts_and_is_missed_no_more_when_it_speaks() {
    let mut cluster = Cluster::<Engine>::new(options(7));
    cluster.silence(r(1));
    cluster.silence(r(2));
    cluster.run_for(30 * SECOND);
    assert!(cluster.ids().iter().all(|id| cluster.decided(*id).0 == 0));
    cluster.unsilence(r(1));
    let ids = others(&cluster, &[r(2)]);
    // At most one capped timeout, and then a view change.
    cluster.expect("decisions", reached(ids, 50), 130 * SECOND);
}

#[test]
fn a_tenth_of_the_messages_may_be_lost() {
    for seed in 0..20 {
        let mut cluster = Cluster::<Engine>::new(Options {
            loss: 100,
            duplication: 50,
            ..options(seed)
        });
        let ids = cluster.ids();
        cluster.expect("decisions", reached(ids, 40), 240 * SECOND);
    }
}

#[test]
fn an_idle_cluster_is_silent_and_serves_the_next_request() {
    let mut cluster = Cluster::<Engine>::new(Options {
        load: Load::Idle,
        ..options(8)
    });
    cluster.run_for(100 * SECOND);
    assert_eq!(cluster.sent(PREPARE), 0);
    cluster.submit(1);
    let ids = cluster.ids();
    cluster.expect("the request", reached(ids, 1), Duration::from_millis(100));
    let entered = |(_, note): &(_, Note)| matches!(note, Note::Entered(..));
    assert!(!cluster.notes().iter().any(entered));
}

#[test]
fn a_replica_that_was_cut_off_catches_up_by_decisions_and_by_state_transfer() {
    for transfer_beyond in [None, Some(16)] {
        let mut cluster = Cluster::<Engine>::new(Options {
            transfer_beyond,
            ..options(9)
        });
        cluster.partition(&[&[r(0), r(1), r(2)], &[r(3)]]);
        let ids = others(&cluster, &[r(3)]);
        cluster.expect("decisions", reached(ids, 600), 60 * SECOND);
        cluster.heal_all();
        let target = cluster.decided(r(0)).0 + 100;
        cluster.expect("the fourth", reached(vec![r(3)], target), 60 * SECOND);
        // And it takes part again: without another.
        cluster.silence(r(0));
        let ids = others(&cluster, &[r(0)]);
        let target = cluster.decided(r(1)).0 + 100;
        cluster.expect("decisions", reached(ids, target), 60 * SECOND);
    }
}

#[test]
fn the_same_options_give_the_same_run() {
    let run = || {
        let mut cluster = Cluster::<Engine>::new(Options {
            loss: 50,
            ..options(10)
        });
        cluster.run_for(5 * SECOND);
        cluster.fingerprint()
    };
    assert_eq!(run(), run());
}

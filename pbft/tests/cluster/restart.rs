//! Power cuts.

use crate::{Engine, SECOND, options, others, r, reached, with_powers};
use quorate_core::testing::{Cluster, Options};
use quorate_core::{Height, ReplicaId};
use quorate_pbft::Config;
use std::time::Duration;

fn fast(seed: u64) -> Options<Engine> {
    Options {
        config: Config {
            request_timeout: Duration::from_millis(300),
            ..Config::default()
        },
        ..options(seed)
    }
}

#[test]
fn every_replica_restarts_at_once_again_and_again() {
    for seed in 0..20 {
        let mut cluster = Cluster::<Engine>::new(fast(seed));
        let ids = cluster.ids();
        for round in 1..=15 {
            // Not a multiple of anything, so that each cut falls in another phase.
            cluster.run_for(Duration::from_micros(7919 + 613 * round));
            for id in &ids {
                cluster.restart(*id);
            }
        }
        let highest = cluster.heights().into_iter().max().unwrap_or_default();
        cluster.expect("progress", reached(ids, highest.0 + 20), 30 * SECOND);
    }
}

#[test]
fn replicas_restart_one_after_the_other() {
    let mut cluster = Cluster::<Engine>::new(with_powers(31, &[1; 4]));
    let ids = cluster.ids();
    for round in 0..60 {
        cluster.restart(ReplicaId(round % 4));
        cluster.run_for(Duration::from_millis(35));
    }
    let highest = cluster.heights().into_iter().max().unwrap_or_default();
    assert!(highest > Height(30), "they went on between: {highest:?}");
    cluster.expect("progress", reached(ids, highest.0 + 20), 30 * SECOND);
}

#[test]
fn a_restart_in_the_middle_of_a_view_change() {
    for seed in 0..20 {
        let mut cluster = Cluster::<Engine>::new(fast(100 + seed));
        cluster.run_for(Duration::from_millis(50));
        cluster.stop(r(0));
        // The first timeouts come at about 300 ms; cut a little before and after.
        cluster.run_for(Duration::from_millis(296) + Duration::from_micros(700) * seed as u32);
        for id in 1..4 {
            cluster.restart(r(id));
        }
        let ids = others(&cluster, &[r(0)]);
        let highest = cluster.heights().into_iter().max().unwrap_or_default();
        cluster.expect("progress", reached(ids, highest.0 + 20), 30 * SECOND);
    }
}

#[test]
fn a_laggard_joins_a_view_whose_new_view_nobody_has_any_more() {
    let mut cluster = Cluster::<Engine>::new(fast(32));
    cluster.partition(&[&[r(1), r(2), r(3)], &[r(0)]]);
    let ids = others(&cluster, &[r(0)]);
    cluster.expect("a new view", reached(ids.clone(), 100), 30 * SECOND);
    for id in ids {
        cluster.restart(id);
    }
    cluster.heal_all();
    cluster.expect(
        "the old primary follows",
        |cluster| cluster.status(r(0)).is_some_and(|it| it.place.view.0 > 0),
        30 * SECOND,
    );
    // It votes there: without it, three would be two.
    cluster.silence(r(3));
    let ids = others(&cluster, &[r(3)]);
    let target = cluster.decided(r(1)).0 + 50;
    cluster.expect("progress", reached(ids, target), 30 * SECOND);
}

//! View changes without lies.

use crate::{Engine, SECOND, options, others, r, reached, with_powers};
use quorate_core::testing::{Cluster, Load, Options};
use quorate_core::{Height, Note, ReplicaId, View};
use quorate_pbft::{Body, Config, PRE_PREPARE, PREPARE};
use std::time::Duration;

fn idle(seed: u64) -> Options<Engine> {
    Options {
        load: Load::Idle,
        ..options(seed)
    }
}

/// What is prepared at one replica only must survive, once one has decided it.
#[test]
fn what_one_replica_decided_survives_the_primary() {
    for witness in 0..4 {
        for seed in 0..10 {
            let mut cluster = Cluster::<Engine>::new(idle(seed));
            // Commits reach the witness only.
            cluster.block(move |_, to, body| matches!(body, Body::Commit(_)) && to != r(witness));
            cluster.submit(1);
            let decided = move |cluster: &Cluster<Engine>| cluster.decided(r(witness)) == Height(1);
            cluster.expect("the witness decides", decided, SECOND);
            cluster.stop(r(witness));
            if witness != 0 {
                cluster.silence(r(0));
            }
            cluster.unblock();
            if witness != 0 {
                // Two of four cannot go on; the witness comes back with its disk.
                cluster.run_for(20 * SECOND);
                cluster.restart(r(witness));
                cluster.silence(r(0));
            }
            let silent = if witness == 0 { r(witness) } else { r(0) };
            let ids = others(&cluster, &[silent]);
            // The cluster panics if they decide anything else.
            cluster.expect("the others decide it too", reached(ids, 1), 300 * SECOND);
        }
    }
}

#[test]
fn a_prepared_slot_keeps_its_payload_through_several_views() {
    for seed in 0..10 {
        let mut cluster = Cluster::<Engine>::new(idle(seed));
        // Nobody hears commits in the first three views.
        cluster.block(|_, _, body| matches!(body, Body::Commit(vote) if vote.view < View(3)));
        cluster.submit(1);
        let locked = |cluster: &Cluster<Engine>| {
            let locks = cluster.notes().iter();
            let locks = locks.filter(|(_, note)| matches!(note, Note::Locked(_, View(2))));
            locks.count() == 4
        };
        cluster.expect("all are prepared in view 2", locked, 60 * SECOND);
        assert!(cluster.ids().iter().all(|id| cluster.decided(*id).0 == 0));
        let ids = cluster.ids();
        cluster.expect("they decide in view 3", reached(ids, 1), 60 * SECOND);
        let decision = cluster.decision(r(0), Height(1)).unwrap();
        // Built by the first primary, in the first view: bytes 8 and 9 name the builder.
        assert_eq!(decision.payload.bytes()[8..10], [0, 0]);
        assert_eq!(cluster.sent(PRE_PREPARE) % 3, 0);
    }
}

#[test]
fn primaries_fail_one_after_the_other() {
    let mut cluster = Cluster::<Engine>::new(with_powers(12, &[1; 10]));
    for primary in 0..3 {
        cluster.silence(r(primary));
    }
    let ids = others(&cluster, &[r(0), r(1), r(2)]);
    cluster.expect("decisions in view 3", reached(ids, 50), 60 * SECOND);
    assert_eq!(cluster.status(r(9)).unwrap().place.view, View(3));
}

#[test]
fn a_gap_in_the_window_is_filled_with_the_empty_payload() {
    for seed in 0..10 {
        let mut cluster = Cluster::<Engine>::new(idle(seed));
        // The proposal at height 1 reaches nobody; those above are prepared.
        cluster.block(|_, _, body| match body {
            Body::PrePrepare(it) => it.view == View(0) && it.height == Height(1),
            Body::Commit(it) => it.view == View(0),
            _ => false,
        });
        cluster.submit(3);
        cluster.run_for(SECOND);
        cluster.stop(r(0));
        let ids = others(&cluster, &[r(0)]);
        cluster.expect("all three and the gap", reached(ids, 4), 60 * SECOND);
        let gap = cluster.decision(r(1), Height(1)).unwrap();
        assert!(gap.payload.is_empty());
        let second = cluster.decision(r(1), Height(2)).unwrap();
        assert!(!second.payload.is_empty());
    }
}

#[test]
fn requests_that_the_primary_never_hears_change_the_view_once() {
    let mut cluster = Cluster::<Engine>::new(idle(13));
    cluster.block(|from, _, body| from == r(0) && matches!(body, Body::PrePrepare(_)));
    cluster.submit(5);
    let ids = cluster.ids();
    cluster.expect("all five", reached(ids.clone(), 5), 10 * SECOND);
    cluster.run_for(60 * SECOND);
    for id in ids {
        assert_eq!(cluster.status(id).unwrap().place.view, View(1));
    }
}

#[test]
fn an_impatient_replica_alone_changes_nothing_and_is_brought_back() {
    let mut cluster = Cluster::<Engine>::new(options(14));
    let alone = r(3);
    cluster.partition(&[&[r(0), r(1), r(2)], &[alone]]);
    cluster.run_for(20 * SECOND);
    let moved = cluster.status(alone).unwrap().place.view;
    assert_eq!(moved, View(1), "no quorum came along, so it waits there");
    cluster.heal_all();
    // It cannot vote in view 0 any more, but it follows.
    let target = cluster.decided(r(0)).0 + 200;
    cluster.expect("it follows", reached(vec![alone], target), 10 * SECOND);
    assert_eq!(cluster.status(r(0)).unwrap().place.view, View(0));
    // When one more fails, the others join it.
    cluster.stop(r(0));
    let target = cluster.decided(r(1)).0 + 50;
    let ids = others(&cluster, &[r(0)]);
    cluster.expect("they join it", reached(ids, target), 20 * SECOND);
}

#[test]
fn timeouts_double_until_the_network_is_fast_enough_and_then_recover() {
    let mut cluster = Cluster::<Engine>::new(Options {
        delay: Duration::from_millis(150)..=Duration::from_millis(160),
        config: Config {
            request_timeout: Duration::from_millis(100),
            ..Config::default()
        },
        ..options(15)
    });
    let ids = cluster.ids();
    cluster.expect("decisions", reached(ids, 20), 120 * SECOND);

    // A decision alone does not bring the short timeout back, or each view would end after a few.
    let now = |cluster: &Cluster<Engine>| {
        let status = cluster.status(r(0)).unwrap();
        (status.place.view.0, status.decided.0)
    };
    let (view, decided) = now(&cluster);
    cluster.run_for(60 * SECOND);
    let (view, decided) = (now(&cluster).0 - view, now(&cluster).1 - decided);
    assert!(
        decided > 50 * view.max(1),
        "{decided} decisions in {view} views"
    );
}

#[test]
fn a_lost_new_view_is_asked_for() {
    for lost in 0..4 {
        let mut cluster = Cluster::<Engine>::new(options(16));
        cluster.block(move |_, to, body| to == r(lost) && matches!(body, Body::NewView(_)));
        cluster.silence(r(0));
        let ids: Vec<ReplicaId> = others(&cluster, &[r(0)]);
        // Without it the other two are no quorum.
        cluster.expect("decisions", reached(ids, 20), 10 * SECOND);
        assert!(cluster.sent(PREPARE) > 0);
    }
}
